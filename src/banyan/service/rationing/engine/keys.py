"""Keys for ever: which command had which key, in 10 bytes each. A terminal counts, so its keys stand side by side.

Sixteen neighbouring keys share one entry of the table and a page of sixteen numbers. Of the command itself 4 bytes are
kept (CRC-32): that a key is used for another command is a terminal's accident, and whoever forges one gets an old
receipt and buys nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import Final

import msgspec

from banyan.service.rationing.engine.table import Table

_ENDS: Final = tuple(bytes([high << 4]) for high in range(16))
_RECENT: Final = 1 << 14
"""Pages that are found without the table: one for each terminal that is busy, 2 MB."""
_EMPTY: Final = array("I", [0] * 16)


class Dump(msgspec.Struct, frozen=True):
    sizes: bytes
    records: bytes
    pages: bytes
    sums: bytes
    starts: bytes
    times: bytes


class Keys:
    """Numbers by key, and of each number the sum of its command and its time."""

    __slots__ = ("_now", "_pages", "_recent", "_starts", "_sums", "_table", "_times")

    def __init__(self) -> None:
        self._table = Table()
        self._recent: dict[bytes, int] = {}
        self._pages = array("I")
        self._sums = array("I", (0,))
        self._starts = array("Q")
        self._times = array("q")
        self._now = 0

    @property
    def last(self) -> int:
        """The newest number; 0 without any."""
        return len(self._sums) - 1

    def get(self, key: bytes) -> int:
        """The number of the command that had this key, 0 without one."""
        last = key[15]
        name = key[:15] + _ENDS[last >> 4]
        page = self._recent.get(name) or self._page(name)
        return self._pages[(page << 4) - 16 | last & 15] if page else 0

    def add(self, key: bytes, checksum: int) -> int:
        """The next number, for a key that has none."""
        number = self.skip(checksum)
        last = key[15]
        name = key[:15] + _ENDS[last >> 4]
        page = self._recent.get(name) or self._page(name)
        if not page:
            self._pages.extend(_EMPTY)
            page = self._recent[name] = len(self._pages) >> 4
            self._table.add(name, page)
        self._pages[(page << 4) - 16 | last & 15] = number
        return number

    def _page(self, name: bytes) -> int:
        """Out of the table, and into what was seen lately."""
        page = self._table.get(name)
        if page:
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            self._recent[name] = page
        return page

    def skip(self, checksum: int = 0) -> int:
        """The next number, without a key: what time did by itself."""
        number = len(self._sums)
        assert number < 1 << 32, "4 billion commands: begin a new log"
        self._sums.append(checksum)
        if not self._times or self._times[-1] != self._now:
            self._starts.append(number)
            self._times.append(self._now)
        return number

    def checksum(self, number: int) -> int:
        return self._sums[number]

    def begin(self, at_ms: int) -> None:
        """The numbers from the next on are of this moment."""
        self._now = at_ms

    @property
    def last_ms(self) -> int:
        """The moment of the newest number; 0 without any."""
        return self._times[-1] if self._times else 0

    def time_ms(self, number: int) -> int:
        return self._times[bisect_right(self._starts, number) - 1]

    def dump(self) -> Dump:
        sizes, records = self._table.dump()
        columns = (self._pages, self._sums, self._starts, self._times)
        return Dump(sizes, records, *(column.tobytes() for column in columns))

    def load(self, dump: Dump) -> None:
        self._table.load(dump.sizes, dump.records)
        self._pages = array("I", dump.pages)
        self._sums = array("I", dump.sums)
        self._starts = array("Q", dump.starts)
        self._times = array("q", dump.times)
