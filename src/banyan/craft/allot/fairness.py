"""How even a sharing out is: units per resident by town, the Lorenz curve and its Gini coefficient.

Source: Gini, Variabilità e mutabilità, 1912; Lorenz, Publ. ASA 9:209, 1905. Groups are weighed by their residents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from banyan.craft.allot.model import Amounts, Counts


class Lorenz(msgspec.Struct, frozen=True):
    """Points of the curve: the `people` with least hold so much of the `units`, both as shares from 0 to 1."""

    people: tuple[float, ...]
    units: tuple[float, ...]


class Town(msgspec.Struct, frozen=True):
    """What a town got. `per_1000` residents; None where nobody knows how many live there."""

    town: str
    outlets: int
    units: int
    people: int | None
    per_1000: float | None


def by_town(towns: Sequence[str], units: Counts, people: Mapping[str, int]) -> tuple[Town, ...]:
    """Sums by town, in the order of their names. Towns with residents and no outlet stand with nothing."""
    outlets: dict[str, int] = dict.fromkeys(people, 0)
    sums: dict[str, int] = dict.fromkeys(people, 0)
    for town, count in zip(towns, units.tolist(), strict=True):
        outlets[town] = outlets.get(town, 0) + 1
        sums[town] = sums.get(town, 0) + count
    return tuple(_town(town, outlets[town], sums[town], people.get(town)) for town in sorted(sums))


def lorenz(units: Amounts | Counts, people: Amounts | Counts) -> Lorenz:
    """The curve over groups of `people` holding `units`; nobody and nothing gives the even line."""
    held, heads = _ordered(units, people)
    if not len(heads) or not held[-1]:
        return Lorenz((0.0, 1.0), (0.0, 1.0))
    return Lorenz((0.0, *(heads / heads[-1]).tolist()), (0.0, *(held / held[-1]).tolist()))


def gini(units: Amounts | Counts, people: Amounts | Counts) -> float:
    """0: everybody has the same; towards 1: one has all. 0 for nobody or nothing."""
    curve = lorenz(units, people)
    wide, high = np.diff(curve.people), np.array(curve.units)
    return max(0.0, 1.0 - float((wide * (high[1:] + high[:-1])).sum()))


def _ordered(units: Amounts | Counts, people: Amounts | Counts) -> tuple[Amounts, Amounts]:
    """Cumulated units and people, least per head first; groups of nobody are left out."""
    heads, held = np.asarray(people, np.float64), np.asarray(units, np.float64)
    is_peopled = heads > 0
    heads, held = heads[is_peopled], held[is_peopled]
    order = np.lexsort((heads, held / heads))
    return np.cumsum(held[order]), np.cumsum(heads[order])


def _town(name: str, outlets: int, units: int, people: int | None) -> Town:
    return Town(name, outlets, units, people, round(1000 * units / people, 1) if people else None)
