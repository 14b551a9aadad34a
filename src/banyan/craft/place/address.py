"""Take a Taiwanese address apart: 縣市|鄉鎮市區|村里|鄰|路街|段|巷|弄|號|之|樓|室, each part optional, in this order.

`臺中市西屯區福星里３鄰文心路三段９９之１號５樓之２` has all but 巷 弄 室.
Full-width and Chinese numerals become digits.
"""

from __future__ import annotations

import re

import msgspec

from banyan.craft.gazetteer import Named, plain, town_by_name

ADDRESS_CHARACTERS = 200
"""Longer text is a description, not an address."""
NAMES_CHARACTERS = 12
"""County and town stand in the first eight characters; a short key keeps the gazetteer's cache useful."""
_NUMERAL = "〇零一二兩三四五六七八九"
_NUMBER = rf"(?:\d+|[{_NUMERAL}十百]+)"
_TAIL = re.compile(
    rf"(?:(?P<village>[^\d路街道段巷弄號樓、,]{{1,4}}?[村里])(?!路|街|道|巷))?"
    rf"(?:(?P<neighbourhood>{_NUMBER})鄰)?"
    rf"(?P<road>[^\d段巷弄號樓,]{{1,12}}?(?:大道|路|街|道|(?<![{_NUMERAL}十百])巷)(?!段))?"
    rf"(?:(?P<section>{_NUMBER})段)?"
    rf"(?P<place>[^\d巷弄號樓,段]{{1,8}}?(?=\d|[{_NUMERAL}十百]+[巷弄號]))?"
    rf"(?:(?P<lane>{_NUMBER})巷)?"
    rf"(?:(?P<alley>{_NUMBER})弄)?"
    rf"(?:(?P<number>{_NUMBER})(?P<sub>(?:[之\-]{_NUMBER})*)號(?:之(?P<after>{_NUMBER}))?)?"
    rf"(?:[、,及\d\-之]*號)*"
    rf"(?:(?P<floor>地下)?(?P<storey>{_NUMBER})[樓F](?:之(?P<unit>{_NUMBER}))?)?"
    rf"(?:(?P<room>[\dA-Z]+)室)?"
)
_ZIP = re.compile(r"^[\[(]?\d{3}(?:\d{2,3})?[\])]?(?=\D)")


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parts that were written. `county` and `town` are today's codes; numbers are digits; `rest` remains."""

    county: str = ""
    town: str = ""
    village: str = ""
    neighbourhood: str = ""
    road: str = ""
    section: str = ""
    place: str = ""
    """A settlement name where a road would stand (大南坑)."""
    lane: str = ""
    alley: str = ""
    number: str = ""
    floor: str = ""
    room: str = ""
    rest: str = ""


def parse_address(text: str, *, county: str = "", town: str = "") -> Address:
    """The address in parts; `county` and `town` are names known from elsewhere, used when the text does not say."""
    written = _ZIP.sub("", plain(text[:ADDRESS_CHARACTERS]))
    named = town_by_name(written[:NAMES_CHARACTERS])
    if named is None:
        named, tail = town_by_name(town, county) or Named(""), written
    else:
        tail = named.rest + written[NAMES_CHARACTERS:]
    found = _TAIL.match(tail)
    assert found is not None, "every part is optional"
    part = {name: value or "" for name, value in found.groupdict().items()}
    after = re.findall(_NUMBER, f"{part['sub']}-{part['after']}")
    number = "-".join(filter(None, map(_digits, [part["number"], *after])))
    storey = "-".join(filter(None, [_digits(part["storey"]), _digits(part["unit"])]))
    return Address(
        county=named.county, town=named.town, village=part["village"], neighbourhood=_digits(part["neighbourhood"]),
        road=part["road"], section=_digits(part["section"]), place=part["place"], lane=_digits(part["lane"]),
        alley=_digits(part["alley"]), number=number, floor=("B" if part["floor"] else "") + storey, room=part["room"],
        rest=tail[found.end() :],
    )  # fmt: skip


def _digits(number: str) -> str:
    """三十五 and ３５ as 35; 一〇五 digit by digit."""
    if not number or number.isdigit():
        return str(int(number)) if number else ""
    if "十" not in number and "百" not in number:
        return "".join(str(_value(char)) for char in number)
    total = current = 0
    for char in number:
        if char in "十百":
            total += max(current, 1) * (10 if char == "十" else 100)
            current = 0
        else:
            current = _value(char)
    return str(total + current)


def _value(char: str) -> int:
    return {"〇": 0, "零": 0, "一": 1, "二": 2, "兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}[
        char
    ]
