"""A batch of fixes in whatever an operator's machine writes: lines of JSON, an Arrow stream, or a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from banyan.craft.cells.model import CellTable
from banyan.craft.cells.streaming import Decoded, SlotOf, decode_columns, decode_lines
from banyan.errors import Invalid, Limit
from banyan.limits_fence import FIX_BATCH_BYTES, FIX_ROWS, FIX_UNPACKED_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
ARROW: Final = "application/vnd.apache.arrow.stream"
PARQUET: Final = "application/vnd.apache.parquet"
KINDS: Final = (*NDJSON, ARROW, PARQUET)
COLUMNS: Final = ("phone", "at", "cell", "lon", "lat")
ROWS: Final = 65_536
"""Read at a time, so that a small file which unpacks to a large one is noticed on the way."""


def decode(body: bytes, kind: str, table: CellTable, slot_of: SlotOf) -> Decoded:
    """`kind` is one of KINDS, the body's media type. Raises Limit for a batch too large, Invalid for what is none."""
    assert kind in KINDS, "the door asked for one of them"
    if kind in NDJSON:
        return decode_lines(body, table, slot_of)
    if len(body) > FIX_BATCH_BYTES:
        raise Limit(f"A batch is at most {FIX_BATCH_BYTES} bytes (FIX_BATCH_BYTES).", remedy="Send it in parts.")
    import pyarrow as pa

    try:
        return decode_columns(_rows(body, is_stream=kind == ARROW), table, slot_of)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Invalid.at("body", f"it cannot be read as {kind}") from error


def _rows(body: bytes, *, is_stream: bool) -> Iterator[tuple[Any, ...]]:
    """phone, at, cell, lon, lat of each row; None where the column or the value is missing."""
    total = unpacked = 0
    for batch in _batches(body, is_stream=is_stream):
        total, unpacked = total + batch.num_rows, unpacked + batch.nbytes
        if total > FIX_ROWS or unpacked > FIX_UNPACKED_BYTES:
            raise Limit(
                f"A batch is at most {FIX_ROWS} fixes (FIX_ROWS) and {FIX_UNPACKED_BYTES} bytes (FIX_UNPACKED_BYTES).",
                remedy="Send it in parts.",
            )
        names = set(batch.schema.names)
        for needed in ("phone", "at"):
            if needed not in names:
                raise Invalid.at(needed, "the batch has no such column")
        columns = [batch.column(one).to_pylist() if one in names else [None] * batch.num_rows for one in COLUMNS]
        columns[1] = [one.timestamp() if isinstance(one, datetime) and one.tzinfo else one for one in columns[1]]
        yield from zip(*columns, strict=True)


def _batches(body: bytes, *, is_stream: bool) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if is_stream:
        with pa.ipc.open_stream(pa.BufferReader(body)) as stream:
            yield from stream
        return
    import pyarrow.parquet as pq

    yield from pq.ParquetFile(pa.BufferReader(body)).iter_batches(batch_size=ROWS, use_threads=False)
