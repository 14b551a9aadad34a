"""osmo-cbc's door for those who write broadcasts (ECBE), word for word: its JSON to a Broadcast and back. Pure.

Source: osmo-cbc's manual, chapter "ECBE REST interface": POST /api/ecbe/v1/message, DELETE /api/ecbe/v1/message/:id.
Its scope is all cells of the network; it has no areas.
"""

from __future__ import annotations

import binascii
from typing import Annotated, Final, Literal

import msgspec

from banyan.craft.notify.cells.model import Broadcast, Category
from banyan.errors import UNREADABLE, Denied, Invalid
from banyan.limits_alerts import CBC_REFERENCE
from banyan.wire import cellbroadcast as cb
from banyan.wire.cellbroadcast import Encoded, Malformed, Page
from banyan.wire.cellbroadcast.identifiers import ETWS, ETWS_OTHER, Popup, warning_type
from banyan.wire.cellbroadcast.serial import Scope, Serial, pack

PATH: Final = "/api/ecbe/v1/message"

Word = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
_SCOPES: Final = {
    "cell_wide_immediate": Scope.CELL_NOW,
    "plmn_wide": Scope.PLMN,
    "lac_sac_tac_wide": Scope.AREA,
    "cell_wide": Scope.CELL,
}
_CATEGORIES: Final = {"normal": Category.NORMAL, "high_priority": Category.HIGH, "background": Category.BACKGROUND}


class SerialDecoded(msgspec.Struct, frozen=True):
    geo_scope: Literal["cell_wide_immediate", "plmn_wide", "lac_sac_tac_wide", "cell_wide"]
    msg_code: Annotated[int, msgspec.Meta(ge=0, le=1023)]
    update_nr: Annotated[int, msgspec.Meta(ge=0, le=15)]


class SerialNumber(msgspec.Struct, frozen=True):
    """One of the two."""

    serial_nr_decoded: SerialDecoded | None = None
    serial_nr_encoded: Word | None = None


class PayloadDecoded(msgspec.Struct, frozen=True):
    data_utf8: str
    character_set: Literal["gsm", "8bit", "ucs2"] = "gsm"
    language: str = ""
    dcs_class: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None


class PayloadEncoded(msgspec.Struct, frozen=True):
    """Pages as hexadecimal digits."""

    dcs: Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
    pages: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=cb.PAGES)]


class WarningType(msgspec.Struct, frozen=True):
    """One of the two."""

    warning_type_decoded: Literal["earthquake", "tsunami", "earthquake_and_tsunami", "test", "other"] | None = None
    warning_type_encoded: Annotated[int, msgspec.Meta(ge=0, le=127)] | None = None


class PayloadEtws(msgspec.Struct, frozen=True):
    warning_type: WarningType
    emergency_user_alert: bool = False
    popup_on_display: bool = False


class Payload(msgspec.Struct, frozen=True):
    """One of the three."""

    payload_decoded: PayloadDecoded | None = None
    payload_encoded: PayloadEncoded | None = None
    payload_etws: PayloadEtws | None = None


class SmscbMessage(msgspec.Struct, frozen=True):
    message_id: Word
    serial_nr: SerialNumber
    payload: Payload


class ScopeOf(msgspec.Struct, frozen=True):
    """All cells of the network; nothing else is offered there."""

    scope_plmn: dict[str, str]


class CbcMessage(msgspec.Struct, frozen=True):
    smscb_message: SmscbMessage
    scope: ScopeOf
    cbe_name: str = ""
    category: Literal["normal", "high_priority", "background"] = "normal"
    repetition_period: Annotated[int, msgspec.Meta(ge=1, le=4095)] = 1
    num_of_bcast: Word = 0
    warning_period_sec: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 0


