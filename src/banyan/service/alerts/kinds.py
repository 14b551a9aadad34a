"""Kinds of events, read from `events.toml`: what a form begins with, and what CAP calls them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from banyan.service.alerts.model import Certainty, Language, Level, Severity, Urgency, Words


class EventKind(msgspec.Struct, frozen=True):
    """`category` and `response` are CAP's words; `hours` how long it usually lasts; `words` are templates."""

    id: str
    title: dict[str, str]
    category: str
    response: tuple[str, ...]
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    level: Level
    hours: int
    words: dict[Language, Words]

    def filled(self, lang: Language, places: str, until: str) -> Words:
        """The template with its places and end; without places its headline ends before them."""
        one = self.words[lang]
        headline, *more = (text.format(places=places, until=until) for text in msgspec.structs.astuple(one))
        return Words(headline.strip(" :"), *more)


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, EventKind]:
    """By id, in the file's order."""
    tree = tomllib.loads(files("banyan.service.alerts").joinpath("events.toml").read_text(encoding="utf-8"))
    return MappingProxyType({id: _kind(id, table) for id, table in tree.items()})


def _kind(id: str, table: dict[str, object]) -> EventKind:
    words = {lang: table.pop(lang) for lang in ("zh-Hant", "en")}
    return msgspec.convert({"id": id, "words": words, **table}, EventKind)
