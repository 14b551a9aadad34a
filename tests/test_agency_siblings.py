"""Two gateways of one member over real mTLS: what officers grant or withdraw at one counts at the other."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.test_agency import Desk, desk, founded
from tests.test_agency_gateways import OFFER, a_service, called, housed

from banyan.doctoring import examined
from banyan.errors import Conflict, Problem
from banyan.kernel.events.clock import EpochS, iso, system_clock
from banyan.kernel.exchange.directory.travel import RoadPeers
from banyan.kernel.exchange.siblings.meeting import Siblings
from banyan.kernel.exchange.siblings.model import PATH, Answer, Question
from banyan.kernel.exchange.siblings.sealed import Sealed, seal
from banyan.kernel.identity.caller import Caller
from banyan.limits_road import SIBLINGS_PAGE_BYTES
from banyan.node import Node, open_node
from banyan.road_desk import RoadDesk
from banyan.roads import Road
from banyan.service.exchange import acts
from banyan.service.exchange.shelf import shelf_of
from banyan.settings import load_settings
from banyan.wire.xroad.identifiers import parse_client, parse_server

__all__ = ["desk"]
NHI = "TW/GOV/NHI"
OFFICERS = [Caller("officer", f"nhi-{n}", agency=NHI, assurance="aal2") for n in (1, 2)]


class Member(msgspec.Struct):
    """NIA's gateway asks, with the centre; NHI answers by two. The clock may be put on."""

    asking: Path
    folders: list[Path]
    ahead: list[float]

    def clock(self) -> EpochS:
        return EpochS(system_clock() + self.ahead[0])


def a_member(desk: Desk, stack: ExitStack) -> Member:
    anchor = founded(desk)
    asking = housed(desk, "TW/GOV/NIA", "gw1", anchor, centre=desk.centre)
    folders = [housed(desk, NHI, server, anchor) for server in ("gw1", "gw2")]
    for data in folders:
        with (data / "node.toml").open("a") as file:
            file.write(OFFER.format(port=stack.enter_context(a_service())))
    return Member(asking, folders, [0.0])


@asynccontextmanager
async def up(data: Path, member: Member, *, is_running: bool = True) -> AsyncIterator[Node]:
    async with open_node(data, load_settings(data / "node.toml"), clock=member.clock) as node:
        assert node.road is not None
        running = asyncio.create_task(node.road.run()) if is_running else None
        try:
            yield node
        finally:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


def road_of(node: Node) -> Road:
    assert node.road is not None
    return node.road


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await true():
            await asyncio.sleep(0.01)


async def both_known(*nodes: Node) -> None:
    """Until each has the directory with both gateways of NHI."""

    async def is_known() -> bool:
        known = [road_of(node).keeper.standing.routes(parse_client(f"{NHI}/data")) for node in nodes]
        return all(len(routes) == 2 for routes in known)

    await until(is_known)


async def proposed(node: Node) -> str:
    until = iso(EpochS(system_clock() + 30 * 86_400))
    endpoints = [{"method": "GET", "path": "/who"}]
    asked = {"client": "TW/GOV/NIA/data", "service": f"{NHI}/data/who", "endpoints": endpoints, "until": until}
    made = await node.gate.call("exchange.propose_grant", asked, caller=OFFICERS[0])
    return str(made.id)


async def approved(node: Node, id: str) -> None:
    await node.gate.call("exchange.approve_grant", {"id": id}, caller=OFFICERS[1])


async def ended(node: Node, id: str) -> None:
    await node.gate.call("exchange.end_grant", {"id": id}, caller=OFFICERS[0])


async def states(node: Node) -> dict[str, str]:
    return {one.id: one.state for one in await node.gate.call("exchange.grants", {}, caller=OFFICERS[0])}


async def asked(node: Node, server: str) -> int:
    """A call by one gateway of the provider alone."""
    port = road_of(node).gateway.edge_port
    return (await asyncio.to_thread(called, port, server))[0]


def test_what_is_granted_at_one_gateway_counts_at_the_other_and_so_does_its_end(desk: Desk) -> None:
    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            asking = await stack.enter_async_context(up(member.asking, member))
            first, second = [await stack.enter_async_context(up(data, member)) for data in member.folders]
            await both_known(asking, first, second)
            assert await asked(asking, "gw2") != 200
            id = await proposed(first)
            await until(lambda: is_state(second, id, "proposed"))
            await approved(first, id)
            await until(lambda: is_state(second, id, "in-force"))
            assert await asked(asking, "gw1") == 200
            assert await asked(asking, "gw2") == 200
            await ended(second, id)
            assert await asked(asking, "gw2") != 200
            await until(lambda: is_state(first, id, "ended"))
            assert await asked(asking, "gw1") != 200

    run(desk, story)


