"""An event of very many rows as several: one record of the journal is 16 MiB at most (the nation's are under 3 MB)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from banyan.limits_supplies import SUPPLIES_EVENT_ROWS
from banyan.service.supplies.model import (
    BoardEvent,
    ItemsSet,
    NoticesChanged,
    PlacesChanged,
    ReservedSet,
    StockTick,
)


def sliced(event: BoardEvent, most: int = SUPPLIES_EVENT_ROWS) -> list[BoardEvent]:
    """The same news in events of at most `most` rows, in order. Rows that left a list go with the first, for they were
    last seen at the time that the first one ends. Between them rows of the later ones are as they were, and a look that
    was cut short is set right by the next."""
    if isinstance(event, ItemsSet):
        return [event]
    if isinstance(event, PlacesChanged | NoticesChanged):
        upserts = [event.upsert[start : start + most] for start in _starts(len(event.upsert), most)]
        changes: list[BoardEvent] = [replace(event, upsert=part, gone=()) for part in upserts]
        changes[-1] = replace(event, upsert=upserts[-1])
        return changes
    starts = _starts(len(event.codes), most)
    if len(starts) == 1:
        return [event]
    return [_rows(event, slice(start, start + most), is_first=start == 0) for start in starts]


def _starts(rows: int, most: int) -> Sequence[int]:
    return range(0, max(rows, 1), most)


def _rows(event: StockTick | ReservedSet, part: slice, *, is_first: bool) -> BoardEvent:
    codes, reserved = event.codes[part], tuple(column[part] for column in event.reserved)
    if isinstance(event, ReservedSet):
        return replace(event, codes=codes, reserved=reserved)
    counts = tuple(column[part] for column in event.counts)
    return replace(
        event, codes=codes, counts=counts, reserved=reserved, row_as_of=event.row_as_of[part],
        gone=event.gone if is_first else (),
    )  # fmt: skip
