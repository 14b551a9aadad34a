"""How a rule of so many days errs: whose illness begins after the window is not flagged.

The time from infection to illness is lognormal as Lauer et al. fitted it on 181 cases before 24 February 2020 (Ann
Intern Med 2020;172:577, doi:10.7326/M20-0504, table: 1.621 and 0.418). It is of that virus; another one has its own.
The worst case is told: infected on the last day there.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import msgspec

from banyan.craft.chart import Chart, Series, draw
from banyan.service.travel.shelf import MESSAGES

LOG_MEAN: Final = 1.621
LOG_SPREAD: Final = 0.418
LONGEST: Final = 30
"""Days that the picture shows."""


class Window(msgspec.Struct, frozen=True):
    """Of people infected on their last day there: the share whose illness begins within so many days of it, and one in
    how many is missed (None: fewer than one in a million)."""

    days: int
    share: float
    one_in: int | None


class Curve(msgspec.Struct, frozen=True):
    windows: tuple[Window, ...]
    svg: str


def onset_within(days: float) -> float:
    """The share of infections whose illness begins within so many days."""
    if days <= 0:
        return 0.0
    return 0.5 * (1 + math.erf((math.log(days) - LOG_MEAN) / (LOG_SPREAD * math.sqrt(2))))


def window(days: int) -> Window:
    missed = 1 - onset_within(days)
    return Window(days, onset_within(days), round(1 / missed) if missed >= 1e-6 else None)


@lru_cache(maxsize=16)
def curve_of(lang: str, lengths: tuple[int, ...]) -> Curve:
    """In words and a picture, with a row for each length of a rule's window, in days."""

    def said(key: str) -> str:
        return MESSAGES.text(f"travel.curve_{key}", lang)

    values = tuple(round(onset_within(day), 4) for day in range(LONGEST + 1))
    labels = tuple(str(day) for day in range(LONGEST + 1))
    chart = Chart("line", said("title"), said("words"), labels, (Series(said("title"), values),))
    return Curve(tuple(window(days) for days in lengths), draw(chart, ident="travel-curve"))
