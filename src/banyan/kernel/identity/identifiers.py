"""Taiwan's identifiers: is this a number that could have been given? Values in, a verdict out; nothing is looked up.

Sources: 國民身分證統一編號 and 外來人口統一證號 (the 2021 form keeps the check digit), 統一編號 (modulo 5 since
2023-04-01).
"""

from __future__ import annotations

import re
from operator import mul
from typing import Final, Literal

Kind = Literal["national", "resident", "resident-old"]
"""身分證; 統一證號 of 2021; 統一證號 before (valid until 2030-12-31)."""
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""A letter's value is its place here plus 10."""
_LETTER_SUMS: Final = {letter: value // 10 + value % 10 * 9 for value, letter in enumerate(_LETTERS, 10)}
"""What a first letter adds to the sum: its two digits, weighed 1 and 9."""
_SECOND_WEIGHT: Final = 8
_WEIGHTS: Final = (7, 6, 5, 4, 3, 2, 1, 1)
_ZEROS: Final = ord("0") * sum(_WEIGHTS)
"""What eight zeros would add, for digits are weighed as the bytes they are."""
_NATIONAL: Final = re.compile(r"[A-Z][12][0-9]{8}")
_RESIDENT: Final = re.compile(r"[A-Z][89][0-9]{8}")
_RESIDENT_OLD: Final = re.compile(r"[A-Z][A-D][0-9]{8}")
_UBN: Final = re.compile(r"[0-9]{8}")
_UBN_WEIGHTS: Final = (1, 2, 1, 2, 1, 2, 4, 1)
_CARD: Final = re.compile(r"[0-9]{12}")
_PASSPORT: Final = re.compile(r"P:[A-Z]{3}:[A-Z0-9]{5,15}")


def person_number_kind(text: str) -> Kind | None:
    """What kind of person's number this is; None when it is none: a wrong letter, form or check digit."""
    if _NATIONAL.fullmatch(text):
        return "national" if _checks(text, int(text[1])) else None
    if _RESIDENT.fullmatch(text):
        return "resident" if _checks(text, int(text[1])) else None
    if _RESIDENT_OLD.fullmatch(text):
        return "resident-old" if _checks(text, _value(text[1]) % 10) else None
    return None


def is_passport(text: str) -> bool:
    """A passport as it is written here: P:STATE:NUMBER, the state by its three letters (ICAO 9303 part 3, section 5).
    It has no check digit outside its machine-readable zone; who has one here may have no other number."""
    return _PASSPORT.fullmatch(text) is not None


def normalized_person_number(text: str) -> str:
    """As it is kept and compared: NFKC is the reader's business; here spaces go and letters are capital."""
    return "".join(text.split()).upper()


def is_business_number(text: str) -> bool:
    """統一編號 (UBN): digits of the products summed, divisible by 5; a 7 in the seventh place may count one less."""
    if not _UBN.fullmatch(text):
        return False
    products = [int(digit) * weight for digit, weight in zip(text, _UBN_WEIGHTS, strict=True)]
    total = sum(product // 10 + product % 10 for product in products)
    return total % 5 == 0 or (text[6] == "7" and (total + 1) % 5 == 0)


def is_card_number(text: str) -> bool:
    """健保卡號: 12 digits; no check digit is public."""
    return _CARD.fullmatch(text) is not None


def masked(text: str) -> str:
    """A number as a page may show it to who owns it: A12****789."""
    return f"{text[:3]}****{text[-3:]}" if len(text) == 10 else "*" * len(text)


def _checks(text: str, second: int) -> bool:
    digits: int = sum(map(mul, text.encode()[2:], _WEIGHTS)) - _ZEROS
    return (_LETTER_SUMS[text[0]] + second * _SECOND_WEIGHT + digits) % 10 == 0


def _value(letter: str) -> int:
    return _LETTERS.index(letter) + 10
