"""Rushes by a simulated clock: what a rush of one can and cannot do to another, in counts, never in seconds."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.kernel.exchange.road.admission_desk import Asking, Desk
from banyan.kernel.exchange.road.admission_pace import Pace
from banyan.kernel.exchange.road.admission_queue import CLASSES, Place
from banyan.kernel.exchange.road.admission_refusal import Refusal
from banyan.kernel.exchange.road.model import Priority

PLACES = 16
HOLD_S = 0.1
CAPACITY = PLACES / HOLD_S


class Arrival(msgspec.Struct, frozen=True, order=True):
    at: float
    client: str
    priority: Priority
    hold_s: float
    left_s: float = 1e9


class Seen(msgspec.Struct):
    """One call, and how many calls of any class started from its arrival up to and with its own."""

    arrival: Arrival
    place: Place | None
    begun: int
    started_after: int | None = None
    waited_s: float = 0.0
    refusal: Refusal | None = None


class Simulation:
    """Places that serve; each call holds its own for as long as it says."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen: list[Seen] = []
        self.starts = 0
        self.place_seconds: Counter[str] = Counter()
        self._ends: list[tuple[float, int, Seen]] = []
        self._waiting: dict[Place, Seen] = {}
        self._lapses: list[tuple[float, int, Seen]] = []

    def run(self, arrivals: list[Arrival], until: float) -> None:
        coming = deque(sorted(arrivals))
        while True:
            nexts = [row[0].at for row in (coming,) if row] + [row[0][0] for row in (self._ends, self._lapses) if row]
            now = min(nexts, default=until)
            if now >= until:
                return
            if self._ends and self._ends[0][0] == now:
                self._began(self.desk.end(self._end(now), now), now)
            elif self._lapses and self._lapses[0][0] == now:
                one = heapq.heappop(self._lapses)[2]
                assert one.place is not None
                one.refusal = self.desk.lapse(one.place, _asking(one.arrival), now) or one.refusal
            else:
                self._arrive(coming.popleft(), now)

    def _arrive(self, arrival: Arrival, now: float) -> None:
        place, shed = self.desk.ask(_asking(arrival), now)
        if isinstance(place, Refusal):
            self.seen.append(Seen(arrival, None, self.starts, refusal=place))
            return
        one = Seen(arrival, place, self.starts)
        self.seen.append(one)
        self._waiting[place] = one
        if shed is not None:
            self._waiting.pop(shed).refusal = Refusal("full", 0, 1)
        if place.state == "running":
            self._began([place], now)
        elif arrival.left_s < 1e6:
            heapq.heappush(self._lapses, (now + arrival.left_s, len(self.seen), one))

    def _began(self, places: list[Place], now: float) -> None:
        for place in places:
            one = self._waiting.pop(place)
            self.starts += 1
            one.started_after = self.starts - one.begun
            one.waited_s = now - one.arrival.at
            heapq.heappush(self._ends, (now + one.arrival.hold_s, len(self.seen) + self.starts, one))

    def _end(self, now: float) -> Place:
        one = heapq.heappop(self._ends)[2]
        self.place_seconds[one.arrival.client] += one.arrival.hold_s
        assert one.place is not None
        return one.place

    def of(self, client: str) -> list[Seen]:
        return [one for one in self.seen if one.arrival.client == client]


def _asking(arrival: Arrival) -> Asking:
    return Asking(arrival.client, arrival.priority, arrival.left_s)


def poisson(
    rate: float, until: float, made: Callable[[float, random.Random], Arrival], chance: random.Random
) -> Iterator[Arrival]:
    at = chance.expovariate(rate)
    while at < until:
        yield made(at, chance)
        at += chance.expovariate(rate)


@pytest.mark.parametrize("seed", range(3))
def test_a_mask_map_rush_at_50_times_capacity_costs_a_hospital_three_starts_at_most(seed: int) -> None:
    """200 map clients ask in both lower classes at 50 times what the gateway can, a hospital ten times a second."""
    chance = random.Random(seed)
    desk = Desk(Pace(PLACES))
    simulation = Simulation(desk)
    rush = poisson(
        50 * CAPACITY,
        5.0,
        lambda at, c: Arrival(at, f"map{c.randrange(200)}", c.choice(("normal", "bulk")), c.expovariate(1 / HOLD_S)),
        chance,
    )
    hospital = poisson(10, 5.0, lambda at, c: Arrival(at, "hospital", "crisis", c.expovariate(1 / HOLD_S)), chance)
    simulation.run([*rush, *hospital], 5.0)
    asked = simulation.of("hospital")
    assert len(asked) > 30
    assert all(one.refusal is None for one in asked)
    assert max(one.started_after or 0 for one in asked) <= 3
    tally = desk.tally
    assert tally.full > 10 * tally.let_in  # a rush it was: most of it was sent away
    assert desk.queue.load("bulk").running + desk.queue.load("normal").running > 0


@pytest.mark.parametrize("seed", range(3))
def test_one_greedy_client_cannot_take_another_ones_share_of_the_same_class(seed: int) -> None:
    """One client at 50 times capacity, 20 that ask what is their share or less: none of theirs is refused, and a call
    of one that has none running waits no longer than its turn among all of them."""
    chance = random.Random(seed)
    simulation = Simulation(Desk(Pace(PLACES)))
    greedy = poisson(50 * CAPACITY, 5.0, lambda at, c: Arrival(at, "greedy", "normal", HOLD_S), chance)
    modest = poisson(0.4 * CAPACITY, 5.0, lambda at, c: Arrival(at, f"m{c.randrange(20)}", "normal", HOLD_S), chance)
    simulation.run([*greedy, *modest], 5.0)
    others = [one for one in simulation.seen if one.arrival.client != "greedy"]
    assert len(others) > 200
    assert all(one.refusal is None for one in others)
    assert max(one.started_after or 0 for one in others) <= 22
    assert simulation.place_seconds["greedy"] > 0.3 * PLACES * 5  # what the others leave is not wasted


