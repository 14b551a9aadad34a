"""The error curve of the rules as their simulator measured it (craft/tracing): who is listed, by how far they were."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from banyan.craft.chart import draw
from banyan.craft.tracing.erring import Erring, picture, shipped
from banyan.service.tracing.presets import presets
from banyan.service.tracing.shelf import MESSAGES

COMMAND: Final = "./banyan trace errors"
SHOWN_M: Final = (0.0, 100.0, 300.0, 500.0, 1_000.0, 2_000.0, 5_000.0)
"""Distances of the table; the picture draws all."""


class Row(msgspec.Struct, frozen=True):
    """A rule at one kind of place: the shares listed at SHOWN_M."""

    place: str
    title: str
    listed: tuple[float, ...]


class Drawn(msgspec.Struct, frozen=True):
    """A picture a kind of place; `error_m` is the median from a person to the mast that told her position."""

    place: str
    error_m: int
    svg: str


class Curve(msgspec.Struct, frozen=True):
    command: str
    metres: tuple[int, ...]
    rows: tuple[Row, ...]
    pictures: tuple[Drawn, ...]


@lru_cache(maxsize=4)
def curve_of(lang: str) -> Curve:
    """In words and pictures of a language."""
    found = shipped()
    metres = tuple(int(one) for one in SHOWN_M)
    rows = tuple(row for one in found for row in _rows(one, lang))
    return Curve(COMMAND, metres, rows, tuple(Drawn(one.place, round(one.error_m), _svg(one, lang)) for one in found))


def _rows(found: Erring, lang: str) -> list[Row]:
    return [
        Row(found.place, one.title[lang], tuple(found.listed(name, metres) for metres in SHOWN_M))
        for name, one in presets().items()
    ]


def _svg(found: Erring, lang: str) -> str:
    def said(key: str) -> str:
        return MESSAGES.text(f"tracing.curve_{key}", lang, place=MESSAGES.text(f"tracing.{found.place}", lang))

    names = {
        name: MESSAGES.text("tracing.curve_rule", lang, metres=int(one.radius_m), minutes=one.dwell_s // 60)
        for name, one in presets().items()
    }
    chart = picture(found, title=said("title"), description=said("words"), names=names)
    return draw(chart, ident=f"curve-{found.place}")
