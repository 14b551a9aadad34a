"""What is held for somebody: reservations until they expire, leases until the device is back. 58 bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from heapq import heapify, heappop, heappush
from typing import Final

import msgspec

from banyan.service.rationing.engine.model import State

STATES: Final[tuple[State, ...]] = ("pending", "posted", "voided", "expired")
PENDING, POSTED, VOIDED, EXPIRED = range(4)


class Dump(msgspec.Struct, frozen=True):
    columns: tuple[bytes, ...]
    keys: bytes


class Holds:
    """One entry for each reservation and lease, for ever: what it became is asked later. `number` is the command's in
    the log, `packed` the purchase that it counts as (0: a lease), `person` her number."""

    __slots__ = ("_due", "keys", "left", "number", "packed", "person", "qty", "row", "state", "until_ms")

    def __init__(self) -> None:
        self.keys = bytearray()
        self.number = array("Q")
        self.row = array("I")
        self.person = array("I")
        self.packed = array("I")
        self.qty = array("q")
        self.left = array("q")
        self.until_ms = array("q")
        self.state = array("B")
        self._due: list[tuple[int, int]] = []

    def add(self, number: int, key: bytes, row: int, qty: int, until_ms: int) -> int:
        """A lease's place; a reservation adds whose it is."""
        place = len(self.number)
        self.keys += key
        self.number.append(number)
        self.row.append(row)
        self.person.append(0)
        self.packed.append(0)
        self.qty.append(qty)
        self.left.append(qty)
        self.until_ms.append(until_ms)
        self.state.append(PENDING)
        return place

    def belong(self, place: int, person: int, packed: int) -> None:
        """The entry is this person's reservation, and ends by itself."""
        self.person[place] = person
        self.packed[place] = packed
        heappush(self._due, (self.until_ms[place], place))

    def find(self, number: int) -> int:
        """The entry of a command's number; -1 when it held nothing."""
        place = bisect_left(self.number, number)
        return place if place < len(self.number) and self.number[place] == number else -1

    def is_lease(self, place: int) -> bool:
        return not self.packed[place]

    def key(self, place: int) -> bytes:
        return bytes(self.keys[16 * place : 16 * place + 16])

    def due(self, at_ms: int) -> int:
        """A pending reservation whose time is over; -1 without any."""
        while self._due and self._due[0][0] <= at_ms:
            place = heappop(self._due)[1]
            if self.state[place] == PENDING:
                return place
        return -1

    def next_due_ms(self) -> int | None:
        """When the next may be due."""
        return self._due[0][0] if self._due else None

    def columns(self) -> tuple[array[int], ...]:
        return (self.number, self.row, self.person, self.packed, self.qty, self.left, self.until_ms, self.state)

    def dump(self) -> Dump:
        return Dump(tuple(column.tobytes() for column in self.columns()), bytes(self.keys))

    def load(self, dump: Dump) -> None:
        self.keys = bytearray(dump.keys)
        for column, content in zip(self.columns(), dump.columns, strict=True):
            column.frombytes(content)
        self._due = [
            (until, place)
            for place, until in enumerate(self.until_ms)
            if self.state[place] == PENDING and not self.is_lease(place)
        ]
        heapify(self._due)
