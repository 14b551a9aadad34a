"""The tree over a draw's list (RFC 6962 s2.1): its root is published before the seed, a path to it proves a ticket.

Rows are kept whole, 64 bytes an entry, so that a path is some twenty slices. An odd last hash goes up a row as it is,
which is what RFC 6962's split at the largest power of two comes to.
"""

from __future__ import annotations

from collections.abc import Sequence

from banyan.wire.tlog.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hashes, row_above

_TWO = 2 * HASH_BYTES


class TicketTree:
    """The tree over `entries`, which stay as they are."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.size = len(entries)
        self.rows: list[bytes] = [leaf_hashes(entries)] if entries else []
        while self.rows and len(self.rows[-1]) > HASH_BYTES:
            self.rows.append(_over(self.rows[-1]))

    @property
    def root(self) -> bytes:
        return self.rows[-1] if self.rows else EMPTY_ROOT

    def path(self, index: int) -> list[bytes]:
        """The hashes from the entry's sibling up to the root's child: what `check_inclusion` takes."""
        assert 0 <= index < self.size, f"entry {index} of {self.size}"
        found = []
        for row in self.rows[:-1]:
            at = (index ^ 1) * HASH_BYTES
            if at < len(row):
                found.append(row[at : at + HASH_BYTES])
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
