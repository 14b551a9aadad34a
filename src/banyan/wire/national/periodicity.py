"""accrualPeriodicity 資料集更新頻率: from the words agencies write to one interval, and back to the standard's form.

The standard allows one statement: 即時, 每日, 每 10 分鐘, 不定期. Two at once (每15日或每2月) are refused. The looser
forms that stand in real catalogues (每天, 每年1次, 半年, 月) are read and written back in the standard's form.
Source: 資料集詮釋資料標準規範, field accrualPeriodicity; EU authority table `frequency`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import msgspec

Unit = Literal["minute", "hour", "day", "week", "month", "year"]
Kind = Literal["interval", "times", "continuous", "irregular", "as-needed", "never"]

_SECONDS: dict[Unit, int] = {
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400 + 43_200,
    "year": 365 * 86_400 + 21_600,
}
_ISO: dict[Unit, str] = {"minute": "PT{}M", "hour": "PT{}H", "day": "P{}D", "week": "P{}W", "month": "P{}M",
    "year": "P{}Y"}  # fmt: skip
_UNITS: dict[str, tuple[Unit, int]] = {
    "分鐘": ("minute", 1), "分": ("minute", 1), "小時": ("hour", 1), "時": ("hour", 1), "日": ("day", 1),
    "天": ("day", 1), "週": ("week", 1), "周": ("week", 1), "星期": ("week", 1), "旬": ("day", 10),
    "月": ("month", 1), "個月": ("month", 1), "季": ("month", 3), "年": ("year", 1), "學年": ("year", 1),
    "年度": ("year", 1),
}  # fmt: skip
_WORDS: dict[str, Kind] = {
    "即時": "continuous", "即時更新": "continuous", "不定期": "irregular", "不定期更新": "irregular",
    "不定時": "irregular", "不定時更新": "irregular", "異動時更新": "as-needed", "視需要": "as-needed",
    "依需求": "as-needed", "有異動時更新": "as-needed", "不更新": "never", "不需更新": "never", "停止更新": "never",
    "僅更新一次": "never", "一次性": "never",
}  # fmt: skip
_STANDARD: dict[Kind, str] = {"continuous": "即時", "irregular": "不定期", "as-needed": "異動時更新", "never": "不更新"}
_NUMERALS = {
    "一": 1,
    "二": 2,
    "兩": 2,
    "雙": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
_NUMBER = r"(\d{1,4}|[一二兩雙三四五六七八九十])"
_EVERY = re.compile(
    rf"每?隔?(?:{_NUMBER}|(半))?(分鐘|分|小時|時|日|天|週|周|星期|旬|個?月|季|學年|年度|年)(?:更新)?(?:{_NUMBER}次)?(?:更新)?"
)
_TWO = re.compile(r"[或、/,，;；及]|每.*每")

_EU: dict[tuple[Unit, int], str] = {
    ("minute", 1): "1MIN", ("minute", 5): "5MIN", ("minute", 10): "10MIN", ("minute", 15): "15MIN",
    ("minute", 30): "30MIN", ("hour", 1): "HOURLY", ("hour", 2): "BIHOURLY", ("hour", 3): "TRIHOURLY",
    ("hour", 12): "12HRS", ("day", 1): "DAILY", ("day", 10): "MONTHLY_3", ("day", 15): "MONTHLY_2",
    ("week", 1): "WEEKLY", ("week", 2): "BIWEEKLY", ("month", 1): "MONTHLY", ("month", 2): "BIMONTHLY",
    ("month", 3): "QUARTERLY", ("month", 4): "ANNUAL_3", ("month", 6): "ANNUAL_2", ("year", 1): "ANNUAL",
    ("year", 2): "BIENNIAL", ("year", 3): "TRIENNIAL", ("year", 4): "QUADRENNIAL", ("year", 5): "QUINQUENNIAL",
    ("year", 10): "DECENNIAL",
}  # fmt: skip
_EU_TIMES: dict[tuple[Unit, int], str] = {
    ("day", 2): "DAILY_2", ("week", 2): "WEEKLY_2", ("week", 3): "WEEKLY_3", ("month", 2): "MONTHLY_2",
    ("month", 3): "MONTHLY_3", ("year", 2): "ANNUAL_2", ("year", 3): "ANNUAL_3",
}  # fmt: skip
_EU_KIND: dict[Kind, str] = {"continuous": "UPDATE_CONT", "irregular": "IRREG", "as-needed": "AS_NEEDED",
    "never": "NEVER"}  # fmt: skip


class Periodicity(msgspec.Struct, frozen=True):
    """`interval`: every `count` `unit`s; `times`: `count` times a `unit`; else a word without an interval."""

    kind: Kind
    count: int = 0
    unit: Unit = "day"

    @property
    def standard(self) -> str:
        """As the standard writes it: 每日, 每 10 分鐘, 每半年."""
        if self.kind not in ("interval", "times"):
            return _STANDARD[self.kind]
        if (self.kind, self.count, self.unit) == ("interval", 6, "month"):
            return "每半年"
        if (self.kind, self.count, self.unit) == ("interval", 3, "month"):
            return "每季"
        name = {"minute": "分鐘", "hour": "小時", "day": "日", "week": "週", "month": "月", "year": "年"}[self.unit]
        if self.kind == "times":
            return f"每{name} {self.count} 次"
        return f"每{name}" if self.count == 1 else f"每 {self.count} {name}"

    @property
    def interval_s(self) -> int:
        """Seconds between updates; 0 when the words promise none. Continuous counts as a minute."""
        if self.kind == "continuous":
            return 60
        if self.kind == "interval":
            return self.count * _SECONDS[self.unit]
        return _SECONDS[self.unit] // self.count if self.kind == "times" else 0

    @property
    def eu(self) -> str:
        """Code of the EU authority table `frequency`; OTHER when it has no such interval."""
        if self.kind == "interval":
            return _EU.get((self.unit, self.count), "OTHER")
        if self.kind == "times":
            return _EU_TIMES.get((self.unit, self.count), "OTHER")
        return _EU_KIND[self.kind]

    @property
    def iso_duration(self) -> str:
        """ISO 8601 duration (`P1D`); empty when there is no fixed interval."""
        return _ISO[self.unit].format(self.count) if self.kind == "interval" else ""


def parse(text: str) -> Periodicity | None:
    """Read one statement; None when it is empty, unknown, or more than one."""
    folded = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))[:40]
    if folded in _WORDS:
        return Periodicity(_WORDS[folded])
    if states_two(folded):
        return None
    found = _EVERY.fullmatch(folded)
    if not found:
        return None
    number, half, word, times = found.groups()
    unit, factor = _UNITS[word]
    if half:
        return _halved(unit)
    count = _number(number) * factor
    repeats = _number(times)
    if not 1 <= count <= 9_999 or repeats < 1:
        return None
    if repeats > 1:
        return Periodicity("times", repeats, unit) if count == 1 else None
    return Periodicity("interval", count, unit)


def states_two(text: str) -> bool:
    """Whether the words promise more than one frequency (每15日或每2月), which the standard refuses."""
    return bool(_TWO.search(text))


def _halved(unit: Unit) -> Periodicity | None:
    halves: dict[Unit, Periodicity] = {
        "year": Periodicity("interval", 6, "month"),
        "month": Periodicity("interval", 15, "day"),
        "day": Periodicity("interval", 12, "hour"),
        "hour": Periodicity("interval", 30, "minute"),
    }
    return halves.get(unit)


def _number(text: str | None) -> int:
    if not text:
        return 1
    return int(text) if text.isdecimal() else _NUMERALS[text]
