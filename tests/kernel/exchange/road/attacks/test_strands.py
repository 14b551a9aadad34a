"""The same attacks inside a strand, by somebody with the TLS key of a gateway who writes frames: each stays in its own.

The frames are made from the words of bundle.py, not by its code.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator

import pytest
from tests.kernel.exchange.road.attacks.siege import BODY, Got, Siege, a_siege, read, tls_of, written
from tests.kernel.exchange.road.attacks.test_framing import BODIES, SHOTS
from tests.kernel.exchange.road.pair import ECHO

from banyan.kernel.exchange.road.listener import Listener
from banyan.limits_road import ROAD_BUNDLE_STRANDS

DATA, END, ROOM, OPEN, NO = range(5)


class Framed:
    """One connection with strands; what comes back is sorted by them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.strands: dict[int, asyncio.StreamReader] = {}
        self.refused: list[int] = []
        self.is_over = False
        self._task = asyncio.create_task(self._sort())

    def frame(self, kind: int, number: int, size: int = 0, data: bytes = b"") -> None:
        self._writer.write(struct.pack(">BBHI", kind, size >> 16, size & 0xFFFF, number) + data)

    def open(self, number: int, *pieces: bytes) -> asyncio.StreamReader:
        self.strands[number] = asyncio.StreamReader()
        if self.is_over:
            self.strands[number].feed_eof()
        self.frame(OPEN, number)
        for piece in pieces:
            self.say(number, piece)
        return self.strands[number]

    def say(self, number: int, piece: bytes) -> None:
        self.frame(DATA, number, len(piece), piece)

    async def close(self) -> None:
        self._writer.close()
        await self._task

    async def _sort(self) -> None:
        try:
            while True:
                kind, high, low, number = struct.unpack(">BBHI", await self._reader.readexactly(8))
                if kind == DATA:
                    self.strands[number].feed_data(await self._reader.readexactly(high << 16 | low))
                elif kind == END:
                    self.strands[number].feed_eof()
                elif kind == NO:
                    self.refused.append(number)
        except (asyncio.IncompleteReadError, OSError):
            self.is_over = True
            for strand in self.strands.values():
                strand.feed_eof()


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    with a_siege(tmp_path_factory.mktemp("siege")) as made:
        yield made


async def framed(siege: Siege) -> Framed:
    context = tls_of(siege.road.a.identity, siege.road.b.pem)
    context.set_alpn_protocols(["banyan-bundle/1"])
    return Framed(*await asyncio.open_connection("127.0.0.1", siege.peer_port, ssl=context))


def leg(siege: Siege) -> Listener:
    return siege.road.b.gateway._listeners[0]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def honest(siege: Siege) -> bytes:
    return written("POST", ECHO, siege.call(), BODY)


async def in_a_strand(siege: Siege, *shots: bytes) -> list[Got]:
    """Each in its own strand, all of one connection, on which an honest call is answered beside them."""
    client = await framed(siege)
    strands = [client.open(number, shot) for number, shot in enumerate(shots, 1)]
    got = [await read(one) for one in strands]
    before = client.open(1_000, written("GET", "/nothing", [(b"Host", b"gateway")]))
    assert (await read(before)).status == 404, "the connection lives"
    await client.close()
    return got


@pytest.mark.parametrize("name", SHOTS)
def test_a_shot_is_refused_in_its_strand(siege: Siege, name: str) -> None:
    shot, status, rule = SHOTS[name]
    (got,) = siege.repels(in_a_strand(siege, shot[:200_000]))
    assert (got.status, got.field, got.fields["connection"]) == (status, rule, "close")


def test_all_shots_at_once_are_refused_each_for_its_own(siege: Siege) -> None:
    got = siege.repels(in_a_strand(siege, *(shot[:200_000] for shot, _, _ in SHOTS.values())))
    assert [(one.status, one.field) for one in got] == [(status, rule) for _, status, rule in SHOTS.values()]


@pytest.mark.parametrize("name", BODIES)
def test_a_badly_framed_body_is_refused_in_its_strand(siege: Siege, name: str) -> None:
    lines = [line for line in siege.call() if line[0] != b"Content-Length"]
    shot = written("POST", ECHO, [*lines, (b"Transfer-Encoding", b"chunked")], BODIES[name])
    (got,) = siege.repels(in_a_strand(siege, shot))
    assert got.status in (400, 431, 500), got


def test_a_slow_loris_in_a_strand_is_let_go_alone(siege: Siege) -> None:
    async def loris() -> Got:
        client = await framed(siege)
        slow = client.open(1, b"POST " + ECHO.encode() + b" HTTP/1.1\r\nX-A: 1\r\n")
        (mine,) = [one for one in await held(siege, 1) if not one._reader.is_between]
        leg(siege).sweep(mine.deadline)
        got = await read(slow)
        other = client.open(2, written("GET", "/nothing", [(b"Host", b"gateway")]))
        assert (await read(other)).status == 404
        await client.close()
        return got

    assert siege.repels(loris()).status == 408


async def held(siege: Siege, least: int) -> list[object]:
    await until(lambda: sum(not one._reader.is_between for one in leg(siege).connections) >= least)
    return list(leg(siege).connections)


def test_requests_behind_one_another_in_a_strand_are_answered_in_their_order(siege: Siege) -> None:
    async def both() -> list[Got]:
        client = await framed(siege)
        first, second = honest(siege), honest(siege)
        whole = first + second
        strand = client.open(1, whole[:100], whole[100 : len(first) + 7], whole[len(first) + 7 :])
        got = [await read(strand), await read(strand)]
        await client.close()
        return got

    seen = len(siege.road.service.seen)
    assert [(one.status, one.body) for one in siege.run(both())] == [(200, BODY), (200, BODY)]
    assert len(siege.road.service.seen) == seen + 2


def test_a_signed_call_repeated_in_another_strand_is_refused(siege: Siege) -> None:
    """One nonce, two strands, at once: one of them is served."""
    call = honest(siege)

    async def twice() -> list[Got]:
        client = await framed(siege)
        strands = [client.open(number, call) for number in (1, 2)]
        got = [await read(one) for one in strands]
        await client.close()
        return got

    seen = len(siege.road.service.seen)
    assert sorted(one.status for one in siege.run(twice())) == [200, 409]
    assert len(siege.road.service.seen) == seen + 1


async def rush(siege: Siege) -> None:
    client = await framed(siege)
    for number in range(1, 5_001):
        client.frame(OPEN, number)
        client.say(number, b"POST " + ECHO.encode() + b" HTTP/1.1\r\n")
        client.frame(END, number)
    for number in range(6_000, 6_000 + ROAD_BUNDLE_STRANDS + 5):
        client.open(number)
    await until(lambda: len(client.refused) == 5)
    await client.close()


def test_a_rush_of_strands_leaves_nothing(siege: Siege) -> None:
    async def attack() -> None:
        before = len(leg(siege).connections)
        await rush(siege)
        await until(lambda: len(leg(siege).connections) <= before)

    siege.repels(attack())


def test_a_broken_frame_ends_that_connection(siege: Siege) -> None:
    async def attack() -> None:
        before = set(leg(siege).bundles)
        client = await framed(siege)
        client.open(1, b"POST ")
        client.frame(NO, 1)
        await until(lambda: client.is_over)
        await client.close()
        await until(lambda: leg(siege).bundles <= before)

    siege.repels(attack())
