"""Admission, deadlines and failover over real gateways: who waits, who is sent away and hears why, who takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.exchange.road.attacks.siege import Got, send, written
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, PRODUCER, Road, Seen, a_pair, said

from banyan.kernel.exchange.road.admission import FairAdmission
from banyan.kernel.exchange.road.admission_desk import Desk
from banyan.kernel.exchange.road.admission_pace import Pace
from banyan.kernel.exchange.road.desk import Local
from banyan.kernel.exchange.road.model import Answer, Body, Call, Route
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.identifiers import ClientId, parse_client

HONEST = {"X-Road-Client": CONSUMER}
SUBSYSTEM = parse_client(f"{PRODUCER}/sub")


def admission(origin: Origin, clock: Callable[[], Any], limit: int = 1) -> FairAdmission:
    return FairAdmission(origin, clock, desk=Desk(fixed(limit), 4))


def fixed(limit: int) -> Pace:
    """A bound that stays: on a busy machine the loop is late, and on any a held-up call raises it."""
    return Pace(limit, least=limit, most=limit)


class Gated:
    """A service that answers when it is told."""

    def __init__(self, road: Road) -> None:
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        road.service.script = self.answer

    async def answer(self, seen: Seen) -> bytes:
        self.asked.set()
        await self.open.wait()
        return said(seen.body)


def play(
    folder: Path, story: Callable[[Road, FairAdmission], Awaitable[None]], limit: int = 1, side: str = "calls"
) -> None:
    async def run() -> None:
        async with a_pair(folder) as road:
            keeper = road.a if side == "calls" else road.b
            origin = Origin.CLIENT_PROXY if side == "calls" else Origin.SERVER_PROXY
            fair = admission(origin, road.clock, limit)
            setattr(keeper.gateway.desk.around, side, fair)
            await story(road, fair)
            fair.close()
            assert fair.desk.queue.running == 0
            assert road.reported == []

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def test_a_client_that_goes_away_while_it_waits_is_not_carried_out(tmp_path: Path) -> None:
    async def story(road: Road, fair: FairAdmission) -> None:
        gate = Gated(road)
        first = asyncio.ensure_future(road.call("POST", ECHO, HONEST, b"1"))
        await gate.asked.wait()
        _, writer = await asyncio.open_connection("127.0.0.1", road.a.gateway.edge_port)
        lines = [(b"Host", b"x"), (b"X-Road-Client", CONSUMER.encode()), (b"Content-Length", b"1")]
        writer.write(written("POST", ECHO, lines, b"2"))
        await until(lambda: fair.desk.queue.waiting == 1)
        writer.close()
        await until(lambda: fair.desk.queue.waiting == 0)
        assert fair.desk.tally.gone == 1
        gate.open.set()
        assert (await first).status == 200
        assert (await road.call("POST", ECHO, HONEST, b"3")).body == b"3"
        assert [one.body for one in road.service.seen] == [b"1", b"3"]

    play(tmp_path, story)


def test_a_client_that_goes_away_while_it_is_served_is_logged_all_the_same(tmp_path: Path) -> None:
    async def story(road: Road, fair: FairAdmission) -> None:
        gate = Gated(road)
        _, writer = await asyncio.open_connection("127.0.0.1", road.a.gateway.edge_port)
        lines = [(b"Host", b"x"), (b"X-Road-Client", CONSUMER.encode()), (b"Content-Length", b"1")]
        writer.write(written("POST", ECHO, lines, b"2"))
        await gate.asked.wait()
        writer.close()
        gate.open.set()
        await until(lambda: bool(road.a.log.kept))
        assert [one.status for one in (*road.a.log.kept, *road.b.log.kept)] == [200, 200]
        await until(lambda: fair.desk.queue.running == 0)

    play(tmp_path, story)


def test_a_rush_of_meta_services_waits_as_calls_do(tmp_path: Path) -> None:
    """They need no grant, so whoever stands in the directory could fill a gateway with them."""

    class Meta:
        async def answer(self, call: Call, body: Body) -> Answer:
            return Answer(200, b"OK", (), Held(b"{}"))

    async def story(road: Road, fair: FairAdmission) -> None:
        road.b.gateway.desk.around.meta = Meta()
        asked = f"/r1/{PRODUCER}/sub/listMethods"
        assert (await road.call("GET", asked, HONEST)).status == 200
        fair.desk.pace.ended(40.0)
        gate = Gated(road)
        first = asyncio.ensure_future(road.call("POST", ECHO, HONEST, b"1"))
        await gate.asked.wait()
        assert (await road.call("GET", asked, {**HONEST, "X-Banyan-Timeout": "20"})).status == 429
        gate.open.set()
        assert (await first).status == 200

    play(tmp_path, story, side="services")


@pytest.mark.parametrize("side", ["calls", "services"])
def test_a_call_that_cannot_run_in_time_hears_who_must_do_what(tmp_path: Path, side: str) -> None:
    """The gateway's own refusal, and the other one's passed on: 429, when to come back, the headers of the draft."""

    async def story(road: Road, fair: FairAdmission) -> None:
        fair.desk.pace.ended(40.0)
        gate = Gated(road)
        first = asyncio.ensure_future(road.call("POST", ECHO, HONEST, b"1"))
        await gate.asked.wait()
        late = await road.call("POST", ECHO, {**HONEST, "X-Banyan-Timeout": "20"}, b"2")
        gate.open.set()
        assert (await first).status == 200
        whose = "ClientProxy" if side == "calls" else "ServerProxy"
        assert (late.status, late.fields["x-road-error"]) == (429, f"Server.{whose}.ServiceFailed")
        assert late.fields["retry-after"] == "40"
        assert late.fields["ratelimit-policy"] == '"gateway";q=1;qu="concurrent-requests"'
        assert late.fields["ratelimit"] == '"gateway";r=0;t=40'
        assert "The client must call again in 40 s" in late.json["message"]
        assert [one.body for one in road.service.seen] == [b"1"]

    play(tmp_path, story, side=side)


def test_a_grants_rate_is_said_and_kept(tmp_path: Path) -> None:
    async def story(road: Road, fair: FairAdmission) -> None:
        service = next(iter(road.b.grants.by_service))
        road.b.grants.give(CONSUMER, service, Endpoint(), per_minute=2)
        replies = [await road.call("POST", ECHO, HONEST, b"1") for _ in range(3)]
        assert [reply.status for reply in replies] == [200, 200, 429]
        assert replies[2].fields["ratelimit-policy"] == '"grant";q=2;w=60'
        assert 1 <= int(replies[2].fields["retry-after"]) <= 30
        assert len(road.service.seen) == 2

    play(tmp_path, story, limit=8, side="services")


def test_the_other_gateway_knows_how_long_anybody_waits(tmp_path: Path) -> None:
    """What is left goes over the leg, so B refuses what came too late, and asks its service no longer than A waits."""

    async def story(road: Road, fair: FairAdmission) -> None:
        untils: list[float] = []
        enter = fair.enter

        async def watched(*arguments: Any, **more: Any) -> Any:
            untils.append(arguments[3] - road.clock.now)
            return await enter(*arguments, **more)

        fair.enter = watched  # type: ignore[method-assign]
        assert (await road.call("POST", ECHO, {**HONEST, "X-Banyan-Timeout": "7"}, b"1")).status == 200
        assert (await road.call("POST", ECHO, HONEST, b"1")).status == 200
        assert untils == [7.0, 60.0]
        waits = road.a.gateway.desk.around.calls
        entered = waits.enter

        async def slow(*arguments: Any, **more: Any) -> Any:
            ticket = await entered(*arguments, **more)
            road.clock.now += 5  # it waited so long for its turn at A
            return ticket

        waits.enter = slow
        assert (await road.call("POST", ECHO, {**HONEST, "X-Banyan-Timeout": "7"}, b"1")).status == 200
        assert untils[2:] == [2.0]

    play(tmp_path, story, limit=8, side="services")


def test_a_gateway_that_is_gone_is_replaced_by_another_of_its_member(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_pair(tmp_path) as road:
            await road.add("ss3", PRODUCER, recalled=())
            road.offer(f"{PRODUCER}/sub/echo", CONSUMER, name="ss3")
            road.register(f"{PRODUCER}/sub", "ss2", "ss3")
            calls = [road.call("POST", ECHO, HONEST, b"%d" % at) for at in range(20)]
            assert {reply.status for reply in await asyncio.gather(*calls)} == {200}
            assert road.b.log.kept, "both take their share"
            assert road.keepers["ss3"].log.kept, "both take their share"
            await road.b.gateway.stop(0.0)
            before = len(road.keepers["ss3"].log.kept)
            answered = [await road.call("POST", ECHO, HONEST, b"%d" % at) for at in range(20, 40)]
            assert [reply.body for reply in answered] == [b"%d" % at for at in range(20, 40)]
            assert len(road.keepers["ss3"].log.kept) == before + 20
            assert sorted(int(one.body) for one in road.service.seen) == list(range(40)), "each once"

    asyncio.run(run())


def test_a_call_that_began_is_not_sent_again_unless_that_is_harmless(tmp_path: Path) -> None:
    """A gateway takes the call and dies. POST: the client hears it. GET: another gateway of the member answers."""

    async def run() -> None:
        async with a_pair(tmp_path) as road:
            taken: list[bytes] = []

            async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                taken.append(await reader.readuntil(b"\r\n\r\n"))
                writer.transport.abort()

            tls = road.b.gateway.tls.server
            server = await asyncio.start_server(dies, "127.0.0.1", 0, ssl=tls)
            port = server.sockets[0].getsockname()[1]
            honest = road.route("ss2")
            road.directory.by_subsystem[SUBSYSTEM] = [Route(honest.server, "127.0.0.1", port, honest.certificates)]
            reply = await road.call("POST", ECHO, HONEST, b"1")
            assert (reply.status, reply.fields["x-road-error"]) == (500, "Server.ClientProxy.NetworkError")
            assert len(taken) == 1
            assert road.service.seen == []
            road.directory.by_subsystem[SUBSYSTEM].append(honest)
            for _ in range(5):
                assert (await road.call("GET", ECHO, HONEST)).status == 200
            server.close()

    asyncio.run(run())


def test_a_mask_map_rush_costs_a_hospital_three_starts_at_most(tmp_path: Path) -> None:
    """A map asks thirty times at once, again and again, by a gateway with two places, one of which bulk may have; a
    hospital asks five times meanwhile. Counted: how many are let in from its arrival up to and with its own."""
    map_client = "EE/BUSINESS/consumer/map"

    async def run() -> None:
        hospital = Local(parse_client(CONSUMER), "http", priority="crisis")
        rush = Local(parse_client(map_client), "http", priority="bulk")
        async with a_pair(tmp_path, a={"locals": (hospital, rush)}) as road:
            road.register(map_client, "ss1")
            road.offer(f"{PRODUCER}/sub/echo", CONSUMER, map_client)
            fair = FairAdmission(Origin.CLIENT_PROXY, road.clock, desk=Desk(fixed(2), 100))
            enter, counts = fair.enter, []

            async def counted(client: ClientId, *arguments: Any, **more: Any) -> Any:
                before = fair.desk.tally.let_in
                leave = await enter(client, *arguments, **more)
                if client == hospital.id:
                    counts.append(fair.desk.tally.let_in - before)
                return leave

            fair.enter = counted  # type: ignore[method-assign]
            fair.enter_now = lambda *arguments, **more: None  # type: ignore[method-assign]  # all pass `counted`
            road.a.gateway.desk.around.calls = fair
            over, refused = asyncio.Event(), []

            async def asks_again() -> None:
                while not over.is_set():
                    got = await _asked(road, map_client, b"map")
                    if got.status != 200:
                        refused.append(got)

            asked = [asyncio.ensure_future(asks_again()) for _ in range(30)]
            for number in range(5):
                await until(lambda: fair.desk.queue.waiting > 20 or bool(refused))
                assert (await _asked(road, CONSUMER, b"hospital %d" % number)).status == 200
            over.set()
            await asyncio.gather(*asked)
            assert refused == []
            assert len(counts) == 5
            assert max(counts) <= 3 + 2, (
                "both places may come free once more before the hospital's call hears of its own"
            )
            fair.close()

    asyncio.run(run())


async def _asked(road: Road, client: str, body: bytes) -> Got:
    lines = [(b"Host", b"x"), (b"X-Road-Client", client.encode()), (b"Content-Length", b"%d" % len(body))]
    return await send(road.a.gateway.edge_port, [written("POST", ECHO, lines, body)])


def test_the_one_address_that_can_be_resolved_is_taken_among_junk(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_pair(tmp_path) as road:
            real = road.route("ss2")
            junk = [
                Route(real.server, host, real.port, real.certificates) for host in ("", "no..such", "\x7f", "256.1.1.1")
            ]
            road.directory.by_subsystem[SUBSYSTEM] = [*junk, real]
            for _ in range(3):
                assert (await road.call("POST", ECHO, HONEST, b"1")).status == 200, road.reported

    asyncio.run(run())
