"""What stands where: one row for each outlet and item, eight numbers a row (`Stock`)."""

from __future__ import annotations

from array import array

import msgspec

from banyan.service.rationing.engine.model import Stock


class Dump(msgspec.Struct, frozen=True):
    outlets: tuple[str, ...]
    items: tuple[str, ...]
    places: bytes
    columns: tuple[bytes, ...]


class Shelves:
    """Rows by (outlet, item). Only `State` changes the columns."""

    __slots__ = (
        "_numbers",
        "available",
        "corrected",
        "delivered",
        "item_of",
        "items",
        "leased",
        "outlet_of",
        "outlets",
        "reserved",
        "returned",
        "rows",
        "short",
        "sold",
    )

    def __init__(self) -> None:
        self.outlets: list[str] = []
        self._numbers: dict[str, int] = {}
        self.items: list[str] = []
        self.rows: dict[tuple[str, str], int] = {}
        self.outlet_of = array("I")
        self.item_of = array("B")
        self.available = array("q")
        self.delivered = array("q")
        self.corrected = array("q")
        self.returned = array("q")
        self.sold = array("q")
        self.reserved = array("q")
        self.leased = array("q")
        self.short = array("q")

    def columns(self) -> tuple[array[int], ...]:
        """In the order of Stock's fields."""
        moved = (self.delivered, self.corrected, self.returned, self.sold, self.reserved, self.leased, self.short)
        return (self.available, *moved)

    def item(self, name: str) -> int:
        """An item's number, given at first sight."""
        if name not in self.items:
            self.items.append(name)
        return self.items.index(name)

    def row(self, outlet: str, item: str) -> int:
        """The row of an outlet and an item, made at first sight."""
        found = self.rows.get((outlet, item))
        if found is not None:
            return found
        row = self.rows[outlet, item] = len(self.outlet_of)
        if outlet not in self._numbers:
            self._numbers[outlet] = len(self.outlets)
            self.outlets.append(outlet)
        self.outlet_of.append(self._numbers[outlet])
        self.item_of.append(self.item(item))
        for column in self.columns():
            column.append(0)
        return row

    def name(self, row: int) -> tuple[str, str]:
        return self.outlets[self.outlet_of[row]], self.items[self.item_of[row]]

    def stock(self, row: int) -> Stock:
        return Stock(
            self.available[row],
            self.delivered[row],
            self.corrected[row],
            self.returned[row],
            self.sold[row],
            self.reserved[row],
            self.leased[row],
            self.short[row],
        )

    def dump(self) -> Dump:
        places = self.outlet_of.tobytes() + self.item_of.tobytes()
        return Dump(
            tuple(self.outlets), tuple(self.items), places, tuple(column.tobytes() for column in self.columns())
        )

    def load(self, dump: Dump) -> None:
        self.outlets, self.items = list(dump.outlets), list(dump.items)
        self._numbers = {name: number for number, name in enumerate(self.outlets)}
        count = len(dump.places) // 5
        self.outlet_of = array("I", dump.places[: 4 * count])
        self.item_of = array("B", dump.places[4 * count :])
        for column, content in zip(self.columns(), dump.columns, strict=True):
            column.frombytes(content)
        self.rows = {self.name(row): row for row in range(count)}
