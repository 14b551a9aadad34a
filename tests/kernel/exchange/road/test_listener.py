"""A listener's connections: one request after another, each bound by size and time, and no answer but to a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.connection import Incoming
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.listener import Listener
from banyan.kernel.exchange.road.model import Answer
from banyan.kernel.exchange.road.spool import EMPTY, Held, Spooling
from banyan.limits_road import (
    ROAD_BODY_IDLE_S,
    ROAD_HEAD_BYTES,
    ROAD_HEAD_S,
    ROAD_IDLE_S,
    ROAD_LINGER_BYTES,
    ROAD_LINGER_S,
    ROAD_PIECE_BYTES,
)

NOW = EpochS(1_795_438_800.0)
DATE = b"date: Mon, 23 Nov 2026 13:00:00 GMT\r\n"
Handler = Callable[[Incoming], Awaitable[Answer]]


async def echo(incoming: Incoming) -> Answer:
    body = await incoming.receive(("sha-256",))
    return Answer(200, b"OK", (), body)


class Client:
    """Bytes in, bytes out."""

    def __init__(self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.listener = listener
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[bytes, bytes]:
        """A head and the body it promises."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length")), 0)
        return head, await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Until the listener closes, politely or not."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""

    async def arrived(self, test: Callable[[], bool]) -> None:
        """Wait for what was sent to be seen by the listener."""
        while not test():
            await asyncio.sleep(0)

    async def gone(self) -> None:
        """Nobody is connected, nothing runs."""
        await self.arrived(lambda: not self.listener.connections and not self.listener.tasks)

    async def later(self, seconds: float) -> None:
        self.listener.sweep(self.listener.loop.time() + seconds)


@asynccontextmanager
async def listening(
    handler: Handler = echo, *, most: int = 1 << 30, reported: list[str] | None = None
) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    def report(text: str, error: BaseException) -> None:
        assert reported is not None, (text, error)
        reported.append(f"{text}: {error}")

    listener = Listener(handler, Spooling(Path("/tmp"), most=most), lambda: NOW, report)
    port = await listener.start("127.0.0.1", 0)
    clients: list[Client] = []

    async def connect() -> Client:
        client = Client(listener, *await asyncio.open_connection("127.0.0.1", port))
        clients.append(client)
        return client

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
        await listener.stop(0.5)
        assert not listener.connections
        assert not listener.tasks


def told(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))


def test_one_connection_serves_one_request_after_another() -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            for body in (b"one", b"", b"three"):
                client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                head, answer = await client.answer()
                assert head == b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n" % len(body) + DATE + b"\r\n"
                assert answer == body

    told(story)


def test_requests_sent_together_are_answered_in_their_order() -> None:
    async def story() -> None:
        running = 0

        async def one_at_a_time(incoming: Incoming) -> Answer:
            nonlocal running
            assert running == 0
            running += 1
            await asyncio.sleep(0)
            running -= 1
            return await echo(incoming)

        async with listening(one_at_a_time) as connect:
            client = await connect()
            bodies = [str(at).encode() * 50 for at in range(20)]
            client.send(
                b"".join(b"PUT / HTTP/1.1\r\nHost: gw\r\nContent-Length: %d\r\n\r\n" % len(b) + b for b in bodies)
            )
            assert [(await client.answer())[1] for _ in bodies] == bodies

    told(story)


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: gw\r\nConnection: Close\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nHost: gw\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nHost: gw\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_who_says_that_it_is_the_last_is_told_so(head: bytes, closes: bool) -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            client.send(head)
            answer, _ = await client.answer()
            assert (b"connection: close" in answer) == closes
            if closes:
                assert await client.rest() == b""

    told(story)


def test_a_client_that_expects_is_told_to_continue_once_its_body_is_wanted() -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.send(b"yes")
            assert (await client.answer())[1] == b"yes"
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nExpect: 200-ok\r\nContent-Length: 3\r\n\r\n")
            assert (await client.rest()).startswith(b"HTTP/1.1 417 ")

    told(story)


def test_a_refusal_before_the_body_asks_for_no_byte_of_it() -> None:
    async def refuse(incoming: Incoming) -> Answer:
        return Answer(403, b"No", (), Held(b"no"))

    async def story() -> None:
        async with listening(refuse) as connect:
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 300\r\n\r\n")
            answer = await client.rest()
            assert answer.startswith(b"HTTP/1.1 403 No\r\n")
            assert b"connection: close" in answer

    told(story)


def test_a_refused_body_is_read_and_dropped_for_a_while() -> None:
    """Else a client that still sends would lose the answer to a reset connection."""

    async def refuse(incoming: Incoming) -> Answer:
        return Answer(403, b"No", (), Held(b"no"))

    async def story() -> None:
        async with listening(refuse) as connect:
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 200_000)
            await client.writer.drain()
            head, _ = await client.answer()
            assert head.startswith(b"HTTP/1.1 403 No\r\n")
            (connection,) = client.listener.connections
            client.send(b"x" * ROAD_LINGER_BYTES)
            await client.arrived(lambda: connection not in client.listener.connections)

    told(story)


