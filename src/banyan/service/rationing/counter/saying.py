"""What the counter says, in both languages at once: it stands on a large screen and is read out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.events.clock import EpochS
from banyan.service.rationing.counter.outlets import WORDS
from banyan.service.rationing.engine.model import Refusal

TAIPEI: Final = timezone(timedelta(hours=8))
_WEEKDAYS: Final = {"zh-Hant": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}

_ITEM: Final = "ration_counter.item."
_NAMES: Final = {
    key.removeprefix(_ITEM): {WORDS.text(key, lang).lower() for lang in LANGUAGES}
    for key in WORDS.keys()  # noqa: SIM118 - Messages is no mapping
    if key.startswith(_ITEM)
}


def says_sold(item: str, qty: int, next_from: EpochS | None) -> dict[str, str]:
    key = "sold" if next_from is None else "sold_until"
    said = {}
    for lang in LANGUAGES:
        values = {"qty": qty, "item": called(item, lang), "unit": unit(item, lang), "day": day(next_from, lang)}
        said[lang] = WORDS.text(f"ration_counter.{key}", lang, **values)
    return said


def says_refused(refusal: Refusal, item: str) -> dict[str, str]:
    """Why, and from when."""
    return {lang: _why(refusal, item, lang) for lang in LANGUAGES}


def called(item: str, lang: str) -> str:
    """An item's name; its id when the catalogue has none."""
    key = f"ration_counter.item.{item}"
    return WORDS.text(key, lang) if key in WORDS else item


def item_called(words: str) -> str:
    """The id of what people call so in either language; else the words themselves, which are an id or nothing."""
    plain = words.strip().lower()
    return next((item for item, names in _NAMES.items() if plain in names), plain)


def unit(item: str, lang: str) -> str:
    key = f"ration_counter.unit.{item}"
    return WORDS.text(key if key in WORDS else "ration_counter.unit.other", lang)


def day(at: EpochS | None, lang: str) -> str:
    """A date in Taiwan with its weekday: 4 月 9 日（四）."""
    if at is None:
        return ""
    when = datetime.fromtimestamp(at, TAIPEI)
    weekday = _WEEKDAYS[lang][when.weekday()]
    if lang == "zh-Hant":
        return f"{when.month} 月 {when.day} 日（{weekday}）"
    return f"{weekday} {when.day} {when:%B}"


def _why(refusal: Refusal, item: str, lang: str) -> str:
    code = "quota_partly" if refusal.code == "quota_reached" and refusal.left else refusal.code
    key = f"ration_counter.refused.{code}"
    known = key if key in WORDS else "ration_counter.refused.other"
    said = WORDS.text(known, lang, left=refusal.left, item=called(item, lang), unit=unit(item, lang), code=code)
    if refusal.next_from is None:
        return said
    return said + WORDS.text("ration_counter.from_day", lang, day=day(refusal.next_from, lang))