def test_a_gateway_that_was_away_hears_all_and_until_then_officers_are_told(desk: Desk) -> None:
    """The second one starts for the first time after grants were made: as one that was just vouched for."""

    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            asking = await stack.enter_async_context(up(member.asking, member))
            first = await stack.enter_async_context(up(member.folders[0], member))
            await both_known(asking, first)
            made = [await proposed(first) for _ in range(3)]
            for id in made[:2]:
                await approved(first, id)
            async with up(member.folders[1], member) as second:
                await until(lambda: is_state(second, made[1], "in-force"))
                assert await states(second) == await states(first)
                assert await asked(asking, "gw2") == 200
            await ended(first, made[1])
            await until(lambda: has_failed(first))
            member.ahead[0] += 10  # SIBLINGS_QUIET_S and more
            (told,) = await alerts(first)
            assert f"{NHI}/gw2 has not heard of 1 acts on grants since" in told
            assert "1 of them withdrawals" in told
            found = await asyncio.to_thread(examined, member.folders[0], clock=member.clock)
            (one,) = [one for one in found if one.code == "sibling-behind"]
            assert (one.level, one.about) == ("wrong", f"{NHI}/gw2")
            assert f"has not heard of 1 withdrawn grant of {NHI} since" in one.says
            async with up(member.folders[1], member) as second:
                await until(lambda: is_state(second, made[1], "ended"))
                assert await asked(asking, "gw2") != 200
                await until(lambda: is_quiet(first))

    run(desk, story)


def test_opposite_acts_apart_are_one_state_when_they_meet_and_the_withdrawal_wins(desk: Desk) -> None:
    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            asking = await stack.enter_async_context(up(member.asking, member))
            apart = [up(data, member, is_running=False) for data in member.folders]
            first, second = [await stack.enter_async_context(one) for one in apart]
            await introduced(first, second)
            await both_known(asking)
            old, other = await proposed(first), await proposed(first)
            await approved(first, old)
            assert await meet(first, "gw2")
            assert await states(second) == {old: "in-force", other: "proposed"}
            await ended(second, old)
            await ended(second, other)
            await approved(first, other)
            assert await asked(asking, "gw1") == 200
            assert await asked(asking, "gw2") != 200
            assert await meet(second, "gw1")
            assert await states(first) == await states(second) == {old: "ended", other: "ended"}
            for server in ("gw1", "gw2"):
                assert await asked(asking, server) != 200
            again = await proposed(second)
            await approved(second, again)
            assert await meet(first, "gw2")
            for server in ("gw1", "gw2"):
                assert await asked(asking, server) == 200, "approved by who knew of both ends"

    run(desk, story)


def test_a_new_grant_gives_way_to_an_end_that_its_officers_had_not_heard_of(desk: Desk) -> None:
    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(up(data, member, is_running=False)) for data in member.folders
            ]
            await introduced(first, second)
            old = await proposed(first)
            await approved(first, old)
            assert await meet(first, "gw2")
            await ended(second, old)
            new = await proposed(first)
            await approved(first, new)
            assert (await states(first))[new] == "in-force"
            assert await meet(first, "gw2")
            assert await states(first) == await states(second) == {old: "ended", new: "ended"}

    run(desk, story)


def test_a_proposal_is_approved_where_it_was_made(desk: Desk) -> None:
    """Officers have accounts at each machine: two ids of two machines may be one person."""

    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(up(data, member, is_running=False)) for data in member.folders
            ]
            await introduced(first, second)
            id = await proposed(first)
            assert await meet(second, "gw1")
            with pytest.raises(Conflict) as refused:
                await approved(second, id)
            assert refused.value.kind == "elsewhere"
            (seen,) = await second.gate.call("exchange.grants", {}, caller=OFFICERS[1])
            assert (seen.gateway, seen.may) == (f"{NHI}/gw1", ("end",))

    run(desk, story)


