"""What a chart or a map measures: how many rows, or one function of one column of numbers."""

from __future__ import annotations

import re

import msgspec

from banyan.service.opendata.model import Column, Version

NUMBERS = ("integer", "number")
PLACES = ("lon", "lat", "x", "y", "geometry")
FUNCTIONS = {
    "count": {"zh-Hant": "筆數", "en": "rows"},
    "sum": {"zh-Hant": "總和", "en": "sum"},
    "avg": {"zh-Hant": "平均", "en": "mean"},
    "median": {"zh-Hant": "中位數", "en": "median"},
    "min": {"zh-Hant": "最小", "en": "lowest"},
    "max": {"zh-Hant": "最大", "en": "highest"},
}
_PLAIN = re.compile(r"^[a-z]+$")


class Measure(msgspec.Struct, frozen=True):
    """A function of FUNCTIONS, and the column it takes; `count` takes none."""

    function: str = "count"
    column: str = ""

    @property
    def asked(self) -> str:
        """As the API takes it: `count` or `FUNCTION:COLUMN`."""
        if self.function == "count":
            return "count"
        name = self.column.replace('"', '""')
        return f'{self.function}:"{name}"' if "," in name else f"{self.function}:{self.column}"

    @property
    def answered(self) -> str:
        """Its name in the API's answer, quoted for `sort` where it must be."""
        name = "count" if self.function == "count" else f"{self.function}_{self.column}"
        return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'

    def said(self, lang: str) -> str:
        """In words: `「數量」總和`, `Sum of 數量`."""
        word = FUNCTIONS[self.function][lang]
        if lang == "en":
            return f"{word.capitalize()}{' of ' + self.column if self.column else ''}"
        return f"{'「' + self.column + '」' if self.column else ''}{word}"


def measure_of(version: Version, function: str, column: str) -> Measure:
    """The measure of an address; rows when the table has no such column of numbers."""
    fits = function in FUNCTIONS and function != "count" and any(one.name == column for one in numbers_of(version))
    return Measure(function, column) if fits else Measure()


def numbers_of(version: Version) -> list[Column]:
    """The columns of numbers."""
    return [column for column in version.columns if column.type in NUMBERS]