def test_a_client_with_slow_calls_has_no_more_place_seconds_than_the_others() -> None:
    """Ten times as long calls, both always with some waiting: turns by calls would give it ten times the place."""
    simulation = Simulation(Desk(Pace(PLACES), 10_000))
    slow = [Arrival(at * 0.02, "slow", "crisis", 10 * HOLD_S) for at in range(2_500)]
    quick = [Arrival(at * 0.005, f"q{at % 3}", "crisis", HOLD_S) for at in range(10_000)]
    simulation.run([*slow, *quick], 50.0)
    shares = [simulation.place_seconds[client] / (PLACES * 50) for client in ("slow", "q0", "q1", "q2")]
    assert all(0.2 < share < 0.3 for share in shares), shares


def test_no_class_starves_under_a_rush_of_all() -> None:
    chance = random.Random(5)
    simulation = Simulation(Desk(Pace(PLACES)))
    rush = poisson(
        50 * CAPACITY,
        5.0,
        lambda at, c: Arrival(at, f"c{c.randrange(50)}", c.choice(CLASSES), c.expovariate(1 / HOLD_S)),
        chance,
    )
    simulation.run(list(rush), 5.0)
    started = Counter(one.arrival.priority for one in simulation.seen if one.started_after is not None)
    whole = sum(started.values())
    assert whole > 0.9 * CAPACITY * 5
    assert started["crisis"] / whole == pytest.approx(16 / 21, abs=0.05)
    assert started["normal"] / whole == pytest.approx(4 / 21, abs=0.05)
    assert started["bulk"] / whole == pytest.approx(1 / 21, abs=0.02)


def test_who_cannot_be_served_in_time_hears_it_at_once_and_who_waits_is_served() -> None:
    """At three times capacity with two seconds of patience: of those let wait 19 of 20 run in time, most of the others
    hear at once, and no place stays empty for it."""
    chance = random.Random(7)
    desk = Desk(Pace(PLACES))
    simulation = Simulation(desk)
    rush = poisson(
        3 * CAPACITY,
        30.0,
        lambda at, c: Arrival(at, f"c{c.randrange(40)}", "crisis", c.expovariate(1 / HOLD_S), 2.0),
        chance,
    )
    simulation.run(list(rush), 30.0)
    tally = desk.tally
    assert tally.lapsed < 0.05 * (tally.let_in + tally.lapsed)
    assert tally.late > 10 * tally.lapsed
    assert tally.let_in > 0.95 * CAPACITY * 30
    assert all(one.waited_s <= 2.0 for one in simulation.seen if one.started_after is not None)
    assert {one.refusal.retry_s for one in simulation.seen if one.refusal} <= {1, 2, 3}


class Step(msgspec.Struct, frozen=True):
    what: str
    client: str
    priority: Priority
    left_s: float
    per_minute: int
    after_s: float
    nth: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["ask", "ask", "end", "lapse", "look"]),
        st.sampled_from("abc"),
        st.sampled_from(CLASSES),
        st.sampled_from([-1.0, 0.0, 0.5, 30.0]),
        st.sampled_from([0, 1, 5]),
        st.sampled_from([0.0, 0.1, 20.0]),
        st.integers(0, 30),
    ),
    max_size=80,
)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_conservation_every_call_asked_is_somewhere_once(walk: list[Step]) -> None:
    desk, now = Desk(Pace(3), 4), 0.0
    held: list[tuple[Place, Asking]] = []
    for step in walk:
        now += step.after_s
        alive = [pair for pair in held if pair[0].state in ("running", "waiting")]
        if step.what == "ask":
            asking = Asking(step.client, step.priority, step.left_s, step.client, step.per_minute)
            place, _ = desk.ask(asking, now)
            if isinstance(place, Place):
                held.append((place, asking))
            else:
                assert 1 <= place.retry_s <= 60
        elif step.what == "look":
            desk.look(step.left_s, now)
        elif alive and step.what == "end":
            desk.end(alive[step.nth % len(alive)][0], now)
        elif alive:
            desk.lapse(*alive[step.nth % len(alive)], now)
        tally, queue = desk.tally, desk.queue
        sent_away = tally.quota + tally.late + tally.full + tally.lapsed
        assert tally.asked == tally.let_in + sent_away + tally.gone + queue.waiting
        assert tally.let_in == tally.ended + queue.running
        states = Counter(place.state for place, _ in held)
        assert (states["running"], states["waiting"]) == (queue.running, queue.waiting)


def test_the_bound_falls_when_the_loop_is_late_and_rises_while_it_holds_calls_up() -> None:
    desk = Desk(Pace(64))
    for _ in range(20):
        desk.look(0.2, 0.0)
    assert desk.queue.limit == 32
    desk.look(0.0, 0.0)
    assert desk.queue.limit == 32, "nobody was held up, so there is nothing to raise it for"
    places = [desk.ask(Asking("a", "crisis", 30.0), 0.0)[0] for _ in range(100)]
    assert sum(isinstance(place, Place) and place.state == "running" for place in places) == 32
    started = desk.look(0.0, 1.0)
    assert len(started) == 4
    assert all(place.since == 1.0 for place in started)
    for _ in range(100):
        desk.look(0.0, 1.0)
    assert desk.queue.limit == 100
