"""One connection of a server's side of HTTP/1.1: it serves one request after another; everything on it is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from banyan.kernel.exchange.road.head import BadHttp, RequestHead, read_request, write_response
from banyan.kernel.exchange.road.model import Answer, Body
from banyan.kernel.exchange.road.plain import LAST, TAKEN, has_date, phrase, refusal
from banyan.kernel.exchange.road.reader import Reader
from banyan.kernel.exchange.road.spool import EMPTY, Spool
from banyan.kernel.exchange.road.tls import shown
from banyan.limits_road import (
    ROAD_BODY_IDLE_S,
    ROAD_HEAD_S,
    ROAD_IDLE_S,
    ROAD_LINGER_BYTES,
    ROAD_LINGER_S,
    ROAD_PIECE_BYTES,
)
from banyan.wire.xroad.shapes import names_of

if TYPE_CHECKING:
    from banyan.kernel.exchange.road.listener import Listener

Handler = Callable[["Incoming"], Awaitable[Answer]]
"""Answers every request; what it raises is a defect, and is answered with 500."""
Quick = Callable[["Connection", bytes], int]
"""Is shown what begins a request. 0: it was whole, it was `taken`, and will be `replied` to or `handed_over`; more: so
many bytes are missing; less: it is for the handler."""
_NEVER: Final = float("inf")
T = TypeVar("T")


class Incoming:
    """A request whose head has come. `certificate`: the fingerprint that the caller showed, if any."""

    __slots__ = ("_connection", "body", "certificate", "head", "is_tls")

    def __init__(self, connection: Connection, head: RequestHead) -> None:
        self._connection = connection
        self.head = head
        self.certificate = connection.certificate
        self.is_tls = connection.is_tls
        self.body: Body = EMPTY

    async def receive(self, algorithms: Collection[str], most: int = 0) -> Body:
        """The whole body, which `body` then is too. Raises BadHttp: too large, badly framed, too slow, cut off."""
        self.body = await self._connection.receive(algorithms, most)
        return self.body

    def may_end(self, is_so: bool) -> None:
        """Whether the handler may be cancelled when who asked goes away: only while nothing was done for it yet."""
        self._connection.may_end = is_so


class Connection(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._loop = listener.loop
        self._reader = Reader(self)
        self._head: RequestHead | None = None
        self._early: list[bytes] = []
        self._begun = b""
        """Of a request that the quick way will take when it is whole."""
        self._spool: Spool | None = None
        self._ended = False
        self._waiting: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._lingering = -1
        self._error: BadHttp | None = None
        self._is_last = False
        self._is_gone = False
        self._is_paused = False
        self.deadline = _NEVER
        self.certificate = b""
        self.is_tls = False
        self.may_end = False
        self._task: asyncio.Task[None] | None = None
        self._forsake: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        if len(self._listener.connections) >= self._listener.most:
            self._transport.abort()
            return
        self._listener.connections.add(self)
        self.is_tls = transport.get_extra_info("ssl_object") is not None
        self.certificate = shown(transport) if self.is_tls else b""
        self.deadline = self._loop.time() + ROAD_HEAD_S

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up_quick()
        self._is_gone = True
        self._listener.connections.discard(self)
        self._abandon()
        self._fail(BadHttp("cut-off", "the connection ended within a message"))
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._lingering >= 0:
            self._linger(len(data))
            return
        if self._reader.is_between:
            quick = self._listener.quick
            if quick is not None and not self._is_last:
                if self._begun:
                    data, self._begun = self._begun + data, b""
                missing = quick(self, data)
                if missing == 0:
                    return
                if missing > 0:
                    self._begun, self.deadline = data, self._loop.time() + ROAD_BODY_IDLE_S
                    return
            self.deadline = self._loop.time() + ROAD_HEAD_S
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except BadHttp as error:
            self._broken(error)
            return
        if self._waiting is not None:
            self.deadline = self._loop.time() + ROAD_BODY_IDLE_S
        elif self._reader.has_more or (self._early and not self._ended):
            self._pause()

    def eof_received(self) -> bool:
        self._give_up_quick()
        if self._abandon():
            return False
        self._fail(BadHttp("cut-off", "the connection ended within a message"))
        self._is_last = True
        return self._head is not None

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # what the reader says

    def head(self, raw: bytes) -> int | None:
        head = read_request(raw)
        expected = head.named.get("expect")
        if expected and [one.lower() for one in expected] != ["100-continue"]:
            raise BadHttp("expect", "is 100-continue", 417)
        self._head = head
        self.deadline = _NEVER
        self._begin(head, self._listener.handler)
        self._listener.spooling.stirred()
        return head.length

    def _begin(self, head: RequestHead, handler: Handler) -> None:
        self._task = task = self._loop.create_task(self._serve(head, handler))
        self._listener.tasks.add(task)  # until `_serve` ends: a callback of the loop's would cost a turn of it

    def piece(self, data: bytes) -> None:
        if self._spool is not None:
            self._spool.write(data)
        elif self._lingering < 0:
            self._early.append(data)

    def end(self) -> None:
        self._ended = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _give_up_quick(self) -> None:
        """What the quick way waits for will not come, or not in time."""
        if self._begun:
            begun, self._begun = self._begun, b""
            self._feed(begun)

    # what the quick way asks

    def taken(self, forsake: Callable[[], None]) -> None:
        """A whole request, and nothing behind it, was read off this connection. `forsake`: this gateway stops, and has
        waited long enough."""
        self._forsake = forsake
        self._reader.passed()
        self._head, self._ended, self.deadline = TAKEN, True, _NEVER
        self._listener.taken.add(self)

    def works(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of what was taken, until it has `worked`: a listener that stops waits for it."""
        task = self._loop.create_task(work)
        self._listener.tasks.add(cast("asyncio.Task[None]", task))
        return task

    def worked(self, task: asyncio.Task[Any]) -> None:
        self._listener.tasks.discard(task)

    def date(self) -> bytes:
        return self._listener.date()

    def replied(self, head: bytes, body: bytes) -> None:
        """The answer to what was taken; `head` with the end of its last line, without the empty line."""
        self._left()
        if not self._is_gone:
            self._transport.write(b"%b%b%b" % (head, LAST if self._is_last else b"\r\n", body))
        if self._drained is None:
            self._next()
        else:
            self._task = task = self._loop.create_task(self._drained_next())
            self._listener.tasks.add(task)

    def handed_over(self, raw: bytes, handler: Handler) -> None:
        """What was taken goes on the general way; `raw` is its head, without the empty line."""
        self._head = head = read_request(raw)
        self._begin(head, handler)
        self._left()

    def forsaken(self) -> None:
        """Whatever becomes of what was taken, nobody here waits for it."""
        if self._forsake is not None:
            self._forsake()
        self._left()

    def _left(self) -> None:
        self._forsake = None
        self._listener.left(self)

    async def _drained_next(self) -> None:
        await self._drain()
        self._listener.tasks.discard(cast("asyncio.Task[None]", self._task))
        self._next()

    # what the handler asks

    async def receive(self, algorithms: Collection[str], most: int) -> Body:
        assert self._head is not None, "a head came before a body"
        if self._ended and not self._early:
            return EMPTY
        spool = self._spool = self._listener.spooling.spool(algorithms, most=most)
        if (self._head.length or 0) > (most or spool.most):
            raise BadHttp("body-size", f"at most {spool.most} bytes", 413)
        early, self._early = self._early, []
        for piece in early:
            spool.write(piece)
        if not self._ended:
            if self._error is not None:
                raise self._error
            if not early and "expect" in self._head.named:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._waiting = self._loop.create_future()
            self.deadline = self._loop.time() + ROAD_BODY_IDLE_S
            self._resume()
            try:
                await self._waiting
            finally:
                self._waiting = None
                self.deadline = _NEVER
        return spool

    # ends of all kinds

    def late(self) -> None:
        """The sweep found this connection past its deadline."""
        if self._begun:
            self._give_up_quick()  # the handler's way has bounds of its own, and says which was passed
        elif self._waiting is not None:
            self._fail(BadHttp("body-time", f"a body pauses for at most {ROAD_BODY_IDLE_S:.0f} s", 408))
            self.deadline = _NEVER
        elif self._head is None and self._lingering < 0 and not self._reader.is_between:
            self._broken(BadHttp("head-time", f"a head comes within {ROAD_HEAD_S:.0f} s", 408))
        else:
            self.abort()

    def finish(self) -> None:
        """The listener stops: end after the request that runs."""
        self._give_up_quick()
        self._is_last = True
        if self._head is None:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    async def _serve(self, head: RequestHead, handler: Handler) -> None:
        own = self._task
        assert own is not None, "this runs in it"
        incoming = Incoming(self, head)
        try:
            try:
                answer = await handler(incoming)
            except BadHttp as error:
                answer = refusal(error)
                self._is_last = True
            except Exception as error:  # the door of this gateway: recorded, and answered as our own fault
                self._listener.report("road: a request failed", error)
                answer = Answer(500, phrase(500), (), EMPTY)
            try:
                await self._send(head, answer)
            finally:
                answer.body.close()
        except Exception as error:  # as above: a body that cannot be read back
            self._listener.report("road: an answer failed", error)
            self.abort()
        finally:
            if self._spool is not None:
                self._spool.close()
            self._listener.tasks.discard(own)
        self._next()

    async def _send(self, head: RequestHead, answer: Answer) -> None:
        if self._is_gone:
            return
        if not self._ended or not head.keeps_alive:
            self._is_last = True
        bodiless = head.verb == "HEAD" or answer.status in (204, 304)
        size = answer.body.size
        fields = list(answer.fields)
        if not bodiless:
            fields.append((b"content-length", b"%d" % size))
        if not has_date(names_of(answer.fields)):
            fields.append((b"date", self._listener.date()))
        if self._is_last:
            fields.append((b"connection", b"close"))
        written = write_response(answer.status, answer.reason, fields)
        if bodiless or not size:
            self._transport.write(written)
        elif size <= ROAD_PIECE_BYTES:
            self._transport.write(written + answer.body.whole(size))
        else:
            self._transport.write(written)
            async for piece in answer.body.chunks():
                if self._transport.is_closing():
                    return
                self._transport.write(piece)
                await self._drain()
        await self._drain()  # else who asks and asks and does not read has all answers held here

    async def _drain(self) -> None:
        if self._drained is not None:
            self.deadline = self._loop.time() + ROAD_BODY_IDLE_S
            await self._drained
            self.deadline = _NEVER

    def _next(self) -> None:
        """The answer is written: close, linger, or go on with the next request."""
        self._head, self._spool, self._early = None, None, []
        if self._is_gone:
            return
        if not self._ended:
            self._start_lingering()
            return
        if self._is_last:
            self._transport.close()
            self.deadline = self._loop.time() + ROAD_BODY_IDLE_S
            return
        self._ended = False
        self.deadline = self._loop.time() + (ROAD_HEAD_S if self._reader.has_more else ROAD_IDLE_S)
        try:
            self._reader.next()
        except BadHttp as error:
            self._broken(error)
            return
        if not self._reader.has_more:
            self._resume()

    def _broken(self, error: BadHttp) -> None:
        """The bytes are no HTTP: refuse them, unless a request is being served; then that one learns it."""
        if self._head is not None:
            self._is_last = True
            self._lingering = 0
            self._fail(error)
            return
        if not self._transport.is_closing():
            answer = refusal(error)
            fields = (*answer.fields, (b"content-length", b"%d" % answer.body.size), (b"connection", b"close"))
            self._transport.write(write_response(answer.status, answer.reason, fields) + answer.body.whole(4096))
            self._start_lingering()

    def _start_lingering(self) -> None:
        """Read what still comes for a moment: closing at once could take the answer away from its reader."""
        if self._transport.is_closing():
            return
        self._lingering = 0
        self.deadline = self._loop.time() + ROAD_LINGER_S
        if self._transport.can_write_eof():
            with suppress(OSError):  # the other side reset it meanwhile
                self._transport.write_eof()
        self._resume()

    def _linger(self, size: int) -> None:
        self._lingering += size
        if self._lingering > ROAD_LINGER_BYTES:
            self.abort()

    def _abandon(self) -> bool:
        """Who asked is gone, and waits for nothing that has begun."""
        if not self.may_end or self._task is None:
            return False
        self._is_last = True
        self._task.cancel()
        return True

    def _fail(self, error: BadHttp) -> None:
        self._error = error
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def _pause(self) -> None:
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
