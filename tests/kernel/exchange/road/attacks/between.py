"""Somebody between two gateways with both TLS keys, and no member's: reads all, may change and swap answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable

import msgspec
from tests.kernel.exchange.road.attacks.siege import Siege, tls_of

from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.road.tls import fingerprint_of_pem
from banyan.wire.xroad.identifiers import parse_client


class Message(msgspec.Struct, frozen=True):
    start: bytes
    lines: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def encoded(self) -> bytes:
        head = b"".join(b"%b: %b\r\n" % line for line in self.lines)
        return self.start + b"\r\n" + head + b"\r\n" + self.body

    def get(self, name: bytes) -> bytes:
        return next((value for known, value in self.lines if known.lower() == name), b"")

    def put(self, name: bytes, value: bytes) -> Message:
        lines = tuple((known, value if known.lower() == name else old) for known, old in self.lines)
        return msgspec.structs.replace(self, lines=lines)

    def drop(self, *names: bytes) -> Message:
        return msgspec.structs.replace(self, lines=tuple(one for one in self.lines if one[0].lower() not in names))


Trick = Callable[[list[Message]], list[Message]]
"""The answers of one round, as B gave them, to what A gets."""


class Between:
    """Waits until `together` requests are there, asks B for all, and gives back what the trick makes of the answers."""

    def __init__(self, siege: Siege) -> None:
        self._siege = siege
        self.trick: Trick = lambda answers: answers
        self.together = 1
        self._held: list[tuple[Message, asyncio.Future[Message]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                request = await _message(reader)
                answer = asyncio.get_running_loop().create_future()
                self._held.append((request, answer))
                if len(self._held) == self.together:
                    held, self._held = self._held, []
                    answers = self.trick([await self._asked(one) for one, _ in held])
                    for (_, waiting), told in zip(held, answers, strict=True):
                        waiting.set_result(told)
                writer.write((await answer).encoded())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _asked(self, request: Message) -> Message:
        road = self._siege.road
        context = tls_of(road.a.identity, road.b.pem)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._siege.peer_port, ssl=context)
        try:
            writer.write(request.encoded())
            return await _message(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def in_between(siege: Siege) -> AsyncIterator[Between]:
    """For the directory, B is where this stands; B takes the calls that were signed for it."""
    road = siege.road
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(road.b.identity.certificate, road.b.identity.key)
    between = Between(siege)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    subsystem = parse_client("EE/BUSINESS/producer/sub")
    before = road.directory.by_subsystem[subsystem]
    pin = fingerprint_of_pem(road.b.pem)
    road.directory.by_subsystem[subsystem] = [Route(road.b.server, "127.0.0.1", port, (pin,))]
    road.b.gateway._verifying.authorities.add(f"127.0.0.1:{port}")
    try:
        yield between
    finally:
        road.directory.by_subsystem[subsystem] = before
        server.close()
        await between.stop()


async def _message(reader: asyncio.StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    lines = tuple((name, value) for name, _, value in (line.partition(b": ") for line in head[1:]))
    length = next((int(value) for name, value in lines if name.lower() == b"content-length"), 0)
    return Message(head[0], lines, await reader.readexactly(length))
