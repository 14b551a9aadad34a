"""Reading a question: its place, its code, its subject words, and what kind of answer it wants. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from banyan.craft.place import Spot, mentioned
from banyan.kernel.storage import fold

CODE: Final = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Za-z]*[0-9]{3})[0-9A-Za-z]{6,20}(?![0-9A-Za-z])")
"""A code in a question: letters and digits, three digits in a row at least (a 10-character NHI code)."""
_HAN: Final = re.compile(r"[\u3400-\u9fff]+")
_LATIN: Final = re.compile(r"[a-z0-9.]+")
_GAP: Final = " "


class Asked(msgspec.Struct, frozen=True):
    """A question, read. `subjects` are folded words in the data's own terms, in the order they were said."""

    subjects: tuple[str, ...]
    spot: Spot | None = None
    codes: tuple[str, ...] = ()
    is_near: bool = False
    wants_datasets: bool = False
    is_beyond: bool = False
    """It asks why, how, when, who or for an opinion: no table answers that."""


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    noise: list[str]
    noise_en: list[str]
    beyond: list[str]
    near: list[str]
    datasets: list[str]
    additive: list[str]
    synonyms: dict[str, list[str]]


def read(text: str) -> Asked:
    """Read a question of any length; what is not understood stays among the subjects."""
    words = _words()
    codes = tuple(dict.fromkeys(match.upper() for match in CODE.findall(_ascii(text))))
    whole = fold(CODE.sub(" ", _ascii(text)))
    said, spot = mentioned(whole)
    is_near = any(_holds(said, word) for word in words.near)
    wants_datasets = any(_holds(said, word) for word in words.datasets)
    subjects = _subjects(said, drop=words.datasets if wants_datasets else [])
    is_beyond = any(_holds(whole, word) for word in words.beyond)
    return Asked(subjects, spot, codes, is_near, wants_datasets, is_beyond)


def _ascii(text: str) -> str:
    """Full-width letters and digits as ASCII, so that a code typed by a Chinese keyboard is one."""
    return text.translate({full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)})


@cache
def _words() -> _Words:
    text = files("banyan.service.opendata.answer").joinpath("words.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Words)


def _holds(said: str, word: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}\b", said)) if word.isascii() else fold(word) in said


def is_additive(names: str) -> bool:
    """Whether values of a column so called may be added up. Adding PM2.5 of ten stations would say nothing."""
    return any(fold(word) in names for word in _words().additive)


def _subjects(said: str, *, drop: Iterable[str]) -> tuple[str, ...]:
    """Subject words: synonyms put in the data's terms first, then noise cut away."""
    found: list[tuple[int, str]] = []
    for term, form in _synonyms():
        pattern = rf"\b{re.escape(form)}\b" if form.isascii() else re.escape(form)
        for match in re.finditer(pattern, said):
            found.append((match.start(), term))
        said = re.sub(pattern, lambda match: _GAP * len(match[0]), said)
    cut = sorted({fold(word) for word in (*_words().noise, *drop) if not word.isascii()}, key=len, reverse=True)
    for match in _HAN.finditer(said):
        found.extend((match.start() + at, word) for at, word in _without(match[0], cut))
    skip = {*_words().noise_en, *_words().near, *drop}
    for match in _LATIN.finditer(said):
        if match[0] not in skip:
            found.append((match.start(), match[0]))
    return tuple(dict.fromkeys(word for _, word in sorted(found)))


@cache
def _synonyms() -> tuple[tuple[str, str], ...]:
    """(term of the data, form said), longest form first; the term itself is a form."""
    pairs = [(fold(term), fold(form)) for term, forms in _words().synonyms.items() for form in (term, *forms)]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[1])))


def _without(text: str, noise: list[str]) -> list[tuple[int, str]]:
    """What is left of a Chinese run when noise words are cut out, with positions; single characters are dropped."""
    pattern = re.compile("|".join(map(re.escape, noise)))
    left, at = [], 0
    for match in [*pattern.finditer(text), None]:
        end = match.start() if match else len(text)
        if end - at >= 2:
            left.append((at, text[at:end]))
        at = match.end() if match else end
    return left
