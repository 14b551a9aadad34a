"""Tables of cells from files: one operator's or several, as CSV, also compressed. For a node's fence and its verbs."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from banyan.craft.cells.model import CellTable, cell_table
from banyan.craft.cells.reading import Keep, Read, read_cells
from banyan.errors import Invalid, Limit
from banyan.limits_fence import CELL_FILE_BYTES, CELL_ROWS


def read_file(path: Path, *, where: Sequence[str] = (), field: str = "sites") -> Read:
    """One file. Raises Invalid for a file or a filter that cannot be used, Limit for one too large."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            text = file.read(CELL_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid.at(field, f"{path} cannot be read: {error}") from error
    return read_cells(text, keep=keeps(where))


def sites_of(path: Path, *, where: Sequence[str] = (), box: str = "") -> CellTable:
    """A file's cells, within a box of degrees when one is written. Raises Invalid."""
    table = read_file(path, where=where).table
    if not box:
        return table
    numbers = [float(one) for one in box.split(",") if re.fullmatch(r"\s*-?\d{1,3}(\.\d+)?\s*", one)]
    if len(numbers) != 4:
        raise Invalid.at("box", "write west,south,east,north in degrees")
    west, south, east, north = numbers
    inside = (table.lon >= west) & (table.lon <= east) & (table.lat >= south) & (table.lat <= north)
    if not inside.any():
        raise Invalid.at("box", "no mast stands in it")
    ids = [ident for ident, kept in zip(table.ids, inside.tolist(), strict=True) if kept]
    columns = {name: getattr(table, name)[inside] for name in ("azimuth", "range_m", "radio")}
    return cell_table(ids, table.lon[inside], table.lat[inside], **columns)


def joined(tables: Sequence[CellTable]) -> CellTable:
    """One table of several; a cell that stands in two is the first's. Masts of different files are different masts.

    Raises Limit above CELL_ROWS cells.
    """
    if len(tables) == 1:
        return tables[0]
    known: set[str] = set()
    kept: list[list[int]] = []
    for table in tables:
        kept.append([place for place, ident in enumerate(table.ids) if ident not in known])
        known.update(table.ids)
    if len(known) > CELL_ROWS:
        raise Limit(f"A table is at most {CELL_ROWS} cells (CELL_ROWS).", remedy="Name fewer files in fence.cells.")
    first = np.cumsum([0, *(table.sites for table in tables)])
    ids = [table.ids[place] for table, places in zip(tables, kept, strict=True) for place in places]
    site = [table.site[places] + first[at] for at, (table, places) in enumerate(zip(tables, kept, strict=True))]
    columns = {
        name: np.concatenate([getattr(table, name)[places] for table, places in zip(tables, kept, strict=True)])
        for name in ("lon", "lat", "azimuth", "range_m", "radio")
    }
    _, dense = np.unique(np.concatenate(site), return_inverse=True)
    return cell_table(ids, columns.pop("lon"), columns.pop("lat"), site=dense, **columns)


def keeps(where: Sequence[str]) -> Keep:
    """Which rows are wanted: all of COLUMN=VALUE. Raises Invalid for what is none."""
    pairs = [one.partition("=") for one in where]
    for column, equals, _ in pairs:
        if not column or not equals:
            raise Invalid.at("where", "write COLUMN=VALUE")
    return lambda row: all(row.get(column) == value for column, _, value in pairs)
