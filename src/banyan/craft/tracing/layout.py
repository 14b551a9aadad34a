"""One hour of pings as Parquet, in an order that is small and lets a question read little.

Rows are in Morton order of 500 m cells, then of phone and second; groups and pages of 131,072. A position is its cell
and how far `east` and `north` (micro-degrees) of the cell's south-west corner. The column `cell` costs next to nothing
(it is sorted) and its statistics in the footer are the sidecar: a group covers a range of cells, so that any reader of
Parquet can leave out what is far away. Our own reader does not read it: how many cells a row's is from that of the row
before stands in bits that `second` (to the east, from SECOND_BITS on) and `east` (to the north, from EAST_BITS on)
leave free, and is nought for most rows. Others mask these. Why: docs/decisions/0136.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
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
PLACES: Final = ("cell", "phone", "second", "east", "north")
READ: Final = PLACES[1:]
SCHEMA: Final = pa.schema([(name, pa.int64() if name == "cell" else pa.int32()) for name in PLACES])
SECOND_BITS: Final = 12
EAST_BITS: Final = 13
"""Above them is room for the Earth's 72,405 columns and 39,796 rows of cells, either way."""
ENCODINGS: Final = {"cell": "DELTA_BINARY_PACKED", "phone": "PLAIN"} | dict.fromkeys(
    ("second", "east", "north"), "BYTE_STREAM_SPLIT"
)
"""A phone's number again is a match to zstd; of the others each octet is a stream, and a page's streams fill whole
blocks of zstd (131,072 octets), each with a table of its own."""
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
    is_new = np.zeros(len(rows), bool)
    is_new[:1] = True
    for name in COLUMNS:
        column = getattr(rows, name)
        is_new[1:] |= column[1:] != column[:-1]
    kept, code = rows.take(is_new), code[is_new]
    x, east = np.divmod(kept.lon.astype(np.int64) + 180_000_000, STEP_X)
    y, north = np.divmod(kept.lat.astype(np.int64) + 90_000_000, STEP_Y)
    second = kept.second.astype(np.int64) | _steps(x) << SECOND_BITS
    columns = (kept.phone, second, east | _steps(y) << EAST_BITS, north)
    table = pa.table([code, *(one.astype(np.int32) for one in columns)], schema=SCHEMA)
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        row_group_size=LAKE_GROUP_ROWS,
        use_dictionary=False,
        column_encoding=ENCODINGS,
        compression="zstd",
        compression_level=1,
        data_page_version="2.0",
        write_statistics=["cell"],
        data_page_size=1 << 21,
        max_rows_per_page=LAKE_GROUP_ROWS,
    )
    return out.getvalue(), table.num_rows


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


def groups_of(file: pq.ParquetFile, groups: tuple[int, ...], *, at_once: int = 8) -> Iterator[Pings]:
    """The pings of these row groups, some groups at a time."""
    is_old = "east" not in file.schema_arrow.names
    for start in range(0, len(groups), at_once):
        chosen = groups[start : start + at_once]
        table = file.read_row_groups(list(chosen), columns=COLUMNS if is_old else READ, use_threads=False)
        yield pings_of(table, None if is_old else [file.metadata.row_group(group) for group in chosen])


def pings_of(table: Any, groups: Sequence[Any] | None = None) -> Pings:
    """Columns of a table as the kernel takes them; `groups` are the footer's words on its row groups. Files of before
    0136 have positions as they are, and no use for these: they end within four weeks."""
    from banyan.craft.tracing.placed import placed

    phone, second, east, north = (_own(table.column(name)) for name in table.column_names)
    if groups is None:
        return Pings(phone.view(np.uint32), second.astype(np.uint16), east, north)
    firsts = [one.column(0).statistics.min if one.num_rows else 0 for one in groups]
    corners = np.array([_corner(one) for one in firsts], np.int32)
    ends = np.cumsum([one.num_rows for one in groups])
    seconds = placed(corners, ends, (second, east, north), (STEP_X, STEP_Y, SECOND_BITS, EAST_BITS))
    return Pings(phone.view(np.uint32), seconds, east, north)


def _own(column: Any) -> npt.NDArray[np.int32]:
    """A column that was just read, to be written over: its memory where it is one piece, else a copy."""
    buffer = column.chunk(0).buffers()[1] if column.num_chunks == 1 else None
    if buffer is None or not buffer.is_mutable:
        return np.array(column.to_numpy(), np.int32)
    return np.frombuffer(buffer, np.int32, len(column), column.chunk(0).offset * 4)


def _steps(cell: Longs) -> Longs:
    """How far each is from the one before; of a group's first, whose cell is in the statistics, nought."""
    found = np.diff(cell, prepend=cell[:1])
    found[::LAKE_GROUP_ROWS] = 0
    return found


def _corner(code: int) -> tuple[int, int]:
    """A cell's south-west corner in micro-degrees."""
    x, y = (int(f"0{code >> at:b}"[::-2][::-1], 2) for at in (0, 1))
    return x * STEP_X - 180_000_000, y * STEP_Y - 90_000_000


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
