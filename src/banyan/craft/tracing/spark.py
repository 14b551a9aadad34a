"""The same kernel over Spark's partitions, for an agency whose pings lie in a cluster: Spark reads, shuffles and
schedules, the compiled scan decides, and the parts are added by `merged` as ever.

Nothing here imports Spark: a frame is whatever has its methods (pyspark 4). The workers' Python needs this package,
numpy, numba and pyarrow. The question travels with the task: cases and rule, some megabytes for a ship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any, Final

import numpy as np

from banyan.craft.tracing.model import HOUR_S, Pings
from banyan.craft.tracing.tracing import Desk, Part, Question, hours_asked, scan_hour
from banyan.errors import Invalid

COLUMNS: Final = ("phone", "at", "lon", "lat")
"""Slots; epoch seconds UTC; WGS84 micro-degrees."""
SCHEMA: Final = "hour long, phone long, buckets int, pings long"


def trace_on_spark(frame: Any, asked: Question) -> list[Part]:
    """The parts of a Spark frame with COLUMNS: each hour goes to one partition whole, so that a phone's bucket is
    counted once wherever her pings lay. Raises Invalid when a column is missing."""
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise Invalid.at("frame", f"columns {', '.join(COLUMNS)}; it has no {missing[0]}")
    hours = hours_asked(asked)
    rows = frame.select(*COLUMNS, (frame["at"] / HOUR_S).cast("long").alias("hour"))
    rows = rows.where(rows["hour"].isin(hours)).repartition("hour").sortWithinPartitions("hour")
    return parts_of(rows.mapInArrow(job_of(asked), SCHEMA).toArrow())


def job_of(asked: Question) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What a worker does with a partition's record batches, which are sorted by hour; one batch of found phones an
    hour. Raises Invalid for an hour that comes back."""

    def job(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        desk, done = Desk(asked), set[int]()
        for hour, pieces in groupby(_pieces(batches), key=lambda one: one[0]):
            if hour in done:
                raise Invalid.at("partition", "sort it by hour: an hour came back after another")
            done.add(hour)
            part = scan_hour(asked, hour, (pings for _, pings in pieces), desk)
            size = len(part.phone)
            columns = [np.full(size + 1, hour), np.r_[part.phone, 0], np.r_[part.buckets, 0], np.zeros(size + 1)]
            columns[3][-1] = part.pings  # a row with no bucket tells how many pings were looked at
            types = (np.int64, np.int64, np.int32, np.int64)
            arrays = [one.astype(kind) for one, kind in zip(columns, types, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=["hour", "phone", "buckets", "pings"])

    return job


def parts_of(table: Any) -> list[Part]:
    """The table that the jobs made, as parts by hour: in each a phone stands once."""
    hour, phone, buckets, pings = (
        np.asarray(table.column(name).to_numpy(), np.int64) for name in ("hour", "phone", "buckets", "pings")
    )
    found = []
    for one in np.unique(hour).tolist():
        at = hour == one
        met = at & (buckets > 0)
        found.append(Part(phone[met].astype(np.uint32), buckets[met].astype(np.uint16), int(pings[at].sum())))
    return found


def _pieces(batches: Iterable[Any]) -> Iterator[tuple[int, Pings]]:
    """Each batch cut where its hour changes."""
    for batch in batches:
        hour, phone, at, lon, lat = (batch.column(name).to_numpy() for name in ("hour", *COLUMNS))
        edges = [0, *(np.flatnonzero(np.diff(hour)) + 1).tolist(), len(hour)]
        for low, high in pairwise(edges):
            if low < high:
                second = (at[low:high] - hour[low] * HOUR_S).astype(np.uint16)
                east, north = (one[low:high].astype(np.int32) for one in (lon, lat))
                yield int(hour[low]), Pings(phone[low:high].astype(np.uint32), second, east, north)
