"""Admission as calls meet it on the loop: waiting, going away, deadlines, and the words and headers of a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import http_sf
import pytest
from tests.make import NOW, frozen_clock

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.admission import FairAdmission, Leave
from banyan.kernel.exchange.road.admission_desk import Desk
from banyan.kernel.exchange.road.admission_pace import Pace
from banyan.kernel.exchange.road.admission_refusal import Overloaded, Refusal
from banyan.kernel.exchange.road.model import Admission, Priority
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.faults import answer
from banyan.wire.xroad.identifiers import ClientId, ServiceId

HOSPITAL = ClientId("TW", "GOV", "hospital", "ward")
MAP = ClientId("TW", "NGO", "map", "web")
FLAGS = ServiceId("TW", "GOV", "immigration", "border", "flags")
LATER = EpochS(NOW + 30)


def admission(limit: int = 1, waiting: int = 2) -> FairAdmission:
    made = FairAdmission(
        Origin.SERVER_PROXY, frozen_clock(), ticks=lambda: 1.0, desk=Desk(Pace(limit, least=limit, most=limit), waiting)
    )
    _: Admission = made
    return made


def enter(
    to: FairAdmission, client: ClientId = HOSPITAL, priority: Priority = "crisis", until: EpochS = LATER
) -> Awaitable[Leave]:
    return to.enter(client, priority, 0, until, service=FLAGS)


def on_loop(story: Callable[[FairAdmission], Awaitable[None]], limit: int = 1, waiting: int = 2) -> FairAdmission:
    made = admission(limit, waiting)

    async def run() -> None:
        await story(made)
        made.close()

    asyncio.run(run())
    queue = made.desk.queue
    assert (queue.running, queue.waiting) == (0, 0), "every place was given back"
    return made


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_call_waits_for_a_place_and_gets_the_one_that_comes_free() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        second = asyncio.ensure_future(enter(to))
        await settle()
        assert not second.done()
        first.close()
        first.close()
        leave = await second
        assert to.desk.queue.running == 1
        leave.close()

    assert on_loop(story).desk.tally.ended == 2


def test_a_client_that_goes_away_while_it_waits_leaves_the_line() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        gone = asyncio.ensure_future(enter(to))
        stays = asyncio.ensure_future(enter(to))
        await settle()
        gone.cancel()
        await settle()
        first.close()
        (await stays).close()
        assert gone.cancelled()

    assert on_loop(story).desk.tally.gone == 1


def test_a_place_given_to_a_client_that_went_away_just_then_goes_on_to_the_next() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        gone = asyncio.ensure_future(enter(to))
        stays = asyncio.ensure_future(enter(to))
        await settle()
        first.close()
        gone.cancel()
        (await stays).close()
        assert gone.cancelled()

    on_loop(story)


def test_who_waited_until_its_deadline_is_told() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        with pytest.raises(Overloaded) as refused:
            await enter(to, until=EpochS(NOW + 0.001))
        assert refused.value.refusal.reason == "lapsed"
        first.close()

    on_loop(story)


def test_a_call_whose_deadline_has_passed_never_runs() -> None:
    async def story(to: FairAdmission) -> None:
        with pytest.raises(Overloaded) as refused:
            await enter(to, until=NOW)
        assert refused.value.refusal.reason == "late"

    on_loop(story)


def test_the_newest_of_the_greediest_is_sent_away_for_another_client() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to, MAP)
        greedy = [asyncio.ensure_future(enter(to, MAP)) for _ in range(2)]
        await settle()
        with pytest.raises(Overloaded) as refused:
            await enter(to, MAP)
        assert refused.value.refusal.reason == "full"
        other = asyncio.ensure_future(enter(to))
        await settle()
        assert isinstance(greedy[1].exception(), Overloaded)
        first.close()
        for one in (other, greedy[0]):  # the one with no place of its own goes first
            (await one).close()

    assert on_loop(story).desk.tally.full == 2


def test_a_grants_rate_is_its_own_and_a_refused_call_takes_none_of_it() -> None:
    other = ServiceId("TW", "GOV", "immigration", "border", "visas")

    async def story(to: FairAdmission) -> None:
        held = [await to.enter(MAP, "normal", 3, LATER, service=FLAGS)]
        with pytest.raises(Overloaded) as late:
            await to.enter(MAP, "normal", 3, NOW, service=FLAGS)
        assert late.value.refusal.reason == "late"
        held += [await to.enter(MAP, "normal", 3, LATER, service=FLAGS) for _ in range(2)]
        with pytest.raises(Overloaded) as refused:
            await to.enter(MAP, "normal", 3, LATER, service=FLAGS)
        assert (refused.value.status, refused.value.retry_after_s) == (429, 20)
        held.append(await to.enter(MAP, "normal", 3, LATER, service=other))
        held.append(await to.enter(HOSPITAL, "normal", 3, LATER, service=FLAGS))
        for leave in held:
            leave.close()

    assert on_loop(story, limit=16).desk.tally.quota == 1


def test_the_loop_is_looked_at_while_calls_run_and_then_no_more() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        looked = asyncio.get_running_loop().create_future()
        look = to.desk.look

        def seen(lag_s: float, now: float) -> list[object]:
            if not looked.done():
                looked.set_result(lag_s)
            return list(look(lag_s, now))

        to.desk.look = seen  # type: ignore[assignment, method-assign]
        assert await asyncio.wait_for(looked, 30) >= 0
        first.close()
        second = asyncio.get_running_loop().create_future()
        looked = second
        await asyncio.wait_for(second, 30)
        assert to._timer is None

    on_loop(story, limit=64)


def test_its_figures_say_how_full_it_is_and_what_became_of_the_calls() -> None:
    async def story(to: FairAdmission) -> None:
        first = await enter(to)
        waits = asyncio.ensure_future(enter(to))
        await settle()
        with pytest.raises(Overloaded):
            await enter(to, until=NOW)
        figures = {name: value for name, _, value in to.gauges("client")}
        assert figures["banyan_admission_client_limit"] == figures["banyan_admission_client_running"] == 1
        assert figures["banyan_admission_client_waiting_crisis"] == 1
        assert figures["banyan_admission_client_asked"] == 3
        assert figures["banyan_admission_client_late"] == 1
        assert all(help_.endswith(".") for _, help_, _ in to.gauges("client"))
        first.close()
        (await waits).close()

    on_loop(story)


@pytest.mark.parametrize(
    ("refusal", "policy", "state"),
    [
        (Refusal("quota", 600, 7), '"grant";q=600;w=60', '"grant";r=0;t=7'),
        (Refusal("late", 64, 3, 2.5), '"gateway";q=64;qu="concurrent-requests"', '"gateway";r=0;t=3'),
        (Refusal("full", 64, 3), '"gateway";q=64;qu="concurrent-requests"', '"gateway";r=0;t=3'),
        (Refusal("lapsed", 64, 3), '"gateway";q=64;qu="concurrent-requests"', '"gateway";r=0;t=3'),
    ],
)
def test_a_refusal_says_who_must_do_what_and_when(refusal: Refusal, policy: str, state: str) -> None:
    fault = Overloaded(refusal, Origin.SERVER_PROXY)
    names = ("Retry-After", "RateLimit-Policy", "RateLimit")
    values = (str(refusal.retry_s), policy, state)
    assert fault.headers == tuple((one.encode(), two.encode()) for one, two in zip(names, values, strict=True))
    for value in (policy, state):
        ((name, parameters),) = http_sf.parse(value.encode(), tltype="list")
        assert isinstance(name, str)
        assert set(parameters) <= {"q", "w", "qu", "r", "t"}
    said = answer(fault, "an-id")
    assert said.status == 429
    assert said.error == "Server.ServerProxy.ServiceFailed"
    assert b"The client must" in said.body
    assert f"call again in {refusal.retry_s} s".encode() in said.body
