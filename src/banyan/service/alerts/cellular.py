"""A message as cell broadcasts: one a language, with the class, serial number and pages that phones go by. Pure.

An exercise or a test takes the identifiers that no phone of the public opens as a warning (4380, 4381), whatever class
it is of: even on a wrong network it rings nowhere. An update has the next update number of the same message code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from banyan.craft.notify.cells.model import Broadcast, Category
from banyan.service.alerts import texts
from banyan.service.alerts.model import Content, Language, Level, Status
from banyan.service.alerts.outlets import Packet
from banyan.wire.cellbroadcast.identifiers import Class, choose
from banyan.wire.cellbroadcast.pages import PAGES, Encoded, Malformed, TooLong, encode

CLASSES: Final[dict[Level, Class]] = {
    "national": Class.PRESIDENTIAL, "emergency": Class.EMERGENCY, "notice": Class.NOTICE, "monthly": Class.TEST
}  # fmt: skip
PERIOD: Final = 16
"""Units of 1.883 s between two broadcasts: 30 s, so that who comes into the cell has it soon."""
UNIT_S: Final = 1.883
ONE_PAGE_SCOPE: Final = 0b01
"""Geographical scope PLMN: a phone that has it does not show it again in the next cell (TS 23.041 s9.4.1.2.1)."""


class Screen(msgspec.Struct, frozen=True):
    """A broadcast as its author sees it beforehand. `klass` is the class that the phone writes above it."""

    lang: Language
    text: str
    message_id: int
    klass: str
    characters: int
    pages: int
    of_pages: int
    alphabet: Literal["GSM-7", "UCS-2"]
    is_too_long: bool


def message_id(content: Content, lang: Language) -> int:
    """TS 23.041 identifier. Raises Malformed for an emergency that is none by its three words."""
    return choose(
        class_of(content.level, content.status), severity=content.severity, urgency=content.urgency,
        certainty=content.certainty, second_language=lang != "zh-Hant",
    )  # fmt: skip


def class_of(level: Level, status: Status) -> Class:
    if status == "Exercise":
        return Class.EXERCISE
    return CLASSES[level] if status == "Actual" else Class.TEST


def is_emergency(content: Content) -> bool:
    """Whether the three words of CAP are those of an emergency."""
    try:
        choose(Class.EMERGENCY, severity=content.severity, urgency=content.urgency, certainty=content.certainty)
    except Malformed:
        return False
    return True


def serial(code: int, number: int) -> int:
    """16 bits: scope, message code, update number (0 to 15)."""
    return (ONE_PAGE_SCOPE << 14) | ((code & 0x3FF) << 4) | ((number - 1) & 0xF)


def encoded(text: str, lang: Language) -> Encoded:
    """Raises TooLong."""
    return encode(text, "" if lang == "zh-Hant" else "en")


def screen(content: Content, text: str, lang: Language) -> Screen:
    """What is too long is said so, not cut."""
    try:
        made: Encoded | None = encoded(text, lang)
    except TooLong:
        made = None
    alphabet: Literal["GSM-7", "UCS-2"] = "GSM-7" if made is not None and made.dcs in (0x01, 0x0F, 0x10) else "UCS-2"
    return Screen(
        lang=lang,
        text=text,
        message_id=message_id(content, lang),
        klass=class_of(content.level, content.status).value,
        characters=made.characters if made else texts.utf16(text),
        pages=len(made.pages) if made else 0,
        of_pages=PAGES,
        alphabet=alphabet,
        is_too_long=made is None,
    )


def broadcasts(packet: Packet, cells: Sequence[str] | None) -> tuple[Broadcast, ...]:
    """Those to be put on the air, in place of the last ones of the chain when they are of the same identifier."""
    made = []
    for lang, text in packet.spoken.items():
        said = encoded(text, lang)
        before = earlier(packet, lang)
        own = message_id(packet.content, lang)
        replaces = before[1] if before is not None and before[0] == own else None
        made.append(
            Broadcast(
                serial=serial(packet.code, packet.number), message_id=own, dcs=said.dcs, pages=said.pages,
                cells=None if cells is None else tuple(cells), period=PERIOD, count=_count(packet),
                category=Category.HIGH if packet.level == "national" else Category.NORMAL, replaces=replaces,
                reference=packet.key,
            )
        )  # fmt: skip
    return tuple(made)


def earlier(packet: Packet, lang: Language) -> tuple[int, int] | None:
    """Identifier and serial number of the last message of the chain in a language; None when it is the first."""
    for number, content in zip(reversed(packet.before), reversed(packet.earlier), strict=True):
        if lang in content.words:
            return message_id(content, lang), serial(packet.code, number)
    return None


def _count(packet: Packet) -> int:
    """So often until it expires; it then ends by itself, whatever becomes of us."""
    lasts = max(0.0, packet.content.expires - packet.sent)
    return max(1, min(65_535, round(lasts / (PERIOD * UNIT_S))))
