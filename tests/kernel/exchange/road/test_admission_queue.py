"""The queue against a plain one that sorts, and what it promises: shares, turns, caps, how far back a call can be."""

from __future__ import annotations

from math import ceil

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.kernel.exchange.road.admission_levels import Levels
from banyan.kernel.exchange.road.admission_queue import CLASSES, Place, Queue
from banyan.kernel.exchange.road.model import Priority
from banyan.limits_road import ADMISSION_CLIENTS, ADMISSION_RESERVED, ADMISSION_WEIGHTS


class Plain:
    """The same rules by lists and sorting. A call is (number, class, client)."""

    def __init__(self, limit: int, most: int) -> None:
        self.limit, self.most = limit, most
        self.running: list[tuple[int, Priority, str]] = []
        self.waiting: list[tuple[int, Priority, str]] = []
        self.passed = dict.fromkeys(CLASSES, 0)
        self.stood: dict[tuple[Priority, str], int] = {}
        """When a client that waits came to have as many running as it has."""
        self.clock = self.steps = 0

    def _held(self, name: Priority, client: str) -> int:
        return sum(call[1:] == (name, client) for call in self.running)

    def _queued(self, name: Priority, client: str) -> list[int]:
        return [call[0] for call in self.waiting if call[1:] == (name, client)]

    def _has_room(self, name: Priority) -> bool:
        for at in range(CLASSES.index(name) + 1):
            cap = max(1, self.limit - int(self.limit * ADMISSION_RESERVED[CLASSES[at]]))
            if sum(call[1] in CLASSES[at:] for call in self.running) >= cap:
                return False
        return True

    def _came(self, name: Priority, client: str) -> None:
        self.steps += 1
        self.stood[name, client] = self.steps

    def enter(self, number: int, name: Priority, client: str) -> tuple[str, int | None]:
        call, shed = (number, name, client), None
        queued = [one for one in self.waiting if one[1] == name]
        if not queued and self._has_room(name):
            self._run(call)
            return "running", None
        if len(queued) >= self.most:
            longest = max(len(self._queued(name, one[2])) for one in queued)
            if longest <= len(self._queued(name, client)) + 1:
                return "refused", None
            shed = -1  # whose it is among equals is the queue's business
        if not self._queued(name, client):
            self._came(name, client)
        self.waiting.append(call)
        return "waiting", shed

    def remove(self, number: int) -> None:
        self.waiting = [call for call in self.waiting if call[0] != number]

    def leave(self, number: int) -> list[int]:
        ended = [call for call in self.running if call[0] == number]
        self.running = [call for call in self.running if call[0] != number]
        for _, name, client in ended:
            self._came(name, client)
        self.remove(number)
        return self.fill()

    def fill(self) -> list[int]:
        started = []
        while True:
            open_to = [name for name in CLASSES if any(c[1] == name for c in self.waiting) and self._has_room(name)]
            if not open_to:
                return started
            best = min(open_to, key=lambda name: (max(self.passed[name], self.clock), CLASSES.index(name)))
            clients = {call[2] for call in self.waiting if call[1] == best}
            client = min(clients, key=lambda one: (self._held(best, one), self.stood[best, one]))
            call = next(call for call in self.waiting if call[1:] == (best, client))
            self.waiting.remove(call)
            self._run(call)
            started.append(call[0])

    def _run(self, call: tuple[int, Priority, str]) -> None:
        self.running.append(call)
        self.clock = max(self.clock, self.passed[call[1]])
        self.passed[call[1]] = self.clock + 16 // ADMISSION_WEIGHTS[call[1]]
        self._came(call[1], call[2])


class Enter(msgspec.Struct, frozen=True):
    name: Priority
    client: str


class End(msgspec.Struct, frozen=True):
    """The call that is the `nth` of those that run or wait."""

    nth: int


class Resize(msgspec.Struct, frozen=True):
    limit: int


def steps() -> st.SearchStrategy[list[Enter | End | Resize]]:
    enter = st.builds(Enter, st.sampled_from(CLASSES), st.sampled_from("abcde"))
    return st.lists(
        st.one_of(enter, enter, st.builds(End, st.integers(0, 40)), st.builds(Resize, st.integers(1, 12))), max_size=120
    )


