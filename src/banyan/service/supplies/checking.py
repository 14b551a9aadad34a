"""Which events a board can take. What is once in the journal must be taken at every start, so this is asked before."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from banyan.errors import Invalid
from banyan.service.supplies.columns import UNKNOWN
from banyan.service.supplies.model import BoardEvent, ItemsSet, ReservedSet, StockTick

MOST: Final = 2**31 - 1
"""A number is a 32-bit integer in the board."""


def check(items: Container[str], event: BoardEvent) -> None:
    """Raises Invalid for an event that a board of these items could not take."""
    if isinstance(event, ItemsSet):
        _need(len({item.id for item in event.items}) == len(event.items), "items", "each once")
    if not isinstance(event, StockTick | ReservedSet):
        return
    _need(all(item in items for item in event.items), "items", "those of the board only")
    columns = (*event.reserved, *(event.counts if isinstance(event, StockTick) else ()))
    if isinstance(event, StockTick):
        _need(len(event.reserved) in (len(event.items), 0), "reserved", "as many columns as items, or none")
        _need(len(event.counts) == len(event.items), "counts", "as many columns as items")
        _need(len(event.row_as_of) in (len(event.codes), 0), "row_as_of", "as many as codes, or none")
    else:
        _need(len(event.reserved) == len(event.items), "reserved", "as many columns as items")
    _need(all(len(column) == len(event.codes) for column in columns), "codes", "as many as numbers in a column")
    _need(all(min(one) >= UNKNOWN and max(one) <= MOST for one in columns if one), "counts", f"at most {MOST}")


def _need(is_so: bool, field: str, fix: str) -> None:
    if not is_so:
        raise Invalid.at(field, fix)
