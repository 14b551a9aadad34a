"""The whole state, and each change of it. Nothing here refuses: `deciding.py` asked before, or the log says it was."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from banyan.service.rationing.engine import histories, holds, keys, shelves
from banyan.service.rationing.engine.days import day_of
from banyan.service.rationing.engine.histories import Histories
from banyan.service.rationing.engine.holds import EXPIRED, POSTED, VOIDED, Holds
from banyan.service.rationing.engine.keys import Keys
from banyan.service.rationing.engine.law import Law
from banyan.service.rationing.engine.model import Stock
from banyan.service.rationing.engine.rulebook import Edition, RuleBook
from banyan.service.rationing.engine.shelves import Shelves

NO_CARRIER: Final = bytes(16)


class Dump(msgspec.Struct, frozen=True):
    """All of it, for a snapshot; `book` is JSON."""

    at_ms: int
    book: bytes
    histories: histories.Dump
    keys: keys.Dump
    shelves: shelves.Dump
    holds: holds.Dump
    carried_day: int
    carried: tuple[tuple[bytes, bytes], ...]
    extras: tuple[tuple[int, int, int], ...]


class State:
    """Who bought what, which key was used, what stands where, and what is held; `at_ms` is the log's time."""

    def __init__(self) -> None:
        self.at_ms = 0
        self.law = Law(RuleBook())
        self.histories = Histories()
        self.keys = Keys()
        self.shelves = Shelves()
        self.holds = Holds()
        self.carried_day = 0
        self.carried: dict[bytes, bytes] = {}
        """Of one day: the persons whose cards somebody brought, by who brought them."""
        self.extras: dict[int, tuple[int, int]] = {}
        """(over, short) of merged receipts that had any, by number."""

    def begin(self, at_ms: int) -> None:
        """A group of changes, all of this moment."""
        assert at_ms >= self.at_ms, "the log's time never goes back"
        self.at_ms = at_ms
        self.keys.begin(at_ms)

    @property
    def today(self) -> int:
        return day_of(self.at_ms / 1000)

    def buy(self, key: bytes, checksum: int, person: bytes, row: int, qty: int, *, day: int, who: int = -1) -> int:
        """A sale; its number. `who`: the person's number when the caller has just looked it up."""
        shelves, law = self.shelves, self.law
        if who < 0:
            who = self.histories.number(person)
        packed = day << 16 | shelves.item_of[row] << 8 | qty
        self.histories.add(person, who, packed, keep_after=day - law.kept_days)
        shelves.available[row] -= qty
        shelves.sold[row] += qty
        return self.keys.add(key, checksum)

    def permit(self, key: bytes, checksum: int, person: bytes, row: int, qty: int, *, day: int) -> int:
        """A sale of what has no stock: it is made when it is given."""
        self.shelves.available[row] += qty
        self.shelves.delivered[row] += qty
        return self.buy(key, checksum, person, row, qty, day=day)

    def bring(self, carrier: bytes, person: bytes, day: int) -> None:
        """Somebody brought this person's card."""
        if day != self.carried_day:
            self.carried.clear()
            self.carried_day = day
        if person not in self.brought(carrier, day):
            self.carried[carrier] = self.carried.get(carrier, b"") + person

    def brought(self, carrier: bytes, day: int) -> list[bytes]:
        """Whose cards somebody brought on that day."""
        known = self.carried.get(carrier, b"") if day == self.carried_day else b""
        return [known[at : at + 16] for at in range(0, len(known), 16)]

    def reserve(self, key: bytes, checksum: int, person: bytes, row: int, qty: int, *, day: int, until_ms: int) -> int:
        number = self.keys.add(key, checksum)
        packed = self._count(person, row, qty, day)
        self.shelves.available[row] -= qty
        self.shelves.reserved[row] += qty
        place = self.holds.add(number, key, row, qty, until_ms)
        self.holds.belong(place, self.histories.number(person), packed)
        return number

    def merge(
        self, key: bytes, checksum: int, person: bytes, row: int, qty: int, *, day: int, lease: int, over: int
    ) -> int:
        """A device's sale: out of its lease, else out of the stock, else more than there was (`short`)."""
        number = self.keys.add(key, checksum)
        self._count(person, row, qty, day, is_over=over > 0)
        shelf, left = self.shelves, self.holds.left
        leased = min(qty, left[lease])
        stocked = min(qty - leased, shelf.available[row])
        short = qty - leased - stocked
        left[lease] -= leased
        shelf.leased[row] -= leased
        shelf.available[row] -= stocked
        shelf.short[row] += short
        shelf.sold[row] += qty
        if over or short:
            self.extras[number] = (over, short)
        return number

    def deliver(self, key: bytes, checksum: int, row: int, qty: int) -> int:
        self.shelves.available[row] += qty
        self.shelves.delivered[row] += qty
        return self.keys.add(key, checksum)

    def give_back(self, key: bytes, checksum: int, row: int, qty: int, *, person: bytes, day: int) -> int:
        """Units come back; with `day`, the person's quota of that day too."""
        self.shelves.available[row] += qty
        self.shelves.returned[row] += qty
        if day:
            item = self.shelves.item_of[row]
            self.histories.take_back(self.histories.number(person), day, item, qty)
        return self.keys.add(key, checksum)

    def correct(self, key: bytes, checksum: int, row: int, delta: int) -> int:
        self.shelves.available[row] += delta
        self.shelves.corrected[row] += delta
        return self.keys.add(key, checksum)

    def post(self, key: bytes, checksum: int, place: int) -> int:
        row, qty = self.holds.row[place], self.holds.left[place]
        self.holds.state[place] = POSTED
        self.holds.left[place] = 0
        self.shelves.reserved[row] -= qty
        self.shelves.sold[row] += qty
        return self.keys.add(key, checksum)

    def void(self, key: bytes, checksum: int, place: int, *, keeps_quota: bool) -> int:
        self._release(place, VOIDED, keeps_quota=keeps_quota)
        return self.keys.add(key, checksum)

    def lease(self, key: bytes, checksum: int, row: int, qty: int, *, until_ms: int) -> int:
        number = self.keys.add(key, checksum)
        self.shelves.available[row] -= qty
        self.shelves.leased[row] += qty
        self.holds.add(number, key, row, qty, until_ms)
        return number

    def set_rule(self, key: bytes, checksum: int, text: bytes) -> int:
        """An edition's JSON. `key` of zeros: one that the log began with."""
        self.law = self.law.with_edition(msgspec.json.decode(text, type=Edition))
        return self.keys.add(key, checksum) if key != NO_CARRIER else self.keys.skip(checksum)

    def expire(self, place: int) -> int:
        self._release(place, EXPIRED, keeps_quota=False)
        return self.keys.skip()

    def stock(self, outlet: str, item: str) -> Stock:
        row = self.shelves.rows.get((outlet, item))
        return Stock() if row is None else self.shelves.stock(row)

    def dump(self) -> Dump:
        return Dump(
            at_ms=self.keys.last_ms,
            book=msgspec.json.encode(self.law.book),
            histories=self.histories.dump(),
            keys=self.keys.dump(),
            shelves=self.shelves.dump(),
            holds=self.holds.dump(),
            carried_day=self.carried_day,
            carried=tuple(sorted(self.carried.items())),
            extras=tuple((number, *extra) for number, extra in sorted(self.extras.items())),
        )

    def load(self, dump: Dump) -> None:
        """What `dump` gave, into a new state."""
        self.at_ms = dump.at_ms
        self.law = Law(msgspec.json.decode(dump.book, type=RuleBook))
        self.histories.load(dump.histories)
        self.keys.load(dump.keys)
        self.shelves.load(dump.shelves)
        self.holds.load(dump.holds)
        self.carried_day, self.carried = dump.carried_day, dict(dump.carried)
        self.extras = {number: (over, short) for number, over, short in dump.extras}

    def hash(self) -> bytes:
        """SHA-256 of all of it."""
        return sha256(msgspec.msgpack.encode(self.dump())).digest()

    def _count(self, person: bytes, row: int, qty: int, day: int, *, is_over: bool = False) -> int:
        """The purchase as it counts for her quota."""
        packed = day << 16 | self.shelves.item_of[row] << 8 | qty
        number = self.histories.number(person)
        self.histories.add(person, number, packed, keep_after=day - self.law.kept_days, is_over=is_over)
        return packed

    def _release(self, place: int, state: int, *, keeps_quota: bool) -> None:
        held = self.holds
        row, qty, packed = held.row[place], held.left[place], held.packed[place]
        held.state[place] = state
        held.left[place] = 0
        self.shelves.available[row] += qty
        if held.is_lease(place):
            self.shelves.leased[row] -= qty
            return
        self.shelves.reserved[row] -= qty
        if not keeps_quota:
            self.histories.take_back(held.person[place], packed >> 16, packed >> 8 & 255, qty)
