"""A set of 16-byte keys with a number each, in little more than their bytes, that grows without a pause.

Linear hashing: records of 20 bytes stand side by side in small buckets, and now and then one bucket is split. A look-up
is one search for bytes in a bucket of half a kilobyte. At 25 million keys it takes 0.6 GB, a dict of bytes takes 3.4 GB
(bench/rationing.py). Source: Litwin, "Linear hashing", VLDB 1980.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from typing import Final
from zlib import crc32

KEY_BYTES: Final = 16
_RECORD: Final = 20
_FULL: Final = 24
"""Records a bucket on average: 480 bytes are searched in a third of a microsecond."""
_FIRST: Final = 64
_value: Final = Struct("<I").unpack_from
_record: Final = Struct("<16sI").pack
_keyed: Final = Struct("<16sI").iter_unpack


class Table:
    """Numbers 1 to 2^32 - 1 by key; 0 is "not there". A key is set once."""

    __slots__ = ("_buckets", "_high", "_low", "_room", "count")

    def __init__(self) -> None:
        self._buckets = [bytearray() for _ in range(_FIRST)]
        self.count = 0
        self._resize()

    def get(self, key: bytes) -> int:
        """The key's number, 0 without one."""
        place = crc32(key) & self._high
        if place >= len(self._buckets):
            place &= self._low
        bucket = self._buckets[place]
        at = bucket.find(key)
        while at > 0 and at % _RECORD:  # the end of one record and the start of the next may look like a key
            at = bucket.find(key, at + 1)
        return 0 if at < 0 else int(_value(bucket, at + KEY_BYTES)[0])

    def add(self, key: bytes, number: int) -> None:
        """Set a key that has none."""
        place = crc32(key) & self._high
        if place >= len(self._buckets):
            place &= self._low
        self._buckets[place] += _record(key, number)
        self.count += 1
        if self.count > self._room:
            self._split()

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        for bucket in self._buckets:
            yield from _keyed(bucket)

    def dump(self) -> tuple[bytes, bytes]:
        """The buckets' sizes and contents. The same keys in the same order give the same bytes."""
        return array("I", map(len, self._buckets)).tobytes(), b"".join(self._buckets)

    def load(self, sizes: bytes, records: bytes) -> None:
        """What `dump` gave, into an empty table."""
        assert not self.count, "a table is loaded once"
        lengths, start = array("I", sizes), 0
        self._buckets.clear()
        for length in lengths:
            self._buckets.append(bytearray(records[start : start + length]))
            start += length
        self.count = start // _RECORD
        self._resize()

    def _split(self) -> None:
        """One more bucket: it takes its records out of the one that they hashed to before."""
        made, mask = len(self._buckets), self._high
        stay, go = bytearray(), bytearray()
        records = self._buckets[made & self._low]
        for at in range(0, len(records), _RECORD):
            record = records[at : at + _RECORD]
            (go if crc32(record[:KEY_BYTES]) & mask == made else stay).extend(record)
        self._buckets[made & self._low] = stay
        self._buckets.append(go)
        self._resize()

    def _resize(self) -> None:
        size = len(self._buckets)
        self._high = (1 << size.bit_length()) - 1
        self._low = self._high >> 1
        self._room = size * _FULL
