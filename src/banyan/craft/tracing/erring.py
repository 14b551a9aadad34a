"""How often a tracing rule lists who was near, and who was not: the error curve of positions that are masts.

Two people stay for an hour at a known distance from each other; the network sees each every five minutes by the mast
that serves the phone, and the rule is asked. Who was near and is not listed is missed; who was far and is listed is
warned for nothing. Radio as in the fence's simulator (field notes s2); neighbours share their shadowing, with a
correlation of exp(-distance / 50 m) (Gudmundson 1991, doi:10.1049/el:19911328; 50 m: 3GPP TR 36.814 table A.2.1.1-2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.cells.model import CellTable, Floats, Ints
from banyan.craft.chart import Chart, Series
from banyan.craft.fencing.radio import (
    Places,
    Radio,
    Stations,
    expected,
    nearest_sites,
    places_at,
    served,
    stations_of,
)
from banyan.craft.tracing.model import HOUR_S, Flags, Rule
from banyan.errors import Invalid

METRES: Final = (0.0, 50.0, 100.0, 200.0, 300.0, 500.0, 750.0, 1_000.0, 1_500.0, 2_000.0, 3_000.0, 5_000.0)
FIX_S: Final = 300
STEPS: Final = HOUR_S // FIX_S
SHARED_M: Final = 50.0
AROUND: Final = 0.55
"""Homes lie around masts, as in the fence's simulator: root mean square in median distances between neighbours."""
PAIRS_MOST: Final = 5_000


class Share(msgspec.Struct, frozen=True):
    """Of pairs so far apart, the share that the rule lists."""

    metres: float
    listed: float


class Erring(msgspec.Struct, frozen=True):
    """What each rule (by its name) does at one kind of place. `error_m`: from a person to the mast, median."""

    place: str
    sites: int
    spacing_m: float
    error_m: float
    pairs: int
    rules: dict[str, tuple[Share, ...]]

    def listed(self, rule: str, metres: float) -> float:
        return next(one.listed for one in self.rules[rule] if one.metres == metres)


class Seen(msgspec.Struct, frozen=True, eq=False):
    """Pairs as the network saw them: seconds within the hour and metres on the plane, (pairs x fixes) of each."""

    at: tuple[Ints, Ints]
    x: tuple[Floats, Floats]
    y: tuple[Floats, Floats]


def erring(table: CellTable, place: str, rules: Mapping[str, Rule], *, pairs: int, seed: int) -> Erring:
    """The same for the same table, rules, pairs and seed. Raises Invalid."""
    if not 1 <= pairs <= PAIRS_MOST:
        raise Invalid.at("pairs", f"write 1 to {PAIRS_MOST}")
    if table.sites < 5:
        raise Invalid.at("sites", "a simulation needs at least 5 masts")
    dice, radio, stations = np.random.default_rng(seed), Radio(), stations_of(table)
    next_to = nearest_sites(stations, stations.x, stations.y, 2)[:, 1]
    spacing = float(np.median(np.hypot(stations.x - stations.x[next_to], stations.y - stations.y[next_to])))
    x, y = _around(stations, spacing, pairs, dice)
    first = places_at(stations, x, y, radio, dice)
    found: dict[str, list[Share]] = {name: [] for name in rules}
    errors = []
    for metres in METRES:
        seen = _seen(stations, (first, beside(stations, first, metres, radio, dice)), radio, dice)
        errors.append(np.hypot(seen.x[0] - x[:, None], seen.y[0] - y[:, None]))
        for name, rule in rules.items():
            found[name].append(Share(metres, round(float(listed(seen, rule).mean()), 4)))
    error = round(float(np.median(np.concatenate(errors))), 1)
    return Erring(
        place, table.sites, round(spacing, 1), error, pairs, {name: tuple(one) for name, one in found.items()}
    )


@lru_cache(maxsize=1)
def shipped() -> tuple[Erring, ...]:
    """What `./banyan trace errors --out FOLDER` measured on generated masts when this version was made."""
    text = files("banyan.craft.tracing").joinpath("errors.json").read_bytes()
    return msgspec.json.decode(text, type=tuple[Erring, ...])


