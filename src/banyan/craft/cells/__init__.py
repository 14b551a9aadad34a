"""Positions from the mobile network: cell tables, areas, and streams of fixes."""

from banyan.craft.cells.model import (
    NO_CELL,
    RADIOS,
    Area,
    CellId,
    CellTable,
    Circle,
    Fixes,
    Polygon,
    cell_table,
    check_area,
    fixes,
    parse_cell_id,
)

__all__ = [
    "NO_CELL", "RADIOS", "Area", "CellId", "CellTable", "Circle", "Fixes", "Polygon", "cell_table", "check_area",
    "fixes", "parse_cell_id",
]  # fmt: skip
