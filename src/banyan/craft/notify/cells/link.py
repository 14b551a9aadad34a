"""One TCP connection that speaks CBSP: frames in and out, answers to requests, keep-alive. Either side may use it.

Source: TS 48.049 s5.2 (TCP), s7.7a (keep alive), s7.10 (error indication). A peer that does not answer a keep-alive, or
that sends too much that cannot be read, is hung up on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from banyan.limits_alerts import CBC_WRONG
from banyan.wire import cbsp
from banyan.wire.cbsp import Cbsp, Kind
from banyan.wire.cellbroadcast import Malformed

_ANSWERS = {
    Kind.WRITE_REPLACE_COMPLETE: Kind.WRITE_REPLACE,
    Kind.WRITE_REPLACE_FAILURE: Kind.WRITE_REPLACE,
    Kind.KILL_COMPLETE: Kind.KILL,
    Kind.KILL_FAILURE: Kind.KILL,
    Kind.STATUS_QUERY_COMPLETE: Kind.STATUS_QUERY,
    Kind.STATUS_QUERY_FAILURE: Kind.STATUS_QUERY,
    Kind.RESET_COMPLETE: Kind.RESET,
    Kind.RESET_FAILURE: Kind.RESET,
    Kind.LOAD_QUERY_COMPLETE: Kind.LOAD_QUERY,
    Kind.LOAD_QUERY_FAILURE: Kind.LOAD_QUERY,
    Kind.KEEP_ALIVE_COMPLETE: Kind.KEEP_ALIVE,
}
_Slot = tuple[Kind, int, int]


class Gone(ConnectionError):
    """The connection ended, or no answer came in time."""


class Link:
    """`told` is called with every message that answers no request of ours."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        told: Callable[[Cbsp], None],
        *,
        answer_s: float,
        answers_keep_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._told = told
        self._answer_s = answer_s
        self._is_awake = answers_keep_alive
        self._waiting: dict[_Slot, asyncio.Future[Cbsp]] = {}
        self._is_closed = False

    def send(self, message: Cbsp) -> None:
        """Write one message. Raises Gone."""
        if self._is_closed or self._writer.is_closing():
            raise Gone("the connection is closed")
        self._writer.write(cbsp.encode(message))

    async def ask(self, request: Cbsp) -> Cbsp:
        """Send a request; its answer, or the ERROR INDICATION that names it. Raises Gone."""
        slot = _slot(request)
        if slot in self._waiting:
            raise Gone("the same is asked already")
        answer: asyncio.Future[Cbsp] = asyncio.get_running_loop().create_future()
        self._waiting[slot] = answer
        try:
            self.send(request)
            async with asyncio.timeout(self._answer_s):
                await self._writer.drain()
                return await answer
        except TimeoutError as error:
            raise Gone(f"no answer to {request.kind.name} within {self._answer_s} s") from error
        finally:
            del self._waiting[slot]

    async def keep_alive(self, every_s: float) -> None:
        """Ask again and again whether the peer is there; returns when it is not, and hangs up."""
        try:
            while True:
                await asyncio.sleep(every_s)
                await self.ask(Cbsp(kind=Kind.KEEP_ALIVE, keep_alive_s=min(3600, max(1, round(every_s)))))
        except (Gone, OSError):
            self.close()

    async def read(self) -> None:
        """Read until the peer hangs up or talks nonsense. Owns the connection's end: everything asked fails with it."""
        frames = cbsp.Frames()
        wrong = 0
        try:
            while octets := await self._reader.read(65_536):
                for frame in frames.feed(octets):
                    wrong += not self._take(frame)
                if wrong > CBC_WRONG:
                    return
        except (Malformed, OSError):
            return
        finally:
            self.close()

    def close(self) -> None:
        self._is_closed = True
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Gone("the connection ended"))

    async def closed(self) -> None:
        """Wait until the socket is."""
        with suppress(OSError):
            await self._writer.wait_closed()

    def _take(self, frame: bytes) -> bool:
        try:
            message = cbsp.decode(frame)
        except cbsp.Wrong as error:
            with suppress(Gone):
                self.send(Cbsp(kind=Kind.ERROR_INDICATION, cause=error.cause))
            return False
        slot = self._answers(message)
        if slot is not None:
            if not self._waiting[slot].done():
                self._waiting[slot].set_result(message)
        elif message.kind is Kind.KEEP_ALIVE:
            if not self._is_awake():
                return True
            with suppress(Gone):
                self.send(Cbsp(kind=Kind.KEEP_ALIVE_COMPLETE))
        else:
            self._told(message)
        return True

    def _answers(self, message: Cbsp) -> _Slot | None:
        if message.kind is Kind.ERROR_INDICATION:
            ids = (message.message_id, message.new_serial, message.old_serial)
            return next((slot for slot in self._waiting if slot[1] == ids[0] and slot[2] in ids[1:]), None)
        kind = _ANSWERS.get(message.kind)
        if kind is None:
            return None
        slot = _slot(message, kind)
        return slot if slot in self._waiting else None


def _slot(message: Cbsp, kind: Kind | None = None) -> _Slot:
    kind = kind or message.kind
    serial = message.new_serial if kind is Kind.WRITE_REPLACE else message.old_serial
    return kind, message.message_id or 0, serial or 0