def as_json(results: Sequence[Erring]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(list(results)), indent=1)


def picture(result: Erring, *, title: str, description: str, names: Mapping[str, str]) -> Chart:
    """For each rule in `names` (rule: what readers call it) the share listed at each distance."""
    series = [Series(shown, tuple(one.listed for one in result.rules[name])) for name, shown in names.items()]
    return Chart("line", title, description, tuple(f"{metres:,.0f}" for metres in METRES), tuple(series))


def beside(stations: Stations, first: Places, metres: float, radio: Radio, dice: np.random.Generator) -> Places:
    """Places at so many metres from the first ones in directions drawn at random, under shadows that they share."""
    turn = dice.uniform(0, 2 * np.pi, len(first.x))
    x, y = first.x + metres * np.sin(turn), first.y + metres * np.cos(turn)
    sites = nearest_sites(stations, x, y, first.sites.shape[1])
    sectors = stations.by_site.shape[1]
    cells = stations.by_site[sites].reshape(len(x), -1).astype(np.int64)
    known = first.level[:, ::sectors] - expected(stations, first.cells[:, ::sectors], first.x, first.y)
    same = sites[:, :, None] == first.sites[:, None, :]
    theirs = np.take_along_axis(known, same.argmax(axis=2), axis=1)
    shared = np.exp(-metres / SHARED_M)
    own = dice.normal(0.0, radio.steady, sites.shape)
    shadow = np.where(same.any(axis=2), shared * theirs + np.sqrt(1 - shared**2) * own, own)
    return Places(x, y, sites, cells, expected(stations, cells, x, y) + np.repeat(shadow, sectors, axis=1))


def listed(seen: Seen, rule: Rule) -> Flags:
    """Of each pair whether the second is a contact of the first, as `tracing.trace` counts."""
    (case_at, own_at), (case_x, own_x), (case_y, own_y) = seen.at, seen.x, seen.y
    near = np.hypot(own_x[:, :, None] - case_x[:, None, :], own_y[:, :, None] - case_y[:, None, :]) <= rule.radius_m
    if rule.edge == "within":
        near &= np.abs(own_at[:, :, None] - case_at[:, None, :]) <= rule.near_s
    else:
        near &= own_at[:, :, None] // rule.bucket_s == case_at[:, None, :] // rule.bucket_s
    met: Flags = np.asarray(near.any(axis=2), np.bool_)
    buckets: Flags = np.zeros((len(met), HOUR_S // rule.bucket_s), np.bool_)
    pair, fix = np.nonzero(met)
    buckets[pair, own_at[pair, fix] // rule.bucket_s] = True
    return np.asarray(buckets.sum(axis=1) >= rule.least, np.bool_)


def _around(stations: Stations, spacing: float, count: int, dice: np.random.Generator) -> tuple[Floats, Floats]:
    masts = dice.integers(0, len(stations.x), count)
    off = AROUND * spacing * np.sqrt(-np.log(1.0 - dice.random(count)))
    turn = dice.uniform(0, 2 * np.pi, count)
    return stations.x[masts] + off * np.sin(turn), stations.y[masts] + off * np.cos(turn)


def _seen(stations: Stations, both: tuple[Places, Places], radio: Radio, dice: np.random.Generator) -> Seen:
    """Each phone is asked at its own second of the five minutes. The simulator's correlation is for ten."""
    model = msgspec.structs.replace(radio, rho=radio.rho ** (FIX_S / 600))
    at, x, y = [], [], []
    for places in both:
        masts = stations.site[served(places, STEPS, model, dice)]
        phase: npt.NDArray[np.int64] = dice.integers(0, FIX_S, (len(masts), 1))
        at.append((np.arange(STEPS) * FIX_S + phase).astype(np.int32))
        x.append(stations.x[masts])
        y.append(stations.y[masts])
    return Seen((at[0], at[1]), (x[0], x[1]), (y[0], y[1]))
