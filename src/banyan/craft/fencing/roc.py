"""The measured trade of a fence as a table, as JSON, and as a picture: false alarms per 1,000 person-days against what
is detected."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np

from banyan.craft.cells.generating import RURAL_M, URBAN_M, Cover, generated
from banyan.craft.cells.model import CellTable
from banyan.craft.chart import Chart, Series
from banyan.craft.fencing.measuring import Curve, all_curves
from banyan.craft.fencing.simulating import FIXES_A_DAY, Setting, World, draw

SHOWN_PER_1000: Final = (5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)
"""Marks of the picture's axis: each twice the one before."""
URBAN: Final = Cover(121.5430, 25.0260, 3.5, URBAN_M)
RURAL: Final = Cover(120.9680, 23.9640, 9.0, RURAL_M)
"""Generated masts like those of Tel Aviv and Galilee: 460 and 180."""


class Measured(msgspec.Struct, frozen=True):
    """One simulated world and what each rule did in it. Errors are metres from a home to the mast that serves it."""

    name: str
    sites: int
    spacing_m: float
    setting: Setting
    error_median_m: float
    error_p95_m: float
    cells_a_day: float
    curves: tuple[Curve, ...]

    def curve(self, rule: str) -> Curve:
        return next(one for one in self.curves if one.rule == rule)


def generated_table(name: str, seed: int) -> CellTable:
    """`urban` or `rural`."""
    return generated([URBAN if name == "urban" else RURAL], seed=seed)


def measured(table: CellTable, name: str, setting: Setting) -> Measured:
    """Draw and measure. Raises Invalid or Limit for a setting or a table that cannot be."""
    world = draw(table, setting)
    errors = np.percentile(world.metres(world.cells), (50, 95))
    return Measured(
        name, table.sites, round(world.spacing_m, 1), setting, round(float(errors[0]), 1), round(float(errors[1]), 1),
        round(_cells_a_day(world), 2), all_curves(world),
    )  # fmt: skip


def _cells_a_day(world: World) -> float:
    return float(np.mean([len(set(row)) for row in world.cells[:, :FIXES_A_DAY].tolist()]))


def as_csv(results: Sequence[Measured]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([
        "world", "rule", "threshold", "false_alarms_per_person_day", "false_alarms_per_1000_person_days", "distance_m",
        "detected", "median_minutes",
    ])  # fmt: skip
    for result in results:
        for curve in result.curves:
            for point in curve.points:
                for one in point.found:
                    writer.writerow([
                        result.name, curve.rule, f"{point.threshold:g}", f"{point.false_alarms:.5f}",
                        f"{point.per_1000:.2f}", f"{one.distance_m:g}", f"{one.detected:.4f}",
                        "" if one.minutes is None else f"{one.minutes:g}",
                    ])  # fmt: skip
    return out.getvalue()


def as_json(results: Sequence[Measured]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(list(results)), indent=1)


def read_json(text: bytes) -> list[Measured]:
    return msgspec.json.decode(text, type=list[Measured])


@lru_cache(maxsize=1)
def shipped() -> tuple[Measured, ...]:
    """What `./banyan fence simulate --out FOLDER` measured on generated masts when this version was made: shown until
    somebody measures her own."""
    return tuple(read_json(files("banyan.craft.fencing").joinpath("roc.json").read_bytes()))


def picture(
    result: Measured, *, title: str, description: str, names: dict[str, str], distance_m: float = 600.0
) -> Chart:
    """For each rule named in `names` (rule: what readers call it) the most it detects at no more false alarms than the
    mark says; a gap where it cannot be so quiet."""
    series = []
    for rule, shown in names.items():
        points = result.curve(rule).points
        values = [
            max((one.detected(distance_m) for one in points if one.per_1000 <= mark), default=None)
            for mark in SHOWN_PER_1000
        ]
        series.append(Series(shown, tuple(values)))
    return Chart("line", title, description, tuple(f"{mark:,}" for mark in SHOWN_PER_1000), tuple(series))
