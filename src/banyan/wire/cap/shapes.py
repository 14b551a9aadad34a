"""The content models of CAP 1.2, 1.1 and 1.0 as tables: which elements, in which order, how often, of which type.

Written from the standards' data dictionaries; the OASIS schemas are the oracle of the tests, not an input. Source: CAP
1.2 s3.2 and s3.4; CAP 1.1 s3.2; CAP 1.0 s3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from banyan.wire.cap import model, texts

NAMESPACES: Final = {
    "1.2": model.NAMESPACE,
    "1.1": "urn:oasis:names:tc:emergency:cap:1.1",
    "1.0": "http://www.incident.com/cap/1.0",
}
SIGNATURES: Final = "http://www.w3.org/2000/09/xmldsig#"


class Text(msgspec.Struct, frozen=True):
    """An element of text. `accepts` sees the value (collapsed unless `is_literal`); `means` says what it takes."""

    accepts: Callable[[str], bool] | None
    means: str
    is_literal: bool = False
    default: str = ""
    """What an empty element stands for."""


class Shape(msgspec.Struct, frozen=True):
    """An element of elements: by Clark name, each one's place, whether it may repeat, its name, its kind."""

    items: Mapping[str, tuple[int, bool, str, Text | Shape]]
    required: frozenset[str]


ANY: Final = Text(None, "text")
_URI: Final = Text(texts.is_uri, "an address")
_INTEGER: Final = Text(texts.is_integer, "a whole number")
_DECIMAL: Final = Text(texts.is_decimal, "a number")
_LANGUAGE: Final = Text(texts.is_language, "a language code such as zh-TW", default="en-US")
_CAP_TIME: Final = Text(texts.is_cap_time, "a time as 2026-11-27T09:30:00+08:00, never with Z or fractions")
_XSD_TIME: Final = Text(texts.is_time, "a time as 2026-11-27T09:30:00+08:00")


def _one_of(words: tuple[str, ...]) -> Text:
    return Text(frozenset(words).__contains__, "one of " + ", ".join(words), is_literal=True)


def _enum(kind: type[StrEnum], *, without: tuple[str, ...] = ()) -> Text:
    return _one_of(tuple(member.value for member in kind if member.value not in without))


def _shape(namespace: str, *rows: tuple[str, Text | Shape]) -> Shape:
    """Rows in order: `name` exactly once, `name?` at most once, `name*` any number, `name+` once or more."""
    items: dict[str, tuple[int, bool, str, Text | Shape]] = {}
    required = set()
    for place, (mark, kind) in enumerate(rows):
        name = mark.rstrip("?*+")
        items[f"{{{namespace}}}{name}"] = (place, mark[-1] in "*+", name, kind)
        if mark[-1] not in "?*":
            required.add(name)
    return Shape(items, frozenset(required))


def _shape_12(version: str) -> Shape:
    """CAP 1.2, and 1.1, which differs in times, responses and whether a resource must say its media type."""
    space, is_new = NAMESPACES[version], version == "1.2"
    time = _CAP_TIME if is_new else _XSD_TIME
    pair = _shape(space, ("valueName", ANY), ("value", ANY))
    resource = _shape(
        space,
        ("resourceDesc", ANY),
        ("mimeType" if is_new else "mimeType?", ANY),
        ("size?", _INTEGER),
        ("uri?", _URI),
        ("derefUri?", ANY),
        ("digest?", ANY),
    )
    height = _DECIMAL if is_new else ANY
    area = _shape(
        space,
        ("areaDesc", ANY),
        ("polygon*", ANY),
        ("circle*", ANY),
        ("geocode*", pair),
        ("altitude?", height),
        ("ceiling?", height),
    )
    info = _shape(
        space,
        ("language?", _LANGUAGE),
        ("category+", _enum(model.Category)),
        ("event", ANY),
        ("responseType*", _enum(model.ResponseType, without=() if is_new else ("Avoid", "AllClear"))),
        ("urgency", _enum(model.Urgency)),
        ("severity", _enum(model.Severity)),
        ("certainty", _enum(model.Certainty)),
        ("audience?", ANY),
        ("eventCode*", pair),
        *((f"{name}?", time) for name in ("effective", "onset", "expires")),
        *((f"{name}?", ANY) for name in ("senderName", "headline", "description", "instruction")),
        ("web?", _URI),
        ("contact?", ANY),
        ("parameter*", pair),
        ("resource*", resource),
        ("area*", area),
    )
    return _shape(
        space,
        ("identifier", ANY),
        ("sender", ANY),
        ("sent", time),
        ("status", _enum(model.Status)),
        ("msgType", _enum(model.MsgType)),
        ("source?", ANY),
        ("scope", _enum(model.Scope)),
        ("restriction?", ANY),
        ("addresses?", ANY),
        ("code*", ANY),
        ("note?", ANY),
        ("references?", ANY),
        ("incidents?", ANY),
        ("info*", info),
    )


def _shape_10() -> Shape:
    space = NAMESPACES["1.0"]
    resource = _shape(
        space,
        ("resourceDesc", ANY),
        ("mimeType?", ANY),
        ("size?", _INTEGER),
        ("uri?", _URI),
        ("digest?", ANY),
    )
    area = _shape(
        space,
        ("areaDesc", ANY),
        *((f"{name}*", ANY) for name in ("polygon", "circle", "geocode")),
        ("altitude?", ANY),
        ("ceiling?", ANY),
    )
    info = _shape(
        space,
        ("language?", _LANGUAGE),
        ("category*", _enum(model.Category, without=("CBRNE",))),
        ("event", ANY),
        ("urgency", _enum(model.Urgency)),
        ("severity", _enum(model.Severity)),
        ("certainty", _one_of(("Very Likely", "Likely", "Possible", "Unlikely", "Unknown"))),
        ("audience?", ANY),
        ("eventCode*", ANY),
        *((f"{name}?", _XSD_TIME) for name in ("effective", "onset", "expires")),
        *((f"{name}?", ANY) for name in ("senderName", "headline", "description", "instruction")),
        ("web?", _URI),
        ("contact?", ANY),
        ("parameter*", ANY),
        ("resource*", resource),
        ("area*", area),
    )
    return _shape(
        space,
        ("identifier", ANY),
        ("sender", ANY),
        ("sent", _XSD_TIME),
        ("status", _enum(model.Status, without=("Draft",))),
        ("msgType", _enum(model.MsgType)),
        ("password?", ANY),
        ("source?", ANY),
        ("scope?", _enum(model.Scope)),
        ("restriction?", ANY),
        ("addresses?", ANY),
        ("code*", ANY),
        ("note?", ANY),
        ("references?", ANY),
        ("incidents?", ANY),
        ("info*", info),
    )


SHAPES: Final = {"1.2": _shape_12("1.2"), "1.1": _shape_12("1.1"), "1.0": _shape_10()}
