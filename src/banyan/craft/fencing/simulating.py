"""The simulator: people who stay at home, and people who walk off, as the network would see them. It is part of the
product: whoever runs a fence measures its rule on her own masts before she relies on it.

Source: field notes s2. 10-minute fixes; the first day trains; at the other days' fixes who is at home and is taken for
away is a false alarm; a walk-off ends 60 minutes later at a distance, and is detected by an alarm within 40.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from banyan.craft.cells.model import CellTable, Floats, Ints
from banyan.craft.fencing.radio import Longs, Radio, Stations, nearest_sites, places_at, served, stations_of
from banyan.errors import Invalid, Limit
from banyan.limits_fence import FENCE_DAYS_SIMULATED, FENCE_PHONES_SIMULATED, FENCE_SITES_SIMULATED

FIXES_A_DAY: Final = 144
MINUTES_A_FIX: Final = 10


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`home_spread`: homes lie around masts, so far (root mean square) in median distances between neighbours: 0.55
    gives the position errors of the field notes. `walks` of each distance and phone; `walk_fixes` long."""

    phones: int = 400
    days: int = 4
    seed: int = 2020
    distances_m: tuple[float, ...] = (300.0, 600.0, 1000.0, 3000.0)
    walks: int = 2
    walk_fixes: int = 6
    detect_fixes: int = 4
    home_spread: float = 0.55


class Walk(msgspec.Struct, frozen=True, eq=False):
    """For each phone the last fix at home before it went, and what served it away."""

    distance_m: float
    after: Longs
    cells: Ints


class World(msgspec.Struct, frozen=True, eq=False):
    """What the network saw: (phones x fixes) cells at home, and walks."""

    table: CellTable
    stations: Stations
    setting: Setting
    spacing_m: float
    x: Floats
    y: Floats
    cells: Ints
    walks: tuple[Walk, ...]

    @property
    def person_days(self) -> float:
        return self.setting.phones * (self.setting.days - 1.0)

    def metres(self, cells: Ints) -> Floats:
        """From each phone's home to the mast that served it: (phones x fixes)."""
        masts = self.stations.site[cells]
        apart = np.hypot(self.stations.x[masts] - self.x[:, None], self.stations.y[masts] - self.y[:, None])
        return np.asarray(apart, np.float64)


def check_setting(setting: Setting, table: CellTable) -> None:
    """Raises Invalid or Limit naming what is wrong."""
    if not 1 <= setting.phones <= FENCE_PHONES_SIMULATED:
        raise Invalid.at("phones", f"write 1 to {FENCE_PHONES_SIMULATED}")
    if not 2 <= setting.days <= FENCE_DAYS_SIMULATED:
        raise Invalid.at("days", f"write 2 to {FENCE_DAYS_SIMULATED}: the first day trains")
    if table.sites < 5:
        raise Invalid.at("sites", "a simulation needs at least 5 masts")
    if table.sites > FENCE_SITES_SIMULATED:
        raise Limit(
            f"A simulation takes at most {FENCE_SITES_SIMULATED} masts (FENCE_SITES_SIMULATED).",
            remedy="Choose an area with --box west,south,east,north.",
        )


def draw(table: CellTable, setting: Setting, radio: Radio | None = None) -> World:
    """The same for the same table, setting and radio. Raises Invalid or Limit."""
    check_setting(setting, table)
    model = radio or Radio()
    dice = np.random.default_rng(setting.seed)
    stations = stations_of(table)
    pairs = nearest_sites(stations, stations.x, stations.y, 2)[:, 1]
    spacing = float(np.median(np.hypot(stations.x - stations.x[pairs], stations.y - stations.y[pairs])))
    count = setting.phones
    masts = dice.integers(0, len(stations.x), count)
    off = setting.home_spread * spacing * np.sqrt(-np.log(1.0 - dice.random(count)))
    turn = dice.uniform(0, 2 * np.pi, count)
    x, y = stations.x[masts] + off * np.sin(turn), stations.y[masts] + off * np.cos(turn)
    cells = served(places_at(stations, x, y, model, dice), FIXES_A_DAY * setting.days, model, dice)
    walks = []
    for distance in setting.distances_m:
        for _ in range(setting.walks):
            after = dice.integers(FIXES_A_DAY, FIXES_A_DAY * setting.days, count)
            turn = dice.uniform(0, 2 * np.pi, count)
            away = places_at(stations, x + distance * np.sin(turn), y + distance * np.cos(turn), model, dice)
            first = cells[np.arange(count), after].astype(np.int64)
            walks.append(Walk(distance, after, served(away, setting.walk_fixes, model, dice, first=first)))
    return World(table, stations, setting, spacing, x, y, cells, tuple(walks))
