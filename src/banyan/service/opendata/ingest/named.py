"""Towns by what a row says: a town or village code, names, or the opening of an address."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from banyan.craft.gazetteer import town_by_code, town_by_name
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.ingest.write import Planned

SURE = 1.9
"""Nearly every distinct name gave county and town (2 is all): no need to look at other columns."""
NAMES = 100_000
"""Distinct names or address openings we look up; beyond it the table keeps no towns by name."""
OPENING = 13
"""Characters of an address that hold a postal code, county and town."""
Place = tuple[str, str]
"""County and town codes; empty when unknown."""


def stage_names(stage: Stage, planned: Sequence[Planned], address: Planned | None) -> str:
    """Fill the table `named(k0, k1, county, town)`; the SQL join that reaches it, or empty when nothing names places.

    Of the columns that could tell, those that tell most towns are used.
    """
    best: tuple[float, list[str], dict[Place, Place]] = (0.0, [], {})
    for keys in _candidates(planned, address):
        places = _looked_up(stage, keys)
        known = sum(1 + bool(town) for county, town in places.values() if county) / max(len(places), 1)
        if known > best[0]:
            best = (known, keys, places)
        if known > SURE:
            break
    _, keys, places = best
    if not places:
        return ""
    columns = {
        "k0": [key[0] for key in places], "k1": [key[1] for key in places],
        "county": [place[0] for place in places.values()], "town": [place[1] for place in places.values()],
    }  # fmt: skip
    stage.register("chunk", {name: np.array(cells, dtype=object) for name, cells in columns.items()})
    stage.run("create table named as select k0, k1, nullif(county, '') as county, nullif(town, '') as town from chunk")
    stage.unregister("chunk")
    return f"left join named n on n.k0 = coalesce({keys[0]}, '') and n.k1 = coalesce({keys[1]}, '')"


def _candidates(planned: Sequence[Planned], address: Planned | None) -> list[list[str]]:
    """Pairs of SQL values that may name a place, the most certain first."""
    by_role: dict[str, Planned] = {one.column.role: one for one in reversed(planned)}
    found: list[list[str]] = []
    if "county" in by_role and "town" in by_role:
        found.append([by_role["county"].value, by_role["town"].value])
    found += [[by_role[role].value, "''"] for role in ("village", "town", "county") if role in by_role]
    if address is not None:
        found.append([f"left({address.value}, {OPENING})", "''"])
    return found


def _looked_up(stage: Stage, keys: Sequence[str]) -> dict[Place, Place]:
    """The place of every distinct pair of keys; nothing when there are too many."""
    distinct = stage.run(f"select distinct {keys[0]}, {keys[1]} from stage s limit {NAMES + 1}")
    if len(distinct) > NAMES:
        return {}
    return {pair: _place_of(*pair) for pair in ((str(first or ""), str(second or "")) for first, second in distinct)}


def _place_of(first: str, second: str) -> Place:
    named = town_by_code(first) or (town_by_name(second, first) if second else None)
    named = named or town_by_name(first.lstrip("0123456789 ()"))
    return (named.county, named.town) if named else ("", "")
