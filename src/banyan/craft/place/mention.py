"""A place named anywhere in a sentence: 花蓮市, 板橋區, 台北, "Hualien"; and the sentence without it."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from banyan.craft.gazetteer import county_names, plain, town_by_name, town_names
from banyan.kernel.storage import fold

_COUNTY: Final = re.compile(r"[\u4e00-\u9fff]{2}[縣市]")
_GAP: Final = " "
_LONGEST: Final = 12
"""Characters of a county with its town; a name never spans more."""


class Spot(msgspec.Struct, frozen=True):
    """A county, and a town when it was named: official names and codes (codes empty without the atlas)."""

    county: str
    town: str = ""
    county_code: str = ""
    town_codes: tuple[str, ...] = ()
    """More than one when only the town was named and several counties have one (大安區)."""

    @property
    def name(self) -> str:
        return self.county + self.town


def mentioned(said: str) -> tuple[str, Spot | None]:
    """The place named in a folded sentence (`fold`), and the sentence with a gap where it stood."""
    for start in range(len(said)):
        found = town_by_name(said[start : start + _LONGEST])
        if found is not None and (found.county or found.town):
            used = len(plain(said[start : start + _LONGEST])) - len(found.rest)
            return said[:start] + _GAP + _after(said[start:], used), _spot(found.county, found.town)
    for name, forms in _county_forms():
        for form in forms:
            if _holds(said, form):
                pattern = rf"\b{re.escape(form)}\b" if form.isascii() else re.escape(fold(form))
                return re.sub(pattern, _GAP, said), _spot_of_name(name)
    for name, codes in _town_codes().items():
        if name in said:
            return said.replace(name, _GAP), Spot("", town_names()[codes[0]], town_codes=codes)
    match = _COUNTY.search(said)
    if match and not county_names():  # without the atlas the name itself is all there is
        return said.replace(match[0], _GAP), Spot(match[0])
    return said, None


def _after(said: str, used: int) -> str:
    """What follows the first `used` characters; spaces between them do not count."""
    places = [place for place, character in enumerate(said) if not character.isspace()]
    return said[places[used - 1] + 1 :] if used else said


def _holds(said: str, word: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}\b", said)) if word.isascii() else fold(word) in said


@cache
def _town_codes() -> dict[str, tuple[str, ...]]:
    """Codes of the towns of each name, folded; names of two characters (東區) say too little alone."""
    found: dict[str, tuple[str, ...]] = {}
    for code, name in town_names().items():
        if len(name) > 2:
            found[fold(name)] = (*found.get(fold(name), ()), code)
    return found


@cache
def _county_forms() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names by which people call counties: romanised, and without 縣 or 市 where that is not ambiguous."""
    text = files("banyan.craft.place").joinpath("romanised.toml").read_text(encoding="utf-8")
    romanised = msgspec.convert(tomllib.loads(text), dict[str, dict[str, list[str]]])["counties"]
    stems = [name[:2] for name in romanised]
    forms = []
    for name, english in romanised.items():
        short = (name[:2],) if stems.count(name[:2]) == 1 else ()
        forms.append((name, (*sorted(english, key=len, reverse=True), *short)))
    return tuple(sorted(forms, key=lambda pair: -len(pair[1][0])))


def _spot_of_name(name: str) -> Spot:
    code = next((code for code, county in county_names().items() if county == name), "")
    return Spot(name, county_code=code)


def _spot(county_code: str, town_code: str) -> Spot:
    return Spot(
        county=county_names().get(county_code, ""),
        town=town_names().get(town_code, "") if town_code else "",
        county_code=county_code,
        town_codes=(town_code,) if town_code else (),
    )