def parse(body: bytes, app: str, *, may: bool = False) -> Broadcast:
    """The broadcast that `app` asks for. Raises Invalid, and Denied for a message that would be taken for a warning.

    `may`: an order in force lets this app warn by itself; else only tests, exercises and operators' messages pass.
    """
    try:
        asked = msgspec.json.decode(body, type=CbcMessage)
    except UNREADABLE as error:
        raise Invalid(f"The body is no cbc_message: {error}", status=400) from error
    message = asked.smscb_message
    if not may and cb.classify(message.message_id) not in cb.HARMLESS:
        raise Denied(
            f"Message identifier {message.message_id} is taken for a warning by phones.",
            remedy="Two officers release warnings on the alerts desk; here only 4380-4382, 4393-4395 and 4355 pass.",
        )
    broadcast = Broadcast(
        serial=_serial(message.serial_nr),
        message_id=message.message_id,
        period=asked.repetition_period,
        count=asked.num_of_bcast,
        category=_CATEGORIES[asked.category],
        reference=reference(app, asked.cbe_name)[:CBC_REFERENCE],
    )
    try:
        return _with_payload(broadcast, message, asked.warning_period_sec)
    except Malformed as error:
        raise Invalid.at("smscb_message.payload", str(error)) from error


def reference(app: str, cbe_name: str = "") -> str:
    """How its broadcasts are known again: an app takes only its own off the air."""
    return f"ecbe:{app}:{cbe_name}"


def is_of(broadcast: Broadcast, app: str) -> bool:
    return broadcast.reference.startswith(f"ecbe:{app}:")


def _serial(number: SerialNumber) -> int:
    parts = number.serial_nr_decoded
    if (parts is None) == (number.serial_nr_encoded is None):
        raise Invalid.at("smscb_message.serial_nr", "either serial_nr_decoded or serial_nr_encoded")
    if parts is None:
        return number.serial_nr_encoded or 0
    return pack(Serial(_SCOPES[parts.geo_scope], parts.msg_code, parts.update_nr))


def _with_payload(broadcast: Broadcast, message: SmscbMessage, warning_s: int) -> Broadcast:
    payload = message.payload
    given = [one for one in (payload.payload_decoded, payload.payload_encoded, payload.payload_etws) if one is not None]
    if len(given) != 1:
        raise Invalid.at("smscb_message.payload", "one of payload_decoded, payload_encoded and payload_etws")
    if payload.payload_etws is not None:
        popup = Popup.ALERT if payload.payload_etws.emergency_user_alert else Popup.NONE
        popup |= Popup.DISPLAY if payload.payload_etws.popup_on_display else Popup.NONE
        if _etws_id(payload.payload_etws.warning_type) != message.message_id:
            raise Malformed("its warning type is not that of its message identifier (4352 to 4356)")
        kind = warning_type(message.message_id, popup)
        return msgspec.structs.replace(broadcast, warning_type=kind, warning_s=warning_s)
    if payload.payload_encoded is not None:
        pages = tuple(map(_page, payload.payload_encoded.pages))
        return msgspec.structs.replace(broadcast, dcs=payload.payload_encoded.dcs, pages=pages)
    assert payload.payload_decoded is not None, "one of the three is given"
    encoded = _encoded(payload.payload_decoded)
    return msgspec.structs.replace(broadcast, dcs=encoded.dcs, pages=encoded.pages)


def _encoded(payload: PayloadDecoded) -> Encoded:
    if payload.character_set == "8bit":
        return cb.encode_octets(payload.data_utf8.encode())
    encoded = cb.encode(payload.data_utf8, payload.language)
    if cb.coding(encoded.dcs).alphabet.value != payload.character_set:
        raise Malformed(f"the text is written in {cb.coding(encoded.dcs).alphabet}, not in {payload.character_set}")
    return encoded


def _page(text: str) -> Page:
    try:
        octets = binascii.unhexlify(text)
    except ValueError as error:
        raise Malformed("a page is not hexadecimal digits") from error
    if not 1 <= len(octets) <= cb.PAGE_OCTETS:
        raise Malformed(f"a page has {len(octets)} octets, not 1 to {cb.PAGE_OCTETS}")
    return Page(octets.ljust(cb.PAGE_OCTETS, b"\x00"), len(octets))


def _etws_id(kind: WarningType) -> int:
    if kind.warning_type_decoded is not None:
        return ETWS.get(kind.warning_type_decoded, ETWS_OTHER)
    return 0x1100 + (kind.warning_type_encoded if kind.warning_type_encoded is not None else 0xFFFF)
