"""Who bought what on which day, packed: 8 bytes a purchase, in a chain for each person, the newest first.

A purchase is day (16 bits, from 1970 on: until 2149), item (8) and units (8). Old ones go when the person buys again.
"""

from __future__ import annotations

from array import array
from typing import Final

import msgspec

from banyan.service.rationing.engine.table import Table

_LATE: Final = 1 << 31
"""Set in a person's head when a purchase came later than its day, or beyond her quota (from a device)."""
_NODE: Final = _LATE - 1


class Dump(msgspec.Struct, frozen=True):
    sizes: bytes
    records: bytes
    heads: bytes
    packed: bytes
    links: bytes
    free: int


class Histories:
    """Chains by person. A person's number is her place in `heads`; 0 is nobody."""

    __slots__ = ("_free", "_heads", "_links", "_packed", "persons")

    def __init__(self) -> None:
        self.persons = Table()
        self._heads = array("I", (0,))
        self._packed = array("I", (0,))
        self._links = array("I", (0,))
        self._free = 0

    def number(self, person: bytes) -> int:
        """Her number, 0 when she never bought."""
        return self.persons.get(person)

    def used(self, number: int, since: int, mask: int) -> int:
        """Units of the items in `mask` that she bought after day `since`; -1 when only the view over all can tell."""
        node = self._heads[number]
        if node & _LATE:
            return -1
        packed, links, units = self._packed, self._links, 0
        while node:
            one = packed[node]
            if one >> 16 <= since:
                break
            if mask >> (one >> 8 & 255) & 1:
                units += one & 255
            node = links[node]
        return units

    def purchases(self, number: int) -> list[tuple[int, int, int]]:
        """(day, item, units), the newest entry first."""
        found = []
        node = self._heads[number] & _NODE
        while node:
            one = self._packed[node]
            found.append((one >> 16, one >> 8 & 255, one & 255))
            node = self._links[node]
        return found

    def add(self, person: bytes, number: int, packed: int, *, keep_after: int, is_over: bool = False) -> None:
        """One purchase (day << 16 | item << 8 | units); what she bought up to day `keep_after` goes. `number` 0: she is
        new. `is_over`: beyond her quota, so that from now on only the view over all her purchases can tell."""
        heads, packs, links = self._heads, self._packed, self._links
        if not number:
            number = len(heads)
            heads.append(0)
            self.persons.add(person, number)
        head = heads[number]
        late = _LATE if is_over else head & _LATE
        before = head & _NODE
        if before:
            newest = packs[before]
            if packed >> 16 < newest >> 16:
                late = _LATE
            if links[before]:
                self._cut(before, keep_after)
            if newest >> 16 <= keep_after:
                following = links[before]
                self._give_back(before)
                before = following
        node = self._free
        if node:
            self._free = links[node]
            packs[node] = packed
            links[node] = before
        else:
            node = len(packs)
            assert node < _NODE, "2 billion purchases are kept: shorten the windows or part the persons"
            packs.append(packed)
            links.append(before)
        heads[number] = node | late

    def bought(self, number: int, day: int, item: int) -> int:
        """Units of an item on one day."""
        return sum(units for on, what, units in self.purchases(number) if (on, what) == (day, item))

    def take_back(self, number: int, day: int, item: int, qty: int) -> None:
        """Units of that day count no longer: as many as there are, at most `qty`."""
        wanted, before, node = day << 8 | item, 0, self._heads[number] & _NODE
        while node and qty:
            one, following = self._packed[node], self._links[node]
            if one >> 8 != wanted:
                before = node
            elif (units := one & 255) > qty:
                self._packed[node] = one - qty
                return
            else:
                qty -= units
                self._unlink(number, before, node)
            node = following

    def dump(self) -> Dump:
        sizes, records = self.persons.dump()
        columns = (self._heads.tobytes(), self._packed.tobytes(), self._links.tobytes())
        return Dump(sizes, records, *columns, self._free)

    def load(self, dump: Dump) -> None:
        self.persons.load(dump.sizes, dump.records)
        self._heads = array("I", dump.heads)
        self._packed = array("I", dump.packed)
        self._links = array("I", dump.links)
        self._free = dump.free

    def _cut(self, node: int, keep_after: int) -> None:
        """Give back the old ones behind `node`."""
        links, packed = self._links, self._packed
        while following := links[node]:
            if packed[following] >> 16 <= keep_after:
                links[node] = links[following]
                self._give_back(following)
            else:
                node = following

    def _give_back(self, node: int) -> None:
        self._packed[node] = 0
        self._links[node] = self._free
        self._free = node

    def _unlink(self, number: int, before: int, node: int) -> None:
        if before:
            self._links[before] = self._links[node]
        else:
            self._heads[number] = self._links[node] | self._heads[number] & _LATE
        self._give_back(node)
