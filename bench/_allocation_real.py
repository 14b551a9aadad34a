"""The real stock of 2020 as what the demand estimate takes: units sold and exposure, by outlet and slot."""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Amounts = npt.NDArray[np.float64]
DATA = Path(__file__).parents[2] / "shared" / "data" / "supplies"
TOWN = re.compile(r"^(..[縣市])(.{1,3}?[鄉鎮市區])")


class Real(msgspec.Struct, frozen=True):
    """One day's series. `stock[outlet, snapshot]`, -1 where the outlet was not listed; `towns` by outlet."""

    codes: tuple[str, ...]
    towns: tuple[str, ...]
    times: tuple[str, ...]
    stock: Counts

    @property
    def sold(self) -> Counts:
        """Between two snapshots: what the stock fell by. A rise hides what was sold, so nothing is said then."""
        before, after = self.stock[:, :-1], self.stock[:, 1:]
        known = (before >= 0) & (after >= 0)
        return np.where(known, np.maximum(before - after, 0), 0)

    @property
    def seen(self) -> Amounts:
        """1 where stock lasted, a half where it ran out on the way, 0 where there was none, no row, or a rise."""
        before, after = self.stock[:, :-1], self.stock[:, 1:]
        could = (before > 0) & (after >= 0) & (after <= before)
        return np.where(could, np.where(after == 0, 0.5, 1.0), 0.0)


def read(day: str) -> Real:
    """`day`: 2020-02-14. Outlets that were listed at least once, by code."""
    towns = _towns()
    blocks: dict[str, dict[str, int]] = {}
    with gzip.open(DATA / f"stock_series_{day}.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            blocks.setdefault(row["ts"], {})[row["id"]] = int(row["adult"])
    codes = tuple(sorted({code for block in blocks.values() for code in block}))
    stock = np.array([[blocks[at].get(code, -1) for at in blocks] for code in codes], np.int64)
    return Real(codes, tuple(towns.get(code, "") for code in codes), tuple(blocks), stock)


def points() -> dict[str, tuple[float, float]]:
    """Longitude and latitude of the outlets that were located."""
    return {row["id"]: (float(row["lon"]), float(row["lat"])) for row in _outlets() if row["lon"]}


def _towns() -> dict[str, str]:
    return {row["id"]: row["county"] + row["town"] if row["town"] else _of(row["address"]) for row in _outlets()}


def _of(address: str) -> str:
    found = TOWN.match(address.replace("台", "臺"))
    return found[1] + found[2] if found else address[:6]


def _outlets() -> list[dict[str, str]]:
    with gzip.open(DATA / "outlets.csv.gz", "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))
