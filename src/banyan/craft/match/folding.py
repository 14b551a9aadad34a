"""One form of a written name: variants, simplified characters, widths, dots, accents and spaces make no difference.

峯 is 峰, 臺 is 台 and 黄 is 黃: characters fold to one of their class (OpenCC's tables, and ours of surnames).
A name in two scripts, as on the identity cards of indigenous people (谷辣斯·尤達卡 Kolas Yotaka), has a key in each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

from banyan.limits_casualties import NAME_CHARACTERS, NAME_WORDS

_IDEOGRAPH: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_JOINED: Final = re.compile(r"(?<=\w)['\u2019\u02bc`](?=\w)")
_OURS: Final = str.maketrans({"凃": "涂", "丘": "邱", "恆": "恒", "姉": "姊", "妳": "你", "〇": "零"})
"""Spellings that registers mix and that the tables hold apart."""
_STAR: Final = "○"


@cache
def folded(character: str) -> str:
    """The one of its class that stands for an ideograph."""
    plain = unicodedata.normalize("NFKC", character).translate(_OURS)
    for one in _converters():
        plain = one(plain)
    return plain[:1].translate(_OURS)


@cache
def _converters() -> tuple[Callable[[str], str], ...]:
    """To full characters, to Taiwan's variants of them, to the simplified ones; loaded when first needed."""
    from opencc import OpenCC

    tables: tuple[Callable[[str], str], ...] = tuple(OpenCC(name).convert for name in ("s2t", "t2tw", "t2s"))
    return tables


def ideographs(name: str) -> str:
    """The folded ideographs of a name, in order; what stands between them is left out."""
    return "".join(map(folded, _IDEOGRAPH.findall(name[:NAME_CHARACTERS])))


def words(name: str) -> tuple[str, ...]:
    """The words of a name in letters: lower case, without accents and apostrophes; hyphens part them."""
    plain = unicodedata.normalize("NFKD", _JOINED.sub("", unicodedata.normalize("NFKC", name[:NAME_CHARACTERS])))
    letters = "".join(" " if _IDEOGRAPH.match(one) else one for one in plain if not unicodedata.combining(one))
    return tuple(_WORD.findall(letters.casefold())[:NAME_WORDS])


def keys(name: str) -> tuple[str, ...]:
    """What must be equal for two full names to be the same: one key a script, none for a name without letters.

    Ideographs stay in order, words do not: `Hsiao-Ming WANG` is `Wang Hsiao Ming`."""
    return tuple(key for key in (ideographs(name), " ".join(sorted(words(name)))) if key)


def masked(name: str) -> str:
    """A name that says only to who knows it whose it is: 王○明, 王○, 歐○○娜, `J*** S***`."""
    square: list[str] = _IDEOGRAPH.findall(unicodedata.normalize("NFKC", name))
    if square:
        first, last = square[0], square[-1] if len(square) > 2 else ""
        return first + _STAR * (len(square) - 1 - len(last)) + last
    return " ".join(f"{word[0]}***" for word in _WORD.findall(unicodedata.normalize("NFC", name))[:NAME_WORDS])


__all__ = ["folded", "ideographs", "keys", "masked", "words"]
