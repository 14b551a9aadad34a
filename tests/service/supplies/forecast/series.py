"""The real series as snapshots, and a day played through the forecaster."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt
from tests.make import shared_data

from banyan.service.supplies.forecast.day import Day

FEW = 20


class Series(msgspec.Struct, frozen=True):
    """`hours[i]` is the time of day of snapshot i; `left[i, j]` what outlet j had, -1 when it was not on the list."""

    hours: tuple[float, ...]
    left: npt.NDArray[np.int32]

    def half(self, which: int) -> Series:
        """Every other outlet."""
        return Series(self.hours, self.left[:, which::2])


def a_series(day: str, item: str = "adult") -> Series:
    """A day's series of the shared data."""
    with gzip.open(shared_data(f"supplies/stock_series_{day}.csv.gz"), "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ts"].startswith(day)]
    stamps = sorted({row["ts"] for row in rows})
    codes = {code: place for place, code in enumerate(sorted({row["id"] for row in rows}))}
    place_of = {stamp: place for place, stamp in enumerate(stamps)}
    left = np.full((len(stamps), len(codes)), -1, np.int32)
    for row in rows:
        left[place_of[row["ts"]], codes[row["id"]]] = int(row[item])
    return Series(tuple(_hour(stamp) for stamp in stamps), left)


def play(series: Series, *, few: int = FEW, until: int | None = None) -> Day:
    """The series through a Day, as ticks of what changed."""
    day = Day(few)
    day.grow(series.left.shape[1])
    day.begin(1)
    before = np.full(series.left.shape[1], -1, np.int32)
    for hour, left in zip(series.hours[:until], series.left[:until], strict=True):
        rows = np.flatnonzero((left >= 0) & (left != before))
        day.look(rows, left[rows], hour)
        day.vanish(np.flatnonzero((left < 0) & (before >= 0)), hour)
        before = left
    return day


def a_day(looks: Sequence[tuple[float, Sequence[int]]], *, few: int = FEW) -> Day:
    """A day of a few outlets: (hour, what each had; -1 not on the list)."""
    left = np.array([counts for _, counts in looks], np.int32)
    return play(Series(tuple(hour for hour, _ in looks), left), few=few)


def _hour(stamp: str) -> float:
    at = datetime.fromisoformat(stamp)
    return at.hour + at.minute / 60 + at.second / 3_600
