"""One hour of pings as Parquet, in an order that is small and lets a question read little.

Rows are in Morton order of 500 m cells, then of phone and second; groups of 65,536; all columns DELTA_BINARY_PACKED and
zstd. The column `cell` costs next to nothing (it is sorted) and its statistics in the footer are the sidecar: a group
covers a range of cells, so that any reader of Parquet can leave out what is far away. Why: docs/decisions/0126.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from banyan.craft.tracing.grid import reach
from banyan.craft.tracing.model import Fixes, Pings
from banyan.limits_tracing import LAKE_GROUP_ROWS

Longs = npt.NDArray[np.int64]
STEP_X: Final = 4_972
STEP_Y: Final = 4_523
"""Micro-degrees: 500 m and a little at Taiwan's latitudes."""
COLUMNS: Final = ("phone", "second", "lon", "lat")
SCHEMA: Final = pa.schema(
    [("cell", pa.int64()), ("phone", pa.int32()), ("second", pa.int32()), ("lon", pa.int32()), ("lat", pa.int32())]
)
WHOLE: Final = 0.7
"""From this share of groups on the whole file is read at once: opening blocks one by one costs more than it saves."""


def cell_codes(lon: npt.NDArray[np.int32], lat: npt.NDArray[np.int32]) -> Longs:
    """The Morton code of each position's cell, on a grid over the whole Earth."""
    return interleaved((lon.astype(np.int64) + 180_000_000) // STEP_X, (lat.astype(np.int64) + 90_000_000) // STEP_Y)


def interleaved(x: Longs, y: Longs) -> Longs:
    """The bits of two numbers below 2**20, in turns; x at the even places."""
    return _spread(x) | _spread(y) << 1


def encoded(pings: Pings) -> tuple[bytes, int]:
    """The hour's file, and how many rows it has: a row that is there twice is told once."""
    code = cell_codes(pings.lon, pings.lat)
    order = np.lexsort((pings.second, pings.phone, code))
    code, rows = code[order], pings.take(order)
    is_new = np.ones(len(rows), bool)
    is_new[1:] = np.diff(code) != 0
    for name in COLUMNS:
        column = getattr(rows, name)
        is_new[1:] |= column[1:] != column[:-1]
    kept, code = rows.take(is_new), code[is_new]
    table = pa.table([code, *(getattr(kept, name).astype(np.int32) for name in COLUMNS)], schema=SCHEMA)
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        row_group_size=LAKE_GROUP_ROWS,
        use_dictionary=False,
        column_encoding=dict.fromkeys(SCHEMA.names, "DELTA_BINARY_PACKED"),
        compression="zstd",
        compression_level=3,
        data_page_version="2.0",
        write_statistics=["cell"],
        data_page_size=1 << 20,
    )
    return out.getvalue(), len(kept)


class Plan(msgspec.Struct, frozen=True):
    """Which row groups a question reads, of how many."""

    groups: tuple[int, ...]
    of: int

    @property
    def is_whole(self) -> bool:
        return len(self.groups) >= WHOLE * self.of


def near_codes(cases: Fixes, radius_m: float) -> Longs:
    """The codes of every cell that somebody near a case may stand in, sorted."""
    if not len(cases):
        return np.empty(0, np.int64)
    steep = (np.abs(cases.lat).max() + reach(radius_m, 0.0)[1]) / 1e6
    across, up = reach(radius_m, float(steep))
    low_x, high_x = _cells(cases.lon, across, 180_000_000, STEP_X)
    low_y, high_y = _cells(cases.lat, up, 90_000_000, STEP_Y)
    boxes = np.unique(np.stack([low_x, high_x, low_y, high_y]), axis=1)
    found = []
    for add_x in range(int((boxes[1] - boxes[0]).max()) + 1):
        for add_y in range(int((boxes[3] - boxes[2]).max()) + 1):
            x, y = boxes[0] + add_x, boxes[2] + add_y
            inside = (x <= boxes[1]) & (y <= boxes[3])
            found.append(np.unique(interleaved(x[inside], y[inside])))
    return np.unique(np.concatenate(found))


def plan_of(file: pq.ParquetFile, near: Longs) -> Plan:
    """By the footer alone."""
    meta = file.metadata
    chosen = []
    for group in range(meta.num_row_groups):
        statistics = meta.row_group(group).column(0).statistics
        if statistics is None or not statistics.has_min_max:
            chosen.append(group)
            continue
        low = np.searchsorted(near, statistics.min)
        if low < len(near) and near[low] <= statistics.max:
            chosen.append(group)
    return Plan(tuple(chosen), meta.num_row_groups)


def groups_of(file: pq.ParquetFile, groups: tuple[int, ...], *, at_once: int = 16) -> Iterator[Pings]:
    """The pings of these row groups, some groups at a time."""
    for start in range(0, len(groups), at_once):
        yield pings_of(file.read_row_groups(list(groups[start : start + at_once]), columns=COLUMNS, use_threads=False))


def pings_of(table: Any) -> Pings:
    """Columns of a table as the kernel takes them."""
    phone, second, lon, lat = (table.column(name).to_numpy() for name in COLUMNS)
    return Pings(phone.view(np.uint32), second.astype(np.uint16), lon, lat)


def _cells(values: npt.NDArray[np.int32], reach_: int, origin: int, step: int) -> tuple[Longs, Longs]:
    wide = values.astype(np.int64) + origin
    return (wide - reach_) // step, (wide + reach_) // step


def _spread(value: Longs) -> Longs:
    """Bits to the even places. Source: the usual magic numbers, for 32 bits."""
    spread = value & 0xFFFF_FFFF
    for shift, mask in (
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ):
        spread = (spread | spread << shift) & mask
    return spread
