"""An SMSC of our own, for the demonstration and for tests: it takes messages, sends receipts, and can misbehave.

What its phones get is in `inbox`. `Faults` says what goes wrong; all of it has been seen of real SMSCs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import msgspec

from banyan.craft.notify.phones import Phones
from banyan.wire.smpp.codes import BINDS, ESM_RECEIPT, RECEIPT_WANTED, Command, MessageState, Status, Tag, command_name
from banyan.wire.smpp.fields import Malformed, tlv
from banyan.wire.smpp.pdu import (
    HEAD,
    Address,
    Bind,
    BindResp,
    Body,
    Cancel,
    Pdu,
    Queried,
    Query,
    Short,
    Taken,
    answer_to,
    decode,
    encode,
    nack,
)
from banyan.wire.smpp.receipt import receipt_text
from banyan.wire.smpp.stream import Frames

KEPT: Final = 100_000
"""Messages whose state can be asked for."""


class Faults(msgspec.Struct):
    """What goes wrong, each by a count of submit_sm so that a test can tell; 0 is never. May be changed at any time."""

    throttle_every: int = 0
    """Each n-th is answered ESME_RTHROTTLED."""
    full_every: int = 0
    """Each n-th is answered ESME_RMSGQFUL."""
    drop_after: int = 0
    """The connection is dropped after so many, once; the last is taken and not answered."""
    is_mute: bool = False
    """Messages are taken, answers and receipts are not sent."""
    hold: int = 0
    """Answers are kept back until so many are, then sent in reverse order."""
    undeliverable: frozenset[str] = frozenset()
    """Numbers whose receipt says UNDELIV."""
    has_receipts: bool = True
    receipts_first: bool = False
    """A receipt comes before the answer with its id."""
    has_decimal_receipts: bool = False
    """Answers have hexadecimal ids, receipts the same in decimal."""
    has_marks: bool = True
    """Receipts give the user_message_reference back."""
    closes_on_unbind: bool = False
    """It closes without an answer, as smpp34's server does."""
    refuses: int = 0
    """The status of every answer, when not 0."""


class Simulator:
    """Listen with `start`; `accounts` are system_id -> password. `clock` gives epoch seconds."""

    def __init__(self, accounts: dict[str, str], *, clock: Callable[[], float], phones: Phones | None = None) -> None:
        self.accounts, self.clock = accounts, clock
        self.phones = phones or Phones()
        self.faults = Faults()
        self.submits = 0
        self.states: dict[str, MessageState] = {}
        self.links: list[_Link] = []
        self.kept_receipts: deque[Short] = deque(maxlen=KEPT)
        """Receipts that could not be delivered, or that nobody answered before their connection was lost, for the next
        bind that takes them."""
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None, "it listens"
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Link(self), host, port)
        return self.port

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
            for link in list(self.links):
                link.drop()
            await self._server.wait_closed()

    def say(self, number: str, sender: str, text: str) -> bool:
        """A phone writes back; False when nobody is bound to hear it."""
        short = Short(source=Address(number[1:], 1, 1), destination=Address(sender), text=text.encode("utf-16-be"))
        link = next((one for one in self.links if one.hears), None)
        if link is not None:
            link.deliver(msgspec.structs.replace(short, data_coding=8))
        return link is not None

    def release_receipts(self) -> int:
        """Send the receipts that were kept; how many."""
        link = next((one for one in self.links if one.hears), None)
        count = 0
        while link is not None and self.kept_receipts:
            link.deliver(self.kept_receipts.popleft())
            count += 1
        return count


