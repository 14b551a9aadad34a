"""Cells that reach into shapes of the map: whom a broadcast or an SMS by area is for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import shapely

from banyan.craft.cells.model import CellTable, Polygon

SIMPLIFY: Final = 0.0005
"""Degrees, 50 m: less than a cell's reach; a county's coast has 5,000 points."""


def cells_reached(table: CellTable, shapes: Iterable[shapely.Geometry], most: int) -> tuple[str, ...]:
    """Cells whose coverage reaches into any of the shapes, in the table's order, `most` at the most. One too many rings
    where it need not; one too few is silent where it must not be."""
    found: set[int] = set()
    for shape in shapes:
        found |= set(table.within(_polygon(shape), reaching=True).tolist())
    return tuple(table.ids[place] for place in sorted(found)[:most])


def _polygon(shape: shapely.Geometry) -> Polygon:
    parts = [one for one in shapely.get_parts(shapely.simplify(shape, SIMPLIFY)) if isinstance(one, shapely.Polygon)]
    rings = [ring for part in parts if not part.is_empty for ring in shapely.get_rings(part)]
    return Polygon(tuple(tuple((float(x), float(y)) for x, y in ring.coords) for ring in rings))
