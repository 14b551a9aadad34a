"""Taiwan's ways with CAP (CAP-TWP): codes of places by their scheme, and descriptions with sections, as plain text.

A code means something only together with its scheme: `Taiwan_Geocode_103` counts counties in five digits, the six
municipalities in two and towns in seven; `_107` and `_112` count both in eight and villages in eleven. The same digits
may be another place, so nothing is ever matched by a prefix alone. Source: NCDR's CAP profile and its code tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from banyan.wire.cap.model import Area, Pair

EVENT_SCHEME: Final = "profile:CAP-TWP:Event:1.0"
_SCHEME: Final = re.compile(r"Taiwan_Geocode_(\d{3})")
_SECTION: Final = re.compile(r"<section\s+title\s*=\s*(?:\"([^\"<>]{0,200})\"|'([^'<>]{0,200})')\s*>")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_BREAK: Final = re.compile(r"<br\s*/?>|</section\s*>|</p\s*>")
_LINES: Final = re.compile(r"\n{3,}")
_CHARACTERS: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " ", "&amp;": "&"}


class Level(StrEnum):
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"


_LENGTHS: Final[Mapping[str, Mapping[int, Level]]] = {
    **{edition: {2: Level.COUNTY, 5: Level.COUNTY, 7: Level.TOWN} for edition in ("100", "103", "106")},
    **{edition: {8: Level.TOWN, 11: Level.VILLAGE} for edition in ("107", "112")},
}


class Place(msgspec.Struct, frozen=True):
    """A code in its scheme. In the eight-digit schemes a county is a town's code that ends in `000`."""

    edition: str
    code: str
    level: Level


def place_of(geocode: Pair) -> Place | None:
    """The place of a Taiwanese code; None for another scheme, or digits the scheme has no place for."""
    match = _SCHEME.fullmatch(geocode.value_name.strip())
    code = geocode.value.strip()
    if match is None or not (code.isascii() and code.isdigit()):
        return None
    level = _LENGTHS.get(match[1], {}).get(len(code))
    if level is None:
        return None
    if len(code) == 8 and code.endswith("000"):
        level = Level.COUNTY
    return Place(match[1], code, level)


def names_of(area: Area, tables: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """The names of an area's codes by (edition, code); a code that no table knows is left out, never guessed."""
    places = filter(None, map(place_of, area.geocode))
    found = [tables.get((place.edition, place.code), "") for place in places]
    return tuple(dict.fromkeys(filter(None, found)))


def plain(description: str) -> str:
    """A description without markup: each section's title stands on a line of its own above its text."""
    text = _SECTION.sub(lambda match: f"\n\n{match[1] or match[2] or ''}\n", description)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    for written, meant in _CHARACTERS.items():
        text = text.replace(written, meant)
    return _LINES.sub("\n\n", "\n".join(line.strip() for line in text.splitlines())).strip()
