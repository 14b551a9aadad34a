"""What comes from the SMSC unasked: receipts, and what people write back. Answered when it is durable, not before."""

from __future__ import annotations

from typing import Final

from banyan.craft.notify.dispatch import Dispatch
from banyan.craft.notify.model import NUMBER, Lane
from banyan.craft.notify.session import Session
from banyan.craft.notify.steps import Heard
from banyan.limits_alerts import NOTIFY_CHANGES, NOTIFY_REPLY_CHARACTERS
from banyan.wire.smpp.codes import ESM_UDHI, Status, Tag
from banyan.wire.smpp.fields import Malformed, tlv
from banyan.wire.smpp.pdu import Pdu, Short, Taken
from banyan.wire.smpp.receipt import ids_like, receipt_of
from banyan.wire.smpp.text import split_header, text_of

OPT_OUT: Final = frozenset({"stop", "退訂", "取消訂閱", "停止"})
_Asked = tuple[Session, Pdu] | None
Known = tuple[_Asked, Heard]


class Hearing:
    """The deliver_sm of one bind that wait to be written down; more than NOTIFY_CHANGES are told to come again."""

    def __init__(self, dispatch: Dispatch, smsc: str, country: str) -> None:
        self._dispatch, self._smsc, self._country = dispatch, smsc, country
        self._waiting: list[tuple[Session, Pdu]] = []
        self._known: list[Known] = []
        self._said: list[tuple[Session, Pdu, Short]] = []

    def take(self, session: Session, pdu: Pdu) -> None:
        """A deliver_sm came."""
        if len(self._waiting) + len(self._said) + len(self._known) >= NOTIFY_CHANGES:
            session.answer(pdu, Taken(), Status.RMSGQFUL)
            return
        self._waiting.append((session, pdu))

    def add(self, heard: Heard) -> None:
        """A query told what a receipt would have."""
        self._known.append((None, heard))

    async def receipts(self) -> list[Known]:
        """What is a receipt of all that came, to be written down; the rest are replies."""
        waiting, self._waiting = self._waiting, []
        found, self._known = self._known, []
        for session, pdu in waiting:
            assert isinstance(pdu.body, Short), "a deliver_sm"
            receipt = receipt_of(pdu.body)
            if receipt is None:
                self._said.append((session, pdu, pdu.body))
                continue
            number = self._number(pdu.body.source.digits)
            mine = await self._dispatch.of_reference(receipt.reference, number)
            ids = tuple(ids_like(receipt.message_id))
            found.append(((session, pdu), Heard(self._smsc, ids, receipt.state, mine)))
        return found

    def put_back(self, heard: list[Known]) -> None:
        """They could not be written down."""
        self._known = heard + self._known

    def answer(self, heard: list[Known]) -> None:
        """They are durable: the SMSC may forget them."""
        for asked, _ in heard:
            if asked is not None:
                asked[0].answer(asked[1], Taken())

    async def replies(self) -> None:
        """Keep what people wrote, and heed who wants no more."""
        said, self._said = self._said, []
        for session, pdu, short in said:
            number, text = self._number(short.source.digits), _text(short)
            if NUMBER.fullmatch(number):
                outbox = self._dispatch.outbox
                if text.strip().casefold() in OPT_OUT:
                    await outbox.quieten(number, (Lane.REMINDER, Lane.BULK))
                sender = short.destination.digits
                for name in (sender, f"+{sender}"):
                    if await outbox.replied(name, number, text):
                        break
            session.answer(pdu, Taken())

    def _number(self, digits: str) -> str:
        plain = digits.removeprefix("+")
        return f"+{self._country}{plain[1:]}" if plain.startswith("0") else f"+{plain}"


def _text(short: Short) -> str:
    octets = short.text or tlv(short.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    if short.esm_class & ESM_UDHI:
        try:
            octets = split_header(octets)[1]
        except Malformed:
            return ""
    return text_of(octets, short.data_coding).replace("\0", "")[:NOTIFY_REPLY_CHARACTERS]
