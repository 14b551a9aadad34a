"""The tree over a draw's list (RFC 6962 s2.1): its root is published before the seed, a path to it proves a ticket.

Its rows stand one after another in one run of bytes, 64 an entry, so that a file of them can be mapped into memory and
a path is some twenty slices. An odd last hash goes up a row as it is, which is what RFC 6962's split at the largest
power of two comes to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from banyan.wire.tlog.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hashes, row_above

_TWO = 2 * HASH_BYTES


class TicketTree:
    """The tree over `size` entries, whose rows are in `data`: bytes, or a file's memory."""

    def __init__(self, size: int, data: bytes | memoryview) -> None:
        self._starts = list(_starts(size))
        assert len(data) == (self._starts[-1] + HASH_BYTES if size else 0), f"these are not the rows over {size}"
        self.size, self.data = size, data

    @classmethod
    def over(cls, entries: Sequence[bytes]) -> TicketTree:
        """1.1 us an entry."""
        rows = [leaf_hashes(entries)] if entries else []
        while rows and len(rows[-1]) > HASH_BYTES:
            rows.append(_over(rows[-1]))
        return cls(len(entries), b"".join(rows))

    @property
    def root(self) -> bytes:
        return bytes(self.data[-HASH_BYTES:]) if self.size else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """The hashes from the entry's sibling up to the root's child: what `check_inclusion` takes."""
        assert 0 <= index < self.size, f"entry {index} of {self.size}"
        found = []
        for start, end in zip(self._starts, self._starts[1:], strict=False):
            at = start + (index ^ 1) * HASH_BYTES
            if at < end:
                found.append(bytes(self.data[at : at + HASH_BYTES]))
            index >>= 1
        return found


def root(entries: Sequence[bytes]) -> bytes:
    """The root over a list, with no more than two rows in memory."""
    if not entries:
        return EMPTY_ROOT
    row = leaf_hashes(entries)
    while len(row) > HASH_BYTES:
        row = _over(row)
    return row


def _over(row: bytes) -> bytes:
    rest = len(row) % _TWO
    return row_above(row[: len(row) - rest]) + row[len(row) - rest :]


def _starts(size: int) -> Iterator[int]:
    """Where each row begins, from the leaves up."""
    at = 0
    while size:
        yield at
        at += size * HASH_BYTES
        size = 0 if size == 1 else (size + 1) // 2
