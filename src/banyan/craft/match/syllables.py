"""A name as a row of syllables in any script: characters by their sound, words by their spelling."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from banyan.craft.match.folding import folded, ideographs, words
from banyan.craft.match.romanised import blurred, parted, sounds, surname_sounds, surnames
from banyan.limits_casualties import NAME_SPELLINGS, NAME_WORDS

_TONES: Final = frozenset("\u0300\u0301\u0304\u030c")
_UMLAUT: Final = {"\u0308": "v"}


class Syllable(msgspec.Struct, frozen=True, gc=False):
    """One place of a name. `sign`: the folded character, or the word; `sounds`: its syllables of Mandarin;
    `blurs`: those as they are misheard. A word that is no Chinese has itself for its sound."""

    sign: str
    sounds: frozenset[str]
    blurs: frozenset[str]


def syllables_of(name: str) -> tuple[Syllable, ...]:
    """The ideographs of a name when it has any, else its words."""
    square = ideographs(name)
    if square:
        return tuple(map(of_character, square[:NAME_WORDS]))
    return tuple(one for word in words(name) for one in of_word(word))[:NAME_WORDS]


@cache
def of_character(character: str) -> Syllable:
    """`character` is folded. Its common sound, and that of the surname where they differ."""
    said = _readings().get(str(ord(character)), "").split(",")
    common = [_plain(one) for one in said[:1] if one]
    found = frozenset([*_surname_sounds().get(character, ()), *common]) or frozenset({character})
    return Syllable(character, found, frozenset(map(blurred, found)))


@cache
def of_word(word: str) -> tuple[Syllable, ...]:
    """A word in letters: one place or, when given names are written together, several."""
    known, others = sounds(), surnames()
    families = tuple(one for family in sorted(others.get(word, ())) for one in of_character(folded(family)).sounds)
    if word in known or families:
        found = frozenset([*sorted(known.get(word, ())), *families][:NAME_SPELLINGS])
        return (Syllable(word, found, frozenset(map(blurred, found))),)
    parts = parted(word)
    if len(parts) == 2:
        return tuple(one for part in parts for one in of_word(part))
    return (Syllable(word, frozenset({word}), frozenset({word})),)


@cache
def _readings() -> dict[str, str]:
    """How characters are read, by code point: pypinyin's own file. Its package would load a table of phrases too."""
    package = find_spec("pypinyin")
    origin = package.origin if package is not None else None
    assert origin is not None, "pypinyin is locked"
    return msgspec.json.decode((Path(origin).parent / "pinyin_dict.json").read_bytes(), type=dict[str, str])


@cache
def _surname_sounds() -> dict[str, tuple[str, ...]]:
    """By the folded character: two surnames may fold to one."""
    found: dict[str, tuple[str, ...]] = {}
    for surname, sound in surname_sounds().items():
        found[folded(surname)] = (*found.get(folded(surname), ()), sound)
    return found


def _plain(sound: str) -> str:
    """Without its tone, ü as v."""
    return "".join(_UMLAUT.get(one, one) for one in unicodedata.normalize("NFD", sound) if one not in _TONES).replace(
        "uv", "v"
    )