@given(st.integers(1, 12), st.integers(1, 8), steps())
@settings(max_examples=300, deadline=None)
def test_every_step_is_the_plain_queues(limit: int, most: int, walk: list[Enter | End | Resize]) -> None:
    queue, plain = Queue(limit, most), Plain(limit, most)
    places: dict[int, Place] = {}
    for number, step in enumerate(walk):
        started: list[Place] = []
        if isinstance(step, Enter):
            place, shed = queue.enter(step.client, step.name)
            said, was_shed = plain.enter(number, step.name, step.client)
            assert (place.state if place else "refused") == said
            assert (shed is not None) == (was_shed is not None)
            if place:
                places[number] = place
            if shed:
                plain.remove(next(at for at, one in places.items() if one is shed))
            expected: list[int] = []
        elif isinstance(step, End):
            held = [at for at, place in places.items() if place.state in ("running", "waiting")]
            if not held:
                continue
            at = held[step.nth % len(held)]
            started, expected = queue.leave(places[at]), plain.leave(at)
        else:
            plain.limit = step.limit
            started, expected = queue.resize(step.limit), plain.fill()
        assert [next(at for at, one in places.items() if one is place) for place in started] == expected
        assert queue.running == len(plain.running)
        assert queue.waiting == len(plain.waiting)
        for name in CLASSES:
            load = queue.load(name)
            mine = [call for call in plain.waiting if call[1] == name]
            assert (load.waiting, load.clients) == (len(mine), len({call[2] for call in mine}))
            assert load.waiting <= most


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from("abcdef")), max_size=60),
    st.integers(1, 20),
    st.integers(1, 16),
)
@settings(max_examples=200, deadline=None)
def test_the_kth_waiting_crisis_call_starts_within_k_and_a_quarter_and_a_sixteenth(
    before: list[tuple[Priority, str]], crisis: int, limit: int
) -> None:
    """Whatever waits, and however many: `k + ceil(k/4) + ceil(k/16)` calls start up to and with it, no more."""
    queue = Queue(limit)
    running = [place for name, client in before if (place := queue.enter(client, name)[0]) and place.state == "running"]
    running += [place for at in range(limit) if (place := queue.enter(f"fill{at}", "crisis")[0])]
    ahead = queue.load("crisis").waiting
    mine = [place for _ in range(crisis) if (place := queue.enter("hospital", "crisis")[0])]
    count = 0
    running = [place for place in running if place.state == "running"]
    while any(place.state == "waiting" for place in mine):
        started = queue.leave(running.pop(0))
        running += started
        for place in started:
            count += 1
            if place in mine:
                k = ahead + mine.index(place) + 1
                assert count <= k + ceil(k / 4) + ceil(k / 16)


def test_each_class_gets_its_share_of_what_comes_free_and_none_starves() -> None:
    queue = Queue(40, 10_000)
    running = [place for name in CLASSES for at in range(700) if (place := queue.enter(at % 7, name)[0])]
    running = [place for place in running if place.state == "running"]
    names: list[Priority] = []
    for _ in range(20 * 21):
        for place in queue.leave(running.pop(0)):
            running.append(place)
            names.append(next(name for name in CLASSES if place.flow in queue._by_name[name].flows.values()))
    for at in range(0, len(names), 21):
        assert {name: names[at : at + 21].count(name) for name in CLASSES} == ADMISSION_WEIGHTS


def test_slow_bulk_calls_never_hold_every_place() -> None:
    queue = Queue(16)
    for at in range(100):
        queue.enter(at, "bulk")
    for at in range(100):
        queue.enter(at, "normal")
    assert queue.load("bulk").running == 8
    assert queue.load("normal").running == 6
    assert [place.state for at in range(3) if (place := queue.enter("hospital", "crisis")[0])] == [
        "running",
        "running",
        "waiting",
    ]


def test_a_full_class_sends_away_the_newest_of_the_greediest_and_nobody_else() -> None:
    queue = Queue(1, 4)
    queue.enter("first", "normal")
    greedy = [queue.enter("greedy", "normal")[0] for _ in range(4)]
    assert queue.enter("greedy", "normal") == (None, None)
    place, shed = queue.enter("other", "normal")
    assert place is not None
    assert place.state == "waiting"
    assert shed is greedy[3]
    assert shed.state == "shed"
    assert queue.enter("other", "normal")[1] is greedy[2]
    assert queue.enter("other", "normal") == (None, None)
    assert queue.leave(shed) == []
    assert queue.waiting == 4


def test_clients_that_went_are_forgotten_beyond_a_bound() -> None:
    queue = Queue(4)
    stays, _ = queue.enter("stays", "normal")
    assert stays is not None
    for at in range(ADMISSION_CLIENTS * 3):
        place, _ = queue.enter(at, "normal")
        assert place is not None
        queue.leave(place)
    flows = queue._by_name["normal"].flows
    assert len(flows) <= ADMISSION_CLIENTS + 1
    assert flows["stays"] is stays.flow


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 70)), max_size=60))
def test_levels_are_a_sorted_list(walk: list[tuple[int, int]]) -> None:
    levels: Levels[int] = Levels()
    plain: list[tuple[int, int]] = []
    for key, level in walk:
        found = next((pair for pair in plain if pair[1] == key), None)
        if found:
            plain.remove(found)
            levels.take(key, found[0])
        else:
            plain.append((level, key))
            levels.put(key, level)
        assert bool(levels) == bool(plain)
        if plain:
            lowest = min(level for level, _ in plain)
            highest = max(level for level, _ in plain)
            assert levels.lowest() == next(key for level, key in plain if level == lowest)
            assert levels.highest() == ([key for level, key in plain if level == highest][-1], highest)
