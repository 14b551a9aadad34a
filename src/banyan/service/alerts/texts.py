"""The exact text of each channel, as it goes out; the preview and the dispatch read it here, so they cannot differ.

Marks stand first: 【演習】 before anything of an exercise, 【更新】 or 【解除】 for what replaces or ends another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from banyan.service.alerts.model import Kind, Language, Status, Version
from banyan.wire.cellbroadcast import gsm7

TAIPEI: Final = timezone(timedelta(hours=8), "Asia/Taipei")
STATUS_MARK: Final[Mapping[Status, Mapping[Language, str]]] = {
    "Actual": {"zh-Hant": "", "en": ""},
    "Exercise": {"zh-Hant": "【演習】", "en": "[EXERCISE] "},
    "Test": {"zh-Hant": "【測試】", "en": "[TEST] "},
    "Draft": {"zh-Hant": "【草稿】", "en": "[DRAFT] "},
}
KIND_MARK: Final[Mapping[Kind, Mapping[Language, str]]] = {
    "Alert": {"zh-Hant": "", "en": ""},
    "Update": {"zh-Hant": "【更新】", "en": "[UPDATE] "},
    "Cancel": {"zh-Hant": "【解除】", "en": "[CANCELLED] "},
}
SMS_UCS2: Final = (70, 67)
SMS_GSM: Final = (160, 153)
"""Units of one SMS part, alone and of several (3GPP TS 23.040: six octets of header): of UTF-16 as Chinese needs it, of
septets where all of the text is in the GSM alphabet."""
SMS_PARTS: Final = 2
"""More is long-winded, costs each phone more, and comes in any order; the officer sees what is too long."""


class Sent(msgspec.Struct, frozen=True):
    """One text and what it costs. `units` are as networks count, `one_holds` how many one part has room for."""

    lang: Language
    text: str
    units: int
    one_holds: int
    parts: int
    is_too_long: bool


def mark(version: Version, lang: Language) -> str:
    """What stands before everything that is said of this message."""
    return STATUS_MARK[version.content.status][lang] + KIND_MARK[version.kind][lang]


def headline(version: Version, lang: Language) -> str:
    """With its marks."""
    return mark(version, lang) + version.content.words[lang].headline


def spoken(version: Version, lang: Language, agency: Mapping[str, str]) -> str:
    """For a phone that may show little: headline, what to do, who says so."""
    words = version.content.words[lang]
    stop, opening, close = ("。", "（", "）") if lang == "zh-Hant" else (". ", "(", ")")
    said = [_ended(headline(version, lang), stop), _ended(words.instruction, stop) if words.instruction else ""]
    return "".join(said).strip() + ("" if lang == "zh-Hant" else " ") + opening + agency[lang] + close


def sms(version: Version, lang: Language, agency: Mapping[str, str]) -> Sent:
    """What an SMS says: the same as a cell broadcast, and whom to call."""
    contact = version.content.contact
    text = spoken(version, lang, agency) + (f" {contact}" if contact else "")
    septets = gsm7.septets(text)
    units = utf16(text) if septets is None else sum(map(len, septets))
    one, more = SMS_UCS2 if septets is None else SMS_GSM
    parts = 1 if units <= one else -(-units // more)
    return Sent(lang, text, units, one, parts, parts > SMS_PARTS)


def chat(version: Version, lang: Language, agency: Mapping[str, str], address: str) -> str:
    """What LINE and the chat say; `address` leads to the alert's page."""
    words = version.content.words[lang]
    until = moment(version.content.expires)
    end = {"zh-Hant": f"有效至 {until}", "en": f"Until {until}"}[lang]
    lines = [headline(version, lang), words.description, words.instruction, end, agency[lang], address]
    return "\n".join(line for line in lines if line)


def moment(at: float) -> str:
    """As people here read a time."""
    return datetime.fromtimestamp(at, TAIPEI).strftime("%Y-%m-%d %H:%M")


def utf16(text: str) -> int:
    """Units of UTF-16: a character beyond the basic plane (an emoji, 𠮷) counts two."""
    return len(text.encode("utf-16-be")) // 2


def _ended(text: str, stop: str) -> str:
    """With one full stop."""
    return text if text.endswith(("。", "！", "!", ".", "？", "?")) else text + stop
