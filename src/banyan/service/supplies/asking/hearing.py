"""Reading a question about stock: which item, where, what is wanted of it, and what was not understood. Pure.

A question is ours only when nothing in it is left over: 口罩的資料集 or 口罩怎麼戴 is somebody else's to answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from banyan.craft.place import Spot, mentioned
from banyan.kernel.storage import fold
from banyan.service.supplies.model import Item

CODE: Final = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Za-z]*[0-9]{3})[0-9A-Za-z]{6,20}(?![0-9A-Za-z])")
"""A code in a question: letters and digits, three digits in a row at least."""
_RUN: Final = re.compile(r"[\u3400-\u9fff]+|[a-z0-9.']+")
_GAP: Final = " "
SHORTEST_NAME: Final = 3
LONGEST_NAME: Final = 40
"""Characters of an outlet's name as it is looked for in a sentence; the longest real one has 34."""
_FULL_WIDTH: Final = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)}


class Heard(msgspec.Struct, frozen=True):
    """A question, read. `items` are ids of the items named, in the board's order; `missing` a good that was named and
    that no item is; `name` the folded name of an outlet; `kinds` words for kinds of outlets (衛生所); `left` what was
    not understood."""

    items: tuple[str, ...] = ()
    missing: str = ""
    spot: Spot | None = None
    codes: tuple[str, ...] = ()
    name: str = ""
    kinds: tuple[str, ...] = ()
    left: str = ""
    is_near: bool = False
    asks_stock: bool = False
    is_held: bool = False
    """In words of what is held (還有嗎), not only of where something is."""
    asks_window: bool = False
    """When number plates are handed out, or when it is sold."""
    asks_end: bool = False
    """When it will be sold out."""
    is_national: bool = False


class _Asks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stock: list[str]
    held: list[str]
    near: list[str]
    plate: list[str]
    ends: list[str]
    when: list[str]
    nation: list[str]
    outlet: list[str]
    noise: list[str]
    noise_en: list[str]


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    goods: dict[str, list[str]]
    kinds: dict[str, list[str]]
    asks: _Asks


def hear(text: str, items: Sequence[Item], names: Container[str]) -> Heard:
    """Read a question of any length. `names` are the folded names of outlets."""
    plain = text.translate(_FULL_WIDTH)
    codes = tuple(dict.fromkeys(code.upper() for code in CODE.findall(plain)))
    said, asks = fold(CODE.sub(_GAP, plain)), _words().asks
    said, name = _named(said, names)
    said, named, missing = _items(said, items)
    said, spot = mentioned(said)
    said, ends = _cut(said, asks.ends)
    said, plate = _cut(said, asks.plate)
    said, when = _cut(said, asks.when)
    is_held = _holds_any(said, asks.held)
    said, near = _cut(said, asks.near)
    said, nation = _cut(said, asks.nation)
    said, stock = _cut(said, asks.stock)
    is_about = bool(named or missing or codes or name) or ends or plate or is_held
    kinds: tuple[str, ...] = ()
    if is_about:  # beside a good or its stock, 藥局 means no more than where to go for it
        kinds = tuple(word for word in asks.outlet if _holds(said, fold(word)))
        said, _ = _cut(said, asks.outlet)
    left, _ = _cut(said, (*asks.noise, *asks.noise_en))
    return Heard(
        items=named,
        missing=missing,
        spot=spot,
        codes=codes,
        name=name,
        kinds=kinds,
        left=_GAP.join(_RUN.findall(left)),
        is_near=near,
        is_held=is_held,
        asks_stock=stock or is_held or (ends and not when),
        asks_window=plate or (when and not ends and is_about),
        asks_end=ends and when,
        is_national=nation,
    )


def _named(said: str, names: Container[str]) -> tuple[str, str]:
    """The longest whole name of an outlet that stands in the sentence, and the sentence without it."""
    for length in range(min(LONGEST_NAME, len(said)), SHORTEST_NAME - 1, -1):
        for start in range(len(said) - length + 1):
            part = said[start : start + length]
            if part in names:
                return said[:start] + _GAP + said[start + length :], part
    return said, ""


def _items(said: str, items: Sequence[Item]) -> tuple[str, tuple[str, ...], str]:
    """The items that the words name, the sentence without those words, and a good that no item is.

    A title says one item; a good (口罩) says all that have it in their title, a kind (兒童) chooses among those.
    """
    words = _words()
    for item in items:
        for title in sorted({fold(title) for title in item.title.values()}, key=len, reverse=True):
            if _holds(said, title):
                return _without(said, title), (item.id,), ""
    said, goods = _terms(said, words.goods)
    if not goods:
        return said, (), ""
    found = [item for item in items if any(term in fold(item.title["zh-Hant"]) for term in goods)]
    if not found:
        return said, (), goods[0]
    said, kinds = _terms(said, words.kinds)
    of_kind = [item for item in found if any(term in fold(item.title["zh-Hant"]) for term in kinds)]
    return said, tuple(item.id for item in of_kind or found), ""


def _terms(said: str, forms: dict[str, list[str]]) -> tuple[str, list[str]]:
    """The terms whose forms stand in the sentence, longest forms first, and the sentence without them."""
    found = []
    pairs = sorted(((fold(form), term) for term, more in forms.items() for form in (term, *more)), key=_longest)
    for form, term in pairs:
        if _holds(said, form):
            found.append(fold(term))
            said = _without(said, form)
    return said, list(dict.fromkeys(found))


def _longest(pair: tuple[str, str]) -> int:
    return -len(pair[0])


@cache
def _words() -> _Words:
    text = files("banyan.service.supplies.asking").joinpath("words.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Words)


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, longest first; words in Latin letters stand alone."""
    folded = sorted({fold(word) for word in words}, key=len, reverse=True)
    return re.compile("|".join(rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in folded))


def _cut(said: str, words: Iterable[str]) -> tuple[str, bool]:
    """The sentence without any of the words, and whether one stood there."""
    cut, count = _pattern(tuple(words)).subn(_GAP, said)
    return cut, count > 0


def _holds_any(said: str, words: Iterable[str]) -> bool:
    return bool(_pattern(tuple(words)).search(said))


def _holds(said: str, word: str) -> bool:
    return bool(_pattern((word,)).search(said))


def _without(said: str, word: str) -> str:
    return _pattern((word,)).sub(_GAP, said)
