"""The directory over real gateways with mTLS on loopback: calls go by it, gossip travels by it, revocations count."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.kernel.exchange.directory.nation import Clock, data, in_loop, server
from tests.kernel.exchange.directory.stage import a_centre, an_agency, at_port, joined
from tests.kernel.exchange.road.pair import Reply, Road, a_road

from banyan.errors import Limit
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.gossip import Gossip
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import Agency
from banyan.kernel.exchange.directory.tending import tend
from banyan.kernel.exchange.directory.travel import RoadPeers, add_pages
from banyan.kernel.exchange.road.desk import Local, Signing
from banyan.kernel.exchange.road.model import Request, Response, Route
from banyan.kernel.exchange.road.pages import Pages
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.tls import Identity
from banyan.limits_road import DIRECTORY_PAGES_WAITING
from banyan.wire.xroad.identifiers import ClientId, ServerId

CODES = ("CENTRE", "NHI", "NIA")


class Land(msgspec.Struct):
    road: Road
    centre: Centre
    agencies: dict[str, Agency]
    keepers: dict[str, Keeper]
    gossips: dict[str, Gossip]
    clock: Clock

    async def call(self) -> Reply:
        port = self.road.keepers["NHI"].gateway.edge_port
        return await self.road.call(
            "POST", "/r1/TW/GOV/NIA/data/echo", {"X-Road-Client": "TW/GOV/NHI/data"}, b"{}", port=port
        )

    def wait(self, days: int) -> None:
        self.clock.at += days * 86_400
        self.road.clock.now = self.clock.at

    async def rounds(self) -> None:
        tend(self.centre, self.keepers["CENTRE"])
        for gossip in self.gossips.values():
            await gossip.round()


@asynccontextmanager
async def a_land(folder: Path) -> AsyncIterator[Land]:
    """Three agencies join, start their gateways at any port, and the centre puts the ports in the directory."""
    async with a_road(folder) as road:
        clock = Clock(road.clock.now)
        centre = a_centre(folder / "centre", clock)
        land = Land(road, centre, {}, {}, {}, clock)
        for code in CODES:
            land.agencies[code] = an_agency(folder / code, code, clock)
            land.keepers[code] = joined(centre, land.agencies[code], is_home=code == "CENTRE")
        for code in CODES:
            await start(land, code)
        with centre.turn():
            for code in CODES:
                centre.authority.change(at_port(code, road.keepers[code].gateway.peer_port))
        for keeper in land.keepers.values():
            keeper.take(centre.keeper.offer(keeper.held.facts.size))
        road.offer("TW/GOV/NIA/data/echo", "TW/GOV/NHI/data", name="NIA")
        yield land


async def start(land: Land, code: str) -> None:
    agency, keeper = land.agencies[code], land.keepers[code]
    first, second = agency.signers()
    roots = tuple(map(ssl.DER_cert_to_PEM_cert, keeper.standing.snapshot.roots if keeper.standing.snapshot else ()))
    stage = await land.road.add(
        code,
        f"TW/GOV/{code}",
        server=server(code),
        identity=Identity(agency.tls, agency.tls),
        anchors=roots,
        directory=keeper.standing,
        signing={agency.file.owner: Signing(first, second)},
        locals=(Local(data(code), "http"),),
    )
    gateway = stage.gateway
    peers = RoadPeers(gateway.peer, keeper, clock=land.clock)
    gossip = Gossip(keeper, peers, own=server(code), dice=random.Random(code))
    land.gossips[code] = gossip
    gateway.desk.around.seen = lambda server, version: gossip.hint(version, server)
    add_pages(gateway.pages, keeper, centre=land.centre if code == "CENTRE" else None, heard=gossip.wake)


@in_loop
async def test_a_call_goes_by_the_directory_and_ends_with_a_revocation_that_travels(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        reply = await land.call()
        assert (reply.status, reply.body) == (200, b"{}")
        name = next(iter(land.agencies["NHI"].signers())).keyid
        with land.centre.turn():
            land.centre.authority.revoke("key", name)
        await land.rounds()
        assert land.keepers["NIA"].standing.keys(name) is None
        assert (await land.call()).status == 500


@in_loop
async def test_a_newcomer_is_heard_of_over_mtls_and_asked_at_its_address(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        newcomer = an_agency(tmp_path / "NEW", "NEW", land.clock)
        joined(land.centre, newcomer)
        heard = await land.gossips["NIA"].learn(server("NHI"))
        assert (heard.why, heard.is_news) == ("", False)
        await land.rounds()
        await land.rounds()
        for keeper in land.keepers.values():
            assert keeper.standing.is_known(ClientId("TW", "GOV", "NEW"))
        assert (await land.call()).status == 200


@in_loop
async def test_the_centre_dies_and_calls_go_on_for_thirty_days(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        await land.road.keepers["CENTRE"].gateway.stop(0.0)
        for days in (3, 26):
            land.wait(days)
            assert (await land.call()).status == 200, days
            why = [heard.why for heard in await land.gossips["NIA"].round() if heard.server == server("CENTRE")]
            assert why[0]
        land.wait(2)
        reply = await land.call()
        assert reply.status == 500
        assert b"directory" in reply.body.lower()


@in_loop
async def test_the_counter_and_pages_stand_open_to_who_is_no_member(tmp_path: Path) -> None:
    async with a_land(tmp_path) as land:
        pin = land.keepers["NHI"].standing.way(server("CENTRE"))
        assert pin is not None
        for target, verb, status in (
            (b"/directory/anchor", "GET", 200),
            (b"/directory/head", "GET", 200),
            (b"/directory/checkpoint", "GET", 200),
            (b"/directory/receipt", "GET", 200),
            (b"/directory/log?from=1", "GET", 200),
            (b"/directory/log?" + b"&x" * 9 + b"&from=1", "GET", 200),
            (b"/directory/issued?request=none", "GET", 404),
            (b"/directory/requests", "POST", 422),
            (b"/directory/renewals", "POST", 422),
            (b"/directory/revocations", "POST", 400),
            (b"/directory/evidence?name=x", "GET", 404),
            (b"/directory/../centre.json", "GET", 404),
        ):
            answer = await asked(land, pin, verb, target)
            assert answer == status, target


@in_loop
async def test_strangers_keep_neither_the_nodes_threads_nor_its_members_waiting(tmp_path: Path) -> None:
    """At the counter, which waits for whoever has the centre's folder: here this test, for as long as it likes."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(2))
    clock, placed = Clock(), Pages()
    centre = a_centre(tmp_path / "centre", clock)
    keeper = joined(centre, an_agency(tmp_path / "NHI", "NHI", clock), is_home=True)
    add_pages(placed, keeper, centre=centre)
    found = placed.find("peer", b"/directory/")
    assert found is not None

    def ask(target: bytes, of: ServerId | None = None) -> asyncio.Task[Response]:
        request = Request("GET", target, (), Held(b""), server=of)
        return asyncio.ensure_future(found.page(request))

    with centre.turn():
        strangers = [ask(b"/directory/anchor") for _ in range(DIRECTORY_PAGES_WAITING + 3)]
        gone = strangers.pop(0)
        await asyncio.sleep(0)
        gone.cancel()
        async with asyncio.timeout(60):  # only where it fails
            assert await asyncio.to_thread(lambda: "its own work") == "its own work"
            assert (await ask(b"/directory/head", server("NHI"))).status == 200
            done, waiting = await asyncio.wait(strangers, return_when=asyncio.FIRST_EXCEPTION)
    assert [type(one.exception()) for one in done] == [Limit] * 2
    assert len(waiting) == DIRECTORY_PAGES_WAITING
    assert {one.status for one in await asyncio.gather(*waiting)} == {200}
    assert gone.cancelled() or await asyncio.gather(gone, return_exceptions=True)


async def asked(land: Land, route: Route, verb: str, target: bytes) -> int:
    peer = land.road.keepers["NHI"].gateway.peer
    answer = await peer.ask(route, verb, target, until=EpochS(land.clock.at + 30), body=b"{")
    if not isinstance(answer.body, bytes):
        answer.body.close()
    return answer.status