class _Link(asyncio.Protocol):
    """One connection of an ESME."""

    def __init__(self, smsc: Simulator) -> None:
        self._smsc, self._frames = smsc, Frames()
        self._transport: asyncio.Transport | None = None
        self._bound: Command | None = None
        self._sequence = 0
        self._held: list[bytes] = []
        self._unanswered: dict[int, Short] = {}
        """Receipts on their way: an SMSC has delivered one when deliver_sm_resp says so (s4.6.2)."""

    @property
    def hears(self) -> bool:
        return self._bound in (Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being its child
        self._smsc.links.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._smsc.links:
            self._smsc.links.remove(self)
        self._smsc.kept_receipts.extend(self._unanswered.values())
        self._unanswered.clear()

    def data_received(self, data: bytes) -> None:
        try:
            for octets in self._frames.feed(data):
                self._take(octets)
        except Malformed as error:
            self._write(nack(0, error.command_status))
            self.drop()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def deliver(self, short: Short) -> None:
        self._sequence += 1
        if short.esm_class == ESM_RECEIPT:
            self._unanswered[self._sequence] = short
        self._write(Pdu(Command.DELIVER_SM, self._sequence, short))

    def _take(self, octets: bytes) -> None:
        try:
            pdu = decode(octets)
        except Malformed as error:
            self._write(nack(HEAD.unpack_from(octets)[3], error.command_status))
            return
        match pdu.body:
            case _ if pdu.is_response:
                self._unanswered.pop(pdu.sequence, None)
                return
            case Bind():
                self._bind(pdu, pdu.body)
            case _ if pdu.command == Command.ENQUIRE_LINK:
                self._write(answer_to(pdu))
            case _ if self._bound is None:
                self._write(answer_to(pdu, _emptied(pdu), Status.RINVBNDSTS))
            case Short() if pdu.command == Command.SUBMIT_SM and self._bound != Command.BIND_RECEIVER:
                self._submit(pdu, pdu.body)
            case Query():
                state = self._smsc.states.get(pdu.body.message_id)
                body = Queried(pdu.body.message_id, "", state or 0, 0)
                self._write(answer_to(pdu, body, Status.ROK if state else Status.RQUERYFAIL))
            case Cancel():
                self._write(answer_to(pdu, None, Status.RCANCELFAIL))
            case _ if pdu.command == Command.UNBIND:
                if not self._smsc.faults.closes_on_unbind:
                    self._write(answer_to(pdu))
                if self._transport is not None:
                    self._transport.close()
            case _:
                self._write(nack(pdu.sequence, Status.RINVCMDID))

    def _bind(self, pdu: Pdu, body: Bind) -> None:
        expected = self._smsc.accounts.get(body.system_id)
        status = Status.ROK
        if self._bound is not None:
            status = Status.RALYBND
        elif expected is None:
            status = Status.RINVSYSID
        elif expected != body.password:
            status = Status.RINVPASWD
        else:
            self._bound = next(one for one in BINDS if one == pdu.command)
        self._write(answer_to(pdu, BindResp("banyan-sim") if status == Status.ROK else BindResp(), status))
        if self.hears and self._smsc.faults.has_receipts:
            self._smsc.release_receipts()

    def _submit(self, pdu: Pdu, short: Short) -> None:
        smsc, faults = self._smsc, self._smsc.faults
        smsc.submits += 1
        for every, status in ((faults.throttle_every, Status.RTHROTTLED), (faults.full_every, Status.RMSGQFUL)):
            if every and smsc.submits % every == 0:
                self._write(answer_to(pdu, Taken(), status))
                return
        if faults.refuses:
            self._write(answer_to(pdu, Taken(), faults.refuses))
            return
        id = f"{smsc.submits:X}"
        number = f"+{short.destination.digits}"
        smsc.phones.take(number, short, smsc.clock())
        state = MessageState.UNDELIVERABLE if number in faults.undeliverable else MessageState.DELIVERED
        smsc.states[id] = state
        if len(smsc.states) > KEPT:
            del smsc.states[next(iter(smsc.states))]
        if faults.drop_after and smsc.submits >= faults.drop_after:
            faults.drop_after = 0
            self.drop()
            return
        if faults.is_mute:
            return
        receipt = self._receipt(id, short, state)
        if faults.receipts_first:
            self._send_receipt(receipt)
        self._answer(encode(answer_to(pdu, Taken(id))))
        if not faults.receipts_first:
            self._send_receipt(receipt)

    def _answer(self, octets: bytes) -> None:
        if not self._smsc.faults.hold:
            self._send(octets)
            return
        self._held.append(octets)
        if len(self._held) >= self._smsc.faults.hold:
            self._send(b"".join(reversed(self._held)))
            self._held.clear()

    def _receipt(self, id: str, short: Short, state: MessageState) -> Short | None:
        if not short.registered_delivery & RECEIPT_WANTED:
            return None
        shown = str(int(id, 16)) if self._smsc.faults.has_decimal_receipts else id
        mark = tlv(short.tlvs, Tag.USER_MESSAGE_REFERENCE)
        has_mark = mark is not None and self._smsc.faults.has_marks
        return Short(
            source=short.destination,
            destination=short.source,
            esm_class=ESM_RECEIPT,
            text=receipt_text(shown, state, submitted="2611270102", done="2611270103"),
            tlvs=((int(Tag.USER_MESSAGE_REFERENCE), mark),) if mark is not None and has_mark else (),
        )

    def _send_receipt(self, receipt: Short | None) -> None:
        if receipt is None:
            return
        if self._smsc.faults.has_receipts and self.hears:
            self.deliver(receipt)
        else:
            self._smsc.kept_receipts.append(receipt)

    def _write(self, pdu: Pdu) -> None:
        self._send(encode(pdu))

    def _send(self, octets: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def __repr__(self) -> str:
        return f"_Link({command_name(self._bound) if self._bound else 'not bound'})"


def _emptied(pdu: Pdu) -> Body | None:
    return Taken() if pdu.command == Command.SUBMIT_SM else None
