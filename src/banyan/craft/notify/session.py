"""One SMPP connection as an ESME: bind, send, hear. It knows no campaigns; whoever opened it is called back.

Requests of ours are answered through `pending`; deliver_sm goes to `on_deliver`; enquire_link and unbind are answered
here; what cannot be read gets generic_nack, and a stream that cannot be cut any further ends the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import msgspec

from banyan.errors import Unavailable
from banyan.limits_alerts import NOTIFY_ANSWER_S, NOTIFY_LINK_S
from banyan.wire.smpp.codes import BINDS, RESPONSE, Command, Status, status_name
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.pdu import HEAD, HEAD_BYTES, Bind, Body, Pdu, Short, answer_to, decode, encode, nack
from banyan.wire.smpp.stream import Frames

UNBIND_S: Final = 2.0
"""A peer that closes without answering unbind is as good."""
SEQUENCES: Final = 0x7FFF_FFFF
Answered = Callable[[int, bytes], None]
"""`answered(status, octets)`: the whole response PDU; b"" when the connection ended without one."""


class Account(msgspec.Struct, frozen=True):
    """Where an SMSC is and as whom to bind. `kind`: transmitter, receiver or transceiver."""

    host: str
    port: int
    system_id: str
    password: str = ""
    system_type: str = ""
    kind: Command = Command.BIND_TRANSCEIVER

    def __repr__(self) -> str:
        return f"Account({self.host}:{self.port} as {self.system_id})"


class Session(asyncio.Protocol):
    """An open connection. `on_deliver(session, pdu)` must answer with `answer`, sooner or later; it may be called
    before `connect` returns."""

    def __init__(self, on_deliver: Callable[[Session, Pdu], None]) -> None:
        self._on_deliver = on_deliver
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._pending: dict[int, tuple[Answered, float]] = {}
        self._sequence = 0
        self._transport: asyncio.Transport | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._heard_at = self._loop.time()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being its child

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()
        self._may_write.set()
        pending, self._pending = self._pending, {}
        for answered, _ in pending.values():
            answered(-1, b"")

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            for octets in self._frames.feed(data):
                self._take(octets)
        except Malformed as error:
            self._write(nack(0, error.command_status))
            self.close()

    @property
    def in_flight(self) -> int:
        """Requests without an answer yet."""
        return len(self._pending)

    def request(self, command: Command, body: Body, answered: Answered) -> bytes:
        """The octets of a request, to be given to `write`; its answer will be called back, once."""
        octets = encode(Pdu(command, self._sequence % SEQUENCES + 1, body))
        self.number(answered, self._loop.time())
        return octets

    def number(self, answered: Answered, now: float) -> int:
        """The sequence number of a request whose octets the caller writes."""
        self._sequence = self._sequence % SEQUENCES + 1
        self._pending[self._sequence] = (answered, now)
        return self._sequence

    async def write(self, octets: bytes) -> None:
        """Give octets to the network; waits while it takes no more."""
        if self._transport is not None and not self.lost.is_set():
            self._transport.write(octets)
            await self._may_write.wait()

    def answer(self, pdu: Pdu, body: Body | None = None, status: int = Status.ROK) -> None:
        self._write(answer_to(pdu, body, status))

    def check(self) -> None:
        """Called now and then: asks a silent peer whether it is there, and ends a connection that does not answer."""
        now = self._loop.time()
        oldest = next(iter(self._pending.values()), None)
        if oldest is not None and now - oldest[1] > NOTIFY_ANSWER_S:
            self.close()
        elif oldest is None and now - self._heard_at > NOTIFY_LINK_S:
            self._write_octets(self.request(Command.ENQUIRE_LINK, Pdu(0, 0).body, lambda status, octets: None))

    def close(self) -> None:
        """End the connection; `lost` follows."""
        if self._transport is not None:
            self._transport.abort()

    async def unbind(self) -> None:
        """Say good-bye, wait a moment for the answer, and end. A peer that closes without one is as good."""
        if not self.lost.is_set():
            done = asyncio.Event()
            await self.write(self.request(Command.UNBIND, Pdu(0, 0).body, lambda status, octets: done.set()))
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), UNBIND_S)
        self.close()

    def _take(self, octets: bytes) -> None:
        _, command, status, sequence = HEAD.unpack_from(octets)
        if command & RESPONSE:
            found = self._pending.pop(sequence, None)
            if found is not None:
                refused = command == Command.GENERIC_NACK and status == Status.ROK
                found[0](Status.RSYSERR if refused else status, octets)
            return
        try:
            pdu = decode(octets)
        except Malformed as error:
            self._write(nack(sequence, error.command_status))
            return
        if command == Command.ENQUIRE_LINK:
            self.answer(pdu)
        elif command == Command.UNBIND:
            self.answer(pdu)
            if self._transport is not None:
                self._transport.close()
        elif command == Command.DELIVER_SM and isinstance(pdu.body, Short):
            self._on_deliver(self, pdu)
        else:
            self._write(nack(sequence, Status.RINVCMDID))

    def _write(self, pdu: Pdu) -> None:
        self._write_octets(encode(pdu))

    def _write_octets(self, octets: bytes) -> None:
        if self._transport is not None and not self.lost.is_set():
            self._transport.write(octets)


async def connect(account: Account, on_deliver: Callable[[Session, Pdu], None]) -> Session:
    """A bound connection. Raises Unavailable saying what the SMSC answered, and never the password."""
    assert account.kind in BINDS, "a bind"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(NOTIFY_ANSWER_S):
            _, session = await loop.create_connection(lambda: Session(on_deliver), account.host, account.port)
            bound: asyncio.Future[int] = loop.create_future()

            def answered(status: int, octets: bytes) -> None:
                if not bound.done():
                    bound.set_result(status)

            body = Bind(account.system_id, account.password, account.system_type)
            await session.write(session.request(account.kind, body, answered))
            try:
                status = await bound
            except BaseException:
                session.close()
                raise
    except (OSError, TimeoutError) as error:
        raise Unavailable("the SMSC cannot be reached", remedy="look at its address and at the network") from error
    if status != Status.ROK:
        session.close()
        said = "it closed the connection" if status < 0 else status_name(status)
        raise Unavailable(f"the SMSC refused the bind: {said}", remedy="look at system_id and the password")
    return session


def taken_id(octets: bytes) -> str:
    """The message_id of a submit_sm_resp; empty when it has none."""
    end = octets.find(0, HEAD_BYTES, HEAD_BYTES + 65)
    return octets[HEAD_BYTES:end].decode("latin-1") if end > 0 else ""
