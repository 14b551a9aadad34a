"""How cells serve a phone, drawn at random: path loss, sectors, shadowing, hand-over hysteresis, load steering.

Source: field notes s2; 3GPP TR 36.942 s4.4.1 (urban macro, 128.1 + 37.6 log10 d) and s4.2.1 (sector pattern 65/20 dB).
All phones of a run are drawn together: one step is a few operations on (phones x candidate cells).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.cells.covering import Plane
from banyan.craft.cells.model import CellTable, Floats, Ints

Longs = npt.NDArray[np.int64]
CANDIDATES: Final = 30
"""Nearest sites that may serve a phone: at Tel Aviv's spacing the 30th is 800 m away, in Galilee 4 km."""
NEAREST_KM: Final = 0.02
"""Path loss is not believed nearer to a mast than its height."""


class Radio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decibels but for shares. `steady` is the shadowing fixed to a place and a mast, `slow` that of one day's moments
    (its correlation from one fix to the next is `rho`), `fast` what is left. Of all fixes `steered` are served by the
    second to fourth best cell for its load, `overshot` by any candidate."""

    steady: float = 8.0
    slow: float = 3.0
    rho: float = 0.85
    fast: float = 2.0
    hysteresis: float = 3.0
    steered: float = 0.056
    overshot: float = 0.004


class Stations(msgspec.Struct, frozen=True, eq=False):
    """Cells on a plane in metres: of each site its place, of each cell its site and azimuth in radians (NaN: round)."""

    x: Floats
    y: Floats
    site: Ints
    azimuth: Floats
    by_site: Ints
    """Cells of each site, (sites x most), -1 where it has fewer."""


def stations_of(table: CellTable) -> Stations:
    lon, lat = table.site_points()
    x, y = Plane(float(lon.mean()), float(lat.mean())).metres(lon, lat)
    order = np.argsort(table.site, kind="stable")
    counts = np.bincount(table.site, minlength=len(lon))
    starts = np.cumsum(counts) - counts
    by_site = np.full((len(lon), int(counts.max())), -1, np.int32)
    by_site[table.site[order], np.arange(len(order)) - starts[table.site[order]]] = order
    return Stations(x, y, table.site, np.radians(table.azimuth), by_site)


def nearest_sites(stations: Stations, x: Floats, y: Floats, count: int) -> Longs:
    """(points x count) sites, nearest first."""
    from shapely import STRtree, points

    count = min(count, len(stations.x))
    found = np.empty((len(x), count), np.int64)
    tree = STRtree(np.asarray(points(stations.x, stations.y), object))
    spacing = np.sqrt(np.ptp(stations.x) * np.ptp(stations.y) / len(stations.x)) + 1.0
    for place, (east, north) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        reach = spacing * np.sqrt(count)
        near = np.empty(0, np.int64)
        while len(near) < count:
            near = tree.query(points(east, north), predicate="dwithin", distance=reach)
            reach *= 1.6
        apart = np.hypot(stations.x[near] - east, stations.y[near] - north)
        found[place] = near[np.argsort(apart, kind="stable")[:count]]
    return found


def expected(stations: Stations, cells: Longs, x: Floats, y: Floats) -> Floats:
    """Decibels by path loss and sector pattern alone, of (points x cells); -inf where a cell is -1."""
    masts = stations.site[cells]
    east, north = x[:, None] - stations.x[masts], y[:, None] - stations.y[masts]
    level = -(128.1 + 37.6 * np.log10(np.maximum(np.hypot(east, north) / 1000.0, NEAREST_KM)))
    turn = np.angle(np.exp(1j * (np.arctan2(east, north) - stations.azimuth[cells])))
    pattern = np.minimum(12.0 * (np.degrees(turn) / 65.0) ** 2, 20.0)
    level -= np.where(np.isfinite(pattern), pattern, 0.0)
    return np.asarray(np.where(cells >= 0, level, -np.inf), np.float64)


class Places(msgspec.Struct, frozen=True, eq=False):
    """Points where phones are: which cells may serve there, and how strong each is for as long as one stays."""

    x: Floats
    y: Floats
    sites: Longs
    cells: Longs
    """(points x sites * cells a site), by site."""
    level: Floats


def places_at(stations: Stations, x: Floats, y: Floats, radio: Radio, dice: np.random.Generator) -> Places:
    """Draw the shadowing of each place: the same for all sectors of a mast."""
    sites = nearest_sites(stations, x, y, CANDIDATES)
    cells = stations.by_site[sites].reshape(len(x), -1).astype(np.int64)
    sectors = stations.by_site.shape[1]
    shadow = np.repeat(dice.normal(0.0, radio.steady, sites.shape), sectors, axis=1)
    return Places(x, y, sites, cells, expected(stations, cells, x, y) + shadow)


def served(places: Places, steps: int, radio: Radio, dice: np.random.Generator, *, first: Longs | None = None) -> Ints:
    """(points x steps) serving cells. `first`: the cells that served before, which hand-over favours."""
    points, width = places.level.shape
    masts = places.sites.shape[1]
    slow = dice.normal(0.0, radio.slow, (points, masts))
    rows = np.arange(points)
    rank = min(4, width)
    serving = np.full(points, -1, np.int64)
    if first is not None:
        held = places.cells == first[:, None]
        serving = np.where(held.any(axis=1), held.argmax(axis=1), -1)
    found = np.empty((points, steps), np.int32)
    innovation = radio.slow * np.sqrt(1 - radio.rho**2)
    for step in range(steps):
        level = places.level + np.repeat(slow, width // masts, axis=1)
        level += dice.normal(0.0, radio.fast, (points, width))
        best = level.argmax(axis=1)
        keeps = (serving >= 0) & (level[rows, serving] + radio.hysteresis >= level[rows, best])
        serving = np.where(keeps, serving, best)
        shown = serving.copy()
        chance = dice.random(points)
        steered = np.flatnonzero(chance < radio.steered)
        if steered.size and rank > 1:
            ranked = np.argpartition(-level[steered], range(rank), axis=1)[:, 1:rank]
            shown[steered] = ranked[np.arange(steered.size), dice.integers(0, rank - 1, steered.size)]
        overshot = np.flatnonzero((chance >= radio.steered) & (chance < radio.steered + radio.overshot))
        shown[overshot] = dice.integers(0, width, overshot.size)
        picked = places.cells[rows, shown]
        found[:, step] = np.where(picked >= 0, picked, places.cells[rows, best])
        slow = radio.rho * slow + dice.normal(0.0, innovation, (points, masts))
    return found