@pytest.mark.parametrize(("status", "verb"), [(204, "GET"), (304, "GET"), (200, "HEAD")])
def test_answers_without_a_body_have_none_and_promise_none(status: int, verb: str) -> None:
    async def answer(incoming: Incoming) -> Answer:
        return Answer(status, b"Right", (), Held(b"nobody may see this"))

    async def story() -> None:
        async with listening(answer) as connect:
            client = await connect()
            client.send(f"{verb} / HTTP/1.1\r\nHost: gw\r\n\r\n".encode() * 2)
            for _ in range(2):
                head = await client.reader.readuntil(b"\r\n\r\n")
                assert head == b"HTTP/1.1 %d Right\r\n" % status + DATE + b"\r\n"

    told(story)


def test_a_large_answer_waits_for_its_reader() -> None:
    content = bytes(range(256)) * (8 * ROAD_PIECE_BYTES // 256)

    async def answer(incoming: Incoming) -> Answer:
        spool = Spooling(Path("/tmp")).spool()
        spool.write(content)
        return Answer(200, b"OK", (), spool)

    async def story() -> None:
        async with listening(answer) as connect:
            client = await connect()
            client.send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            assert (await client.answer())[1] == content

    told(story)


REFUSED = {
    "CL and TE": (b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "obs-fold": (b"GET / HTTP/1.1\r\nHost: gw\r\nX-Road-Client: a\r\n b\r\n\r\n", 400),
    "bad chunking": (b"POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n5;\nhello\r\n", 400),
    "header bomb": (b"GET / HTTP/1.1\r\nHost: gw\r\nX: " + b"x" * ROAD_HEAD_BYTES, 431),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_and_closed(name: str) -> None:
    message, status = REFUSED[name]

    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            client.send(message)
            answer = await client.rest()
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert b"connection: close" in answer

    told(story)


def test_a_slow_head_is_refused_by_the_loop_s_clock() -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            client.send(b"GET / HTTP/1.1\r\nHost: g")
            await client.arrived(lambda: any(not one._reader.is_between for one in client.listener.connections))
            await client.later(ROAD_HEAD_S - 1)
            client.send(b"w\r\nX: drip")
            await asyncio.sleep(0.01)
            await client.later(ROAD_HEAD_S)
            assert (await client.rest()).startswith(b"HTTP/1.1 408 ")

    told(story)


def test_a_connection_that_says_nothing_is_closed() -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            await client.arrived(lambda: bool(client.listener.connections))
            await client.later(ROAD_HEAD_S)
            assert await client.rest() == b""
            used = await connect()
            used.send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            await used.answer()
            await used.later(ROAD_IDLE_S - 1)
            used.send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            await used.answer()

    told(story)


def test_a_body_that_pauses_is_refused() -> None:
    async def story() -> None:
        async with listening() as connect:
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\n12345")
            await client.arrived(lambda: any(one._waiting is not None for one in client.listener.connections))
            await client.later(ROAD_BODY_IDLE_S)
            assert (await client.answer())[0].startswith(b"HTTP/1.1 408 ")
            await client.later(ROAD_LINGER_S)

    told(story)


def test_a_body_that_is_cut_off_is_told_to_the_handler() -> None:
    seen: list[str] = []

    async def handler(incoming: Incoming) -> Answer:
        try:
            await incoming.receive(("sha-256",))
        except BadHttp as error:
            seen.append(error.rule)
        return Answer(400, b"Bad", (), EMPTY)

    async def story() -> None:
        async with listening(handler) as connect:
            for framing in (b"Content-Length: 10\r\n\r\n123", b"Transfer-Encoding: chunked\r\n\r\n5\r\n123"):
                client = await connect()
                client.send(b"POST / HTTP/1.1\r\nHost: gw\r\n" + framing)
                await client.writer.drain()
                client.writer.close()
                await client.gone()
        assert seen == ["cut-off", "cut-off"]

    told(story)


def test_a_body_over_the_limit_is_refused_by_its_length_and_by_what_comes() -> None:
    async def story() -> None:
        async with listening(most=100) as connect:
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nContent-Length: 101\r\n\r\n")
            assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100)
            client.send(b"\r\n1\r\nx\r\n")
            assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")

    told(story)


def test_a_defect_is_recorded_and_told_without_a_word_of_it() -> None:
    async def broken(incoming: Incoming) -> Answer:
        raise RuntimeError("the secret of the house")

    reported: list[str] = []

    async def story() -> None:
        async with listening(broken, reported=reported) as connect:
            client = await connect()
            client.send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            head, body = await client.answer()
            assert head.startswith(b"HTTP/1.1 500 ")
            assert b"secret" not in head + body

    told(story)
    assert reported == ["road: a request failed: the secret of the house"]


def test_one_connection_too_many_is_dropped() -> None:
    async def story() -> None:
        async with listening() as connect:
            clients = [await connect() for _ in range(2)]
            await clients[0].arrived(lambda: len(clients[0].listener.connections) == 2)
            clients[0].listener.most = 2
            late = await connect()
            assert await late.rest() == b""
            clients[0].send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            assert (await clients[0].answer())[0].startswith(b"HTTP/1.1 200 ")

    told(story)


def test_a_stopping_listener_lets_what_runs_end() -> None:
    async def story() -> None:
        go = asyncio.Event()
        began = asyncio.Event()

        async def waits(incoming: Incoming) -> Answer:
            began.set()
            await go.wait()
            return await echo(incoming)

        async with listening(waits) as connect:
            client, idle = await connect(), await connect()
            client.send(b"GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
            await began.wait()
            stopping = asyncio.create_task(client.listener.stop(20.0))
            assert await idle.rest() == b""
            go.set()
            head, _ = await client.answer()
            assert b"connection: close" in head
            await stopping

    told(story)