def test_nobody_else_tells_and_nothing_forged_is_taken(desk: Desk) -> None:
    async def story(member: Member) -> None:
        async with AsyncExitStack() as stack:
            asking = await stack.enter_async_context(up(member.asking, member))
            first, second = [
                await stack.enter_async_context(up(data, member, is_running=False)) for data in member.folders
            ]
            await introduced(first, second)
            await both_known(asking)
            old = await proposed(first)
            await approved(first, old)
            before = (await siblings(first).page(parse_client(NHI), 0))[-1][1]
            await ended(first, old)
            assert await meet(second, "gw1")
            own, foreign = (road_of(node).gateway.desk.signing for node in (second, asking))
            grant = acts.read(before.content, NHI).grant
            forged = msgspec.structs.replace(grant, id="f" * 16, per_minute=9)
            content = acts.encoded(acts.Act(forged, f"{NHI}/gw2"))
            theirs = msgspec.structs.replace(forged, service="TW/GOV/NIA/data/who", client=f"{NHI}/data")
            good, strange = seal(content, own[parse_client(NHI)]), seal(content, foreign[parse_client("TW/GOV/NIA")])
            for wrong in (
                Sealed(content, ()),
                strange,
                Sealed(content, (msgspec.structs.replace(good.lines[0], keyid=strange.lines[0].keyid),)),
                Sealed(content.replace(b'"per_minute":9', b'"per_minute":0'), good.lines),
                seal(acts.encoded(acts.Act(theirs, f"{NHI}/gw2")), own[parse_client(NHI)]),
                seal(b"{}", own[parse_client(NHI)]),
            ):
                answer = await tell(second, wrong)
                assert answer.refused == (wrong.name,)
            assert (await tell(second, before)).refused == (), "an old act again is no news"
            assert await states(first) == {old: "ended"}
            with pytest.raises(Problem, match="403"):
                await tell(asking, good)
            assert await states(first) == {old: "ended"}
            assert (await tell(second, good)).refused == ()
            assert await states(first) == {old: "ended", "f" * 16: "ended"}, "taken, and without knowing of the end"

    run(desk, story)


def test_what_was_durable_when_a_gateway_was_killed_is_told_when_it_is_back(desk: Desk) -> None:
    """Killed (SIGKILL) before it could tell anybody, and between the ledger's entry and the record."""

    async def story(member: Member) -> None:
        first, second = member.folders
        half = await crashed(first, "unwritten")
        id = await crashed(first, "untold")
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(up(data, member, is_running=False)) for data in (first, second)]
            await introduced(*nodes)
            assert await states(nodes[0]) == {half: "proposed", id: "in-force"}
            assert await meet(nodes[0], "gw2")
            assert await states(nodes[1]) == {half: "proposed", id: "in-force"}
        await crashed(second, "untold", id)
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(up(data, member, is_running=False)) for data in (first, second)]
            assert await meet(nodes[0], "gw2")
            assert await states(nodes[0]) == await states(nodes[1]) == {half: "proposed", id: "ended"}
            await approved(nodes[0], half)
            assert await meet(nodes[0], "gw2")
            assert (await states(nodes[1]))[half] == "in-force", "what was not durable is done again"

    run(desk, story)


async def crashed(data: Path, *words: str) -> str:
    """The id of the grant that a gateway acted on when it was killed."""
    line = [sys.executable, str(Path(__file__).with_name("sibling_crashing.py")), str(data), *words]
    root = Path(__file__).parents[1]
    paths = os.pathsep.join((str(root), str(root / "src")))
    found = await asyncio.to_thread(
        subprocess.run, line, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, check=False
    )
    assert found.returncode == -signal.SIGKILL, found.stderr
    return found.stdout.strip()


async def tell(node: Node, sealed: Sealed) -> Answer:
    """One act, told to NHI's first gateway as this node's gateway."""
    question = Question(NHI, "", 0, "", (sealed,))
    peers = RoadPeers(road_of(node).gateway.peer, road_of(node).keeper, clock=road_of(node).clock)
    body = msgspec.json.encode(question)
    answer = await peers.ask(parse_server(f"{NHI}/gw1"), "POST", PATH, body, most=SIBLINGS_PAGE_BYTES, wait_s=10.0)
    return msgspec.json.decode(answer, type=Answer)


def siblings(node: Node) -> Siblings:
    road = shelf_of(node.drawers["exchange"]).road
    assert isinstance(road, RoadDesk)
    assert road.siblings is not None
    return road.siblings


async def meet(node: Node, other: str) -> bool:
    is_level = await siblings(node).meet(parse_server(f"{NHI}/{other}"), parse_client(NHI))
    assert is_level, (await siblings(node).sibling(parse_server(f"{NHI}/{other}"), parse_client(NHI))).why
    return is_level


async def introduced(first: Node, second: Node) -> None:
    """The first joined before the second: it takes the directory that the second has. They do not meet otherwise."""
    held = road_of(first).keeper
    held.take(road_of(second).keeper.offer(held.held.facts.size))
    await both_known(first, second)


async def alerts(node: Node) -> list[str]:
    standing = await node.gate.call("exchange.standing", {}, caller=OFFICERS[0])
    return [one.title["en"] for one in standing.alerts if one.code.startswith("sibling")]


async def is_quiet(node: Node) -> bool:
    return await alerts(node) == []


async def has_failed(node: Node) -> bool:
    return bool((await siblings(node).sibling(parse_server(f"{NHI}/gw2"), parse_client(NHI))).why)


async def is_state(node: Node, id: str, state: str) -> bool:
    return (await states(node)).get(id) == state


def run(desk: Desk, story: Callable[[Member], Any]) -> None:
    with ExitStack() as stack:
        member = a_member(desk, stack)
        asyncio.run(asyncio.wait_for(story(member), 120))
