"""The error curve of the rule as its simulator measured it (craft/fencing): false alarms against missed departures."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from banyan.craft.chart import draw
from banyan.craft.fencing.roc import Measured, picture, shipped
from banyan.craft.fencing.rule import EFS_2020
from banyan.service.fence.shelf import MESSAGES

COMMAND: Final = "./banyan fence simulate"
RULE: Final = "fingerprint"
SHOWN: Final = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
"""Thresholds of the table; the picture draws all."""
DISTANCES_M: Final = (300.0, 600.0, 1_000.0, 3_000.0)


class Row(msgspec.Struct, frozen=True):
    """One threshold at one kind of place: false alarms per 1,000 person-days, and the shares detected in 40 minutes."""

    place: str
    rule: str
    threshold: str
    false: float
    detected: tuple[float, ...]


class Curve(msgspec.Struct, frozen=True):
    """`pictures` (kind of place, SVG) have the rule of 2020 beside ours."""

    command: str
    rows: tuple[Row, ...]
    pictures: tuple[tuple[str, str], ...]


@lru_cache(maxsize=4)
def curve_of(lang: str) -> Curve | None:
    """In words and pictures; None for a release that was not measured."""
    if not files("banyan.craft.fencing").joinpath("roc.json").is_file():
        return None
    found = shipped()
    pictures = tuple((one.name, _svg(one, lang)) for one in found)
    return Curve(COMMAND, tuple(row for one in found for row in _rows(one)), pictures)


def _rows(found: Measured) -> list[Row]:
    rows = []
    for curve in found.curves:
        if curve.rule not in (RULE, EFS_2020.name):
            continue
        name = "fingerprint" if curve.rule == RULE else "two-fix"
        for point in curve.points:
            if name == "two-fix" or point.threshold in SHOWN:
                threshold = "–" if name == "two-fix" else f"{point.threshold:g}"
                shares = tuple(point.detected(metres) for metres in DISTANCES_M)
                rows.append(Row(found.name, name, threshold, round(point.per_1000, 1), shares))
    return rows


def _svg(found: Measured, lang: str) -> str:
    def said(key: str, **values: object) -> str:
        return MESSAGES.text(f"fence.curve_{key}", lang, **values)

    place = said(found.name)
    names = {RULE: said("fingerprint"), EFS_2020.name: said("two_fix")}
    chart = picture(found, title=said("title", place=place), description=said("words", place=place), names=names)
    return draw(chart, ident=f"curve-{found.name}")
