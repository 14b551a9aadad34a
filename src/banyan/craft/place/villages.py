"""Shapes of villages (村里), read when first asked for: their file has arcs of its own."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
import shapely

from banyan.craft.gazetteer.areas import FOLDER
from banyan.craft.gazetteer.villages import FILE, load_villages
from banyan.craft.place.atlas import Arc, ring_of


class _Transform(msgspec.Struct):
    scale: tuple[float, float]
    translate: tuple[float, float]


class _Topology(msgspec.Struct):
    arcs: list[list[tuple[int, int]]]
    transform: _Transform


@lru_cache(maxsize=1)
def _arcs() -> tuple[Arc, ...]:
    topology = msgspec.json.decode((FOLDER / FILE).read_bytes(), type=_Topology)
    scale, translate = np.array(topology.transform.scale), np.array(topology.transform.translate)
    return tuple(np.cumsum(np.array(arc, np.int64), axis=0) * scale + translate for arc in topology.arcs)


def village_shape(code: str) -> shapely.Geometry | None:
    """The village as a valid polygon in degrees; None for a code that is no village's."""
    village = load_villages().get(code)
    if village is None:
        return None
    arcs = _arcs()
    rings = [[ring_of(arcs, ring) for ring in polygon] for polygon in village.rings]
    return shapely.make_valid(shapely.multipolygons([shapely.Polygon(one[0], one[1:]) for one in rings]))
