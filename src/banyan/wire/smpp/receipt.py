"""A delivery receipt out of a deliver_sm. Parameters 0x001E and 0x0427 say it exactly; older SMSCs write it as a text
(SMPP 3.4 appendix B), each vendor a little otherwise: other case, underscores, seconds in dates, fields left out.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from banyan.wire.smpp.codes import CODING_DEFAULT, ESM_INTERMEDIATE, ESM_KIND, ESM_RECEIPT, MessageState, Tag
from banyan.wire.smpp.fields import tlv
from banyan.wire.smpp.pdu import Short
from banyan.wire.smpp.text import text_of

_FIELD: Final = re.compile(
    r"(?<![^\s,;])(id|message[ _]?id|sub|dlvrd|submit[ _]date|done[ _]date|stat|status|err|error)\s{0,2}[:=]\s{0,2}"
    r"([^\s,;:=]{1,65})",
    re.ASCII | re.IGNORECASE,
)
_USUAL: Final = re.compile(
    r"id:([^\s:]{1,65}) sub:\d{1,3} dlvrd:\d{1,3} submit date:\d{10,14} done date:\d{10,14} stat:([A-Za-z]{2,14}) "
    r"err:([0-9A-Za-z]{1,9})(?=\s|$)",
    re.ASCII | re.IGNORECASE,
)
"""Appendix B as most write it: read in one step."""
_TEXT: Final = re.compile(r"(?<![^\s,;])text\s{0,2}[:=]", re.ASCII | re.IGNORECASE)
_STATES: Final = {
    "ENROUTE": MessageState.ENROUTE,
    "DELIVRD": MessageState.DELIVERED,
    "DELIVERED": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "DELETED": MessageState.DELETED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "UNDELIVERABLE": MessageState.UNDELIVERABLE,
    "UNDELIVERED": MessageState.UNDELIVERABLE,
    "FAILED": MessageState.UNDELIVERABLE,
    "ACCEPTD": MessageState.ACCEPTED,
    "ACCEPTED": MessageState.ACCEPTED,
    "BUFFRED": MessageState.ENROUTE,
    "SUBMITD": MessageState.ENROUTE,
    "UNKNOWN": MessageState.UNKNOWN,
    "REJECTD": MessageState.REJECTED,
    "REJECTED": MessageState.REJECTED,
}


class DeliveryReceipt(msgspec.Struct, frozen=True):
    """`message_id` as the SMSC writes it in receipts: some give decimal here and hexadecimal in submit_sm_resp (see
    `ids_like`). `reference` is the sender's own user_message_reference, when the SMSC gives it back."""

    message_id: str
    state: MessageState
    error: str = ""
    reference: int | None = None


def receipt_of(short: Short) -> DeliveryReceipt | None:
    """The receipt in a deliver_sm; None when it is a person's message, or one whose state cannot be told."""
    exact, state_octet = tlv(short.tlvs, Tag.RECEIPTED_MESSAGE_ID), tlv(short.tlvs, Tag.MESSAGE_STATE)
    kind = short.esm_class & ESM_KIND
    if kind not in (ESM_RECEIPT, ESM_INTERMEDIATE) and exact is None:
        return None
    octets = short.text or tlv(short.tlvs, Tag.MESSAGE_PAYLOAD) or b""
    coding = short.data_coding
    read = fields_of(octets.decode("latin-1") if coding == CODING_DEFAULT else text_of(octets, coding))
    id = exact.rstrip(b"\0").decode("latin-1") if exact else read.get("id", "")
    state = _STATES.get(read.get("stat", "").upper())
    if state_octet and 1 <= state_octet[0] <= MessageState.REJECTED:
        state = MessageState(state_octet[0])
    if state is None or not id:
        return None
    mark = tlv(short.tlvs, Tag.USER_MESSAGE_REFERENCE)
    return DeliveryReceipt(id, state, read.get("err", ""), int.from_bytes(mark, "big") if mark else None)


def fields_of(text: str) -> dict[str, str]:
    """The fields of a receipt's text under appendix B's names. What follows `text:` is the message, not read."""
    usual = _USUAL.match(text)
    if usual is not None:
        return {"id": usual[1], "stat": usual[2], "err": usual[3]}
    end = _TEXT.search(text)
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(text[: end.start()] if end else text):
        key = re.sub(r"[ _]", " ", name.lower())
        key = {"message id": "id", "messageid": "id", "status": "stat", "error": "err"}.get(key, key)
        found.setdefault(key, value)
    return found


def ids_like(message_id: str) -> list[str]:
    """How the same id may stand in a submit_sm_resp: as it is, without leading zeros, in the other number base."""
    found = [message_id, message_id.lower(), message_id.upper(), message_id.lstrip("0")]
    if message_id.isascii() and message_id.isdigit() and len(message_id) <= 20:
        found += [f"{int(message_id):x}", f"{int(message_id):X}", f"{int(message_id):08X}", f"{int(message_id):08x}"]
    elif len(message_id) <= 16 and re.fullmatch(r"[0-9A-Fa-f]+", message_id):
        found.append(str(int(message_id, 16)))
    return list(dict.fromkeys(one for one in found if one))


def receipt_text(id: str, state: MessageState, *, submitted: str, done: str, error: str = "000") -> bytes:
    """A receipt as appendix B writes it; dates are YYMMDDhhmm."""
    word = next(name for name, found in _STATES.items() if found == state and len(name) == 7)
    dlvrd = "001" if state == MessageState.DELIVERED else "000"
    return (
        f"id:{id} sub:001 dlvrd:{dlvrd} submit date:{submitted} done date:{done} stat:{word} err:{error} text:".encode()
    )
