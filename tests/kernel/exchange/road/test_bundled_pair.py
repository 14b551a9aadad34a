"""Calls between two real gateways over mTLS that share connections: how many there are, and what ends what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop
from tests.kernel.exchange.road.attacks.siege import Got, send, tls_of, written
from tests.kernel.exchange.road.pair import CONSUMER, ECHO, PRODUCER, Keeper, Road, Seen, a_pair, an_identity, said

from banyan.kernel.exchange.road.bundle import Bundle
from banyan.kernel.exchange.road.listener import Listener
from banyan.kernel.exchange.road.tls import fingerprint_of_pem
from banyan.limits_road import MIB, ROAD_BUNDLES, ROAD_HEAD_S, ROAD_IDLE_S, ROAD_POOL_IDLE_S, ROAD_SILENT_S
from banyan.wire.xroad.identifiers import parse_client

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
UNREACHED = "Server.ClientProxy.NetworkError"


def told(folder: Path, story: Callable[[Road], Awaitable[None]], new_loop: Callable[[], Any] | None = None) -> None:
    async def whole() -> None:
        async with a_pair(folder) as road:
            await story(road)
            assert road.reported == [], road.reported

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.wait_for(whole(), 60))


def bundles_of(keeper: Keeper) -> set[Bundle]:
    return keeper.gateway.pool._bundles._all


def leg_of(keeper: Keeper) -> Listener:
    return keeper.gateway._listeners[0]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


class Gated:
    """A service that answers what is small when it is told."""

    def __init__(self, road: Road) -> None:
        self.open = asyncio.Event()
        road.service.script = self.answer

    async def answer(self, seen: Seen) -> bytes:
        await self.open.wait()
        return said(seen.body)


def asked(road: Road, verb: str = "POST", body: bytes = b"x", timeout: str = "60") -> asyncio.Task[Got]:
    lines = [
        (b"Host", b"x"),
        (b"X-Road-Client", CONSUMER.encode()),
        (b"X-Banyan-Timeout", timeout.encode()),
        (b"Content-Length", b"%d" % len(body)),
    ]
    return asyncio.create_task(send(road.a.gateway.edge_port, [written(verb, ECHO, lines, body)]))


@pytest.mark.parametrize("new_loop", LOOPS)
def test_many_calls_at_once_share_two_connections(tmp_path: Path, new_loop: Callable[[], Any]) -> None:
    async def story(road: Road) -> None:
        gate = Gated(road)
        calls = [asked(road, body=b"call %d" % at) for at in range(64)]
        await until(lambda: len(road.service.seen) == 64)
        assert len(bundles_of(road.a)) == len(leg_of(road.b).bundles) == ROAD_BUNDLES
        assert len(leg_of(road.b).connections) == 64, "strands count as connections"
        assert min(len(one.strands) for one in bundles_of(road.a)) >= 16
        gate.open.set()
        assert [(await one).body for one in calls] == [b"call %d" % at for at in range(64)]

    told(tmp_path, story, new_loop)


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize("offered", [["http/1.1"], ["h2"], None])
def test_who_knows_no_bundles_has_single_connections(
    tmp_path: Path, offered: list[str] | None, new_loop: Callable[[], Any]
) -> None:
    """A gateway of an earlier release on either side, or any HTTP client."""

    async def story(road: Road) -> None:
        context = tls_of(road.a.identity, road.b.pem)
        if offered is not None:
            context.set_alpn_protocols(offered)
        raw = written("GET", "/nothing", [(b"Host", b"x")])
        assert (await send(road.b.gateway.peer_port, [raw], context)).status == 404
        server = road.b.gateway.tls.server
        server.set_alpn_protocols(offered or ["none-of-ours"])
        gate = Gated(road)
        calls = [asked(road) for _ in range(12)]
        await until(lambda: len(road.service.seen) == 12)
        assert bundles_of(road.a) == leg_of(road.b).bundles == set()
        assert len(leg_of(road.b).connections) == 12
        gate.open.set()
        assert {(await one).status for one in calls} == {200}

    told(tmp_path, story, new_loop)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_large_bodies_pass_both_ways_beside_small_calls(tmp_path: Path, new_loop: Callable[[], Any]) -> None:
    content = bytes(range(251)) * (20 * MIB // 251)

    async def story(road: Road) -> None:
        assert (await asked(road)).status == 200  # two calls that came at once would have two connections
        large = asyncio.create_task(road.call("POST", ECHO, None, content))
        small = 0
        while not large.done():
            assert (await asked(road, body=b"small %d" % small)).body == b"small %d" % small
            small += 1
        assert (await large).body == content
        assert small
        assert len(bundles_of(road.a)) == 1

    told(tmp_path, story, new_loop)


def test_a_cut_connection_is_to_each_call_what_its_own_would_be(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        gate = Gated(road)
        harmless, harmful = asked(road, "GET", b""), asked(road, "POST")
        await until(lambda: len(road.service.seen) == 2)
        for bundle in bundles_of(road.a):
            bundle.transport.abort()
        got = await harmful
        assert (got.status, got.error) == (500, UNREACHED)
        await until(lambda: len(road.service.seen) == 3)
        gate.open.set()
        assert (await harmless).status == 200
        assert [one.verb for one in road.service.seen].count("POST") == 1

    told(tmp_path, story)


class Relay:
    """Stands where the directory has B; may swallow what comes over the connections of now."""

    def __init__(self, road: Road) -> None:
        self.road, self.accepted, self.swallowed = road, 0, 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        directory = self.road.directory.by_subsystem
        subsystem = parse_client(f"{PRODUCER}/sub")
        directory[subsystem] = [msgspec.structs.replace(directory[subsystem][0], port=port)]
        self.road.b.gateway._verifying.authorities.add(f"127.0.0.1:{port}")

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        there = await asyncio.open_connection("127.0.0.1", self.road.b.gateway.peer_port)
        for source, sink in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.create_task(self._pass(source, sink, self.accepted)))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, number: int) -> None:
        try:
            while piece := await source.read(65_536):
                if number > self.swallowed:
                    sink.write(piece)
        except ConnectionError:
            pass
        finally:
            sink.close()


def test_a_silent_connection_is_doubted_and_the_next_call_connects_anew(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        relay = Relay(road)
        await relay.start()
        try:
            assert (await asked(road)).status == 200
            relay.swallowed = relay.accepted
            got = await asked(road, timeout="1")
            assert (got.status, got.error) == (500, UNREACHED)
            assert relay.accepted == 1, "it was asked over what had been good"
            assert (await asked(road)).status == 200
            assert relay.accepted == 2
        finally:
            await relay.stop()

    told(tmp_path, story)


def test_a_silent_connection_is_doubted_before_its_calls_are_late(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        relay = Relay(road)
        await relay.start()
        try:
            assert (await asked(road)).status == 200
            relay.swallowed = relay.accepted
            waiting = asked(road)
            (link,) = road.a.gateway.pool._links
            await until(link._is_awaited)
            loop, pool = asyncio.get_running_loop(), road.a.gateway.pool
            pool.sweep(loop.time() + ROAD_SILENT_S - 1)
            assert bundles_of(road.a) == {one for at in pool._bundles._of.values() for one in at}
            pool.sweep(loop.time() + ROAD_SILENT_S)
            assert (await asked(road)).status == 200
            assert (relay.accepted, waiting.done()) == (2, False)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        finally:
            await relay.stop()

    told(tmp_path, story)


def test_a_new_certificate_has_new_connections(tmp_path: Path) -> None:
    """Of the client's gateway, and of the provider's: the directory names the new one alone."""

    async def story(road: Road) -> None:
        assert (await asked(road)).status == 200
        (first,) = bundles_of(road.a)
        identity, pem = an_identity(tmp_path, "ss1-next")
        road.b.gateway.tls.trust(pem)
        road.directory.by_certificate = {fingerprint_of_pem(pem): road.a.server}
        road.a.gateway.tls.renew(identity)
        assert (await asked(road)).status == 200
        (second,) = bundles_of(road.a) - {first}
        identity, pem = an_identity(tmp_path, "ss2-next")
        road.a.gateway.tls.trust(pem)
        road.b.gateway.tls.renew(identity)
        assert (await asked(road)).status == 200
        assert bundles_of(road.a) == {first, second}, "the directory vouches for what it shows"
        subsystem = parse_client(f"{PRODUCER}/sub")
        route = road.directory.by_subsystem[subsystem][0]
        pins = (fingerprint_of_pem(pem),)
        road.directory.by_subsystem[subsystem] = [msgspec.structs.replace(route, certificates=pins)]
        for _ in range(3):
            assert (await asked(road)).status == 200
        assert len(bundles_of(road.a) - {first, second}) == 1

    told(tmp_path, story)


def test_a_revoked_certificate_counts_from_the_next_call_on(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        assert (await asked(road)).status == 200
        before = set(bundles_of(road.a))
        road.directory.by_certificate.clear()
        got = await asked(road)
        assert got.status == 500
        assert got.error.startswith("Server.ServerProxy."), got
        assert bundles_of(road.a) == before
        assert len(road.service.seen) == 1

    told(tmp_path, story)


def test_a_gateway_that_stops_ends_what_runs_and_takes_no_more(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        gate = Gated(road)
        running = asked(road)
        await until(lambda: len(road.service.seen) == 1)
        stopping = asyncio.create_task(road.b.gateway.stop(20.0))
        await until(lambda: leg_of(road.b)._is_stopping)
        late = await asked(road)
        assert (late.status, late.error) == (500, UNREACHED)
        gate.open.set()
        assert (await running).status == 200
        await stopping
        await until(lambda: not (bundles_of(road.a) or leg_of(road.b).bundles or leg_of(road.b).connections))
        assert len(road.service.seen) == 1

    told(tmp_path, story)


def test_a_strand_beyond_the_connections_of_a_listener_is_not_taken(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        gate = Gated(road)
        leg_of(road.b).most = 2
        first = [asked(road), asked(road)]
        await until(lambda: len(road.service.seen) == 2)
        got = await asked(road)
        assert (got.status, got.error) == (500, UNREACHED)
        gate.open.set()
        assert [(await one).status for one in first] == [200, 200]
        assert len(road.service.seen) == 2
        leg_of(road.b).most = 100
        assert (await asked(road)).status == 200

    told(tmp_path, story)


def test_bundles_that_nobody_uses_end(tmp_path: Path) -> None:
    async def story(road: Road) -> None:
        assert (await asked(road)).status == 200
        loop, pool = asyncio.get_running_loop(), road.a.gateway.pool
        pool.sweep(loop.time() + ROAD_POOL_IDLE_S)  # the strand
        await until(lambda: not leg_of(road.b).connections)
        assert len(bundles_of(road.a)) == 1
        leg_of(road.b).sweep(loop.time() + ROAD_POOL_IDLE_S + 1)
        assert len(leg_of(road.b).bundles) == 1, "who connected ends it first"
        pool.sweep(loop.time() + ROAD_POOL_IDLE_S)
        assert (await asked(road)).status == 200, "beside the one that closes"
        await until(lambda: len(leg_of(road.b).bundles) == 1)

        context = tls_of(road.a.identity, road.b.pem)
        context.set_alpn_protocols(["banyan-bundle/1"])
        reader, writer = await asyncio.open_connection("127.0.0.1", road.b.gateway.peer_port, ssl=context)
        await until(lambda: len(leg_of(road.b).bundles) == 2)
        leg_of(road.b).sweep(loop.time() + ROAD_HEAD_S)
        assert await reader.read() == b"", "a bundle that opens no strand"
        writer.close()
        assert ROAD_IDLE_S > ROAD_POOL_IDLE_S

    told(tmp_path, story)
