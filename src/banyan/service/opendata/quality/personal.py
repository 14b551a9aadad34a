"""Numbers that look like a person's: national ID, resident certificate (old and new), mobile phone.

A pattern alone would cry wolf over product codes, so the check digit decides for IDs. Evidence never shows a number
whole: the first and last characters only.
Source: 戶籍法施行細則 (國民身分證統一編號), 內政部移民署 (新式統一證號, 2021).
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["national-id", "resident-id", "mobile"]
CANDIDATE = (
    r"(^|[^A-Za-z0-9])[A-Za-z][1289A-Da-d][0-9]{8}([^A-Za-z0-9]|$)"
    r"|(^|[^0-9])(\+?886[- ]?9|09)[0-9]{2}[- ]?[0-9]{3}[- ]?[0-9]{3}([^0-9]|$)"
)
"""What DuckDB looks for first; `kinds` then decides."""
_ID = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])([1289A-Da-d])(\d{8})(?![A-Za-z0-9])")
_MOBILE = re.compile(r"(?<!\d)(?:\+?886[- ]?9|09)\d{2}[- ]?\d{3}[- ]?\d{3}(?!\d)")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""In the order of their codes 10-35."""


def kinds(text: str) -> list[tuple[Kind, str]]:
    """The look-alikes in a cell: kind and the masked number."""
    found: list[tuple[Kind, str]] = []
    for match in _ID.finditer(text):
        number = match.group().upper()
        if has_valid_digit(number):
            found.append(("national-id" if number[1] in "12" else "resident-id", masked(number)))
    found += [("mobile", masked(match.group())) for match in _MOBILE.finditer(text)]
    return found


def has_valid_digit(number: str) -> bool:
    """Whether the last digit of an ID of 10 characters is right (weights 1, 9, 8, ..., 1, 1, modulo 10)."""
    first = _LETTERS.index(number[0]) + 10
    second = int(number[1]) if number[1].isdigit() else (_LETTERS.index(number[1]) + 10) % 10
    digits = [first // 10, first % 10, second, *map(int, number[2:])]
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def masked(number: str) -> str:
    """`A12*****89`: enough to find the row, too little to be the number."""
    return number[:3] + "*" * max(1, len(number) - 5) + number[-2:]
