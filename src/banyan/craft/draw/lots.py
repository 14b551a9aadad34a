"""The seed that nobody could choose, and the order of the draw that follows from it.

seed = SHA-256(root || randomness || nonce): the list's root and the nonce's hash were published before the randomness
existed, so neither who keeps the list nor who makes the randomness could aim.
rank = SHA-256(seed || entry), lowest first. An entry of several lots ranks by its best one, lot j > 0 being
SHA-256(seed || entry || j): each lot is as likely as any other to be the lowest of those left, so an entry's chance to
be drawn next is its lots over all lots left, exactly. That is the whole proof that a lot for each week without is fair.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from banyan.craft.draw.tickets import ENTRY_BYTES, TICKET_BYTES

SEED_BYTES: Final = 32
NONCE_BYTES: Final = 32


def seed(root: bytes, randomness: bytes, nonce: bytes) -> bytes:
    """Of a root and randomness of 32 bytes each; one nonce of 32 bytes, or several of them in a row."""
    assert len(root) == len(randomness) == SEED_BYTES, "root and randomness are 32 bytes"
    assert len(nonce) in range(NONCE_BYTES, 9 * NONCE_BYTES, NONCE_BYTES), "a nonce is 32 bytes, and there are few"
    return sha256(root + randomness + nonce).digest()


def rank(seed: bytes, entry: bytes) -> bytes:
    """What an entry is drawn by: 32 bytes, the lowest first."""
    first = sha256(seed + entry).digest()
    if len(entry) == TICKET_BYTES or entry[-1] == 1:
        return first
    return min(first, *(sha256(seed + entry + bytes((lot,))).digest() for lot in range(1, entry[-1])))


def ranks(seed: bytes, entries: Sequence[bytes]) -> list[bytes]:
    """The entries as they are drawn; who stands at place 0 is drawn first. 1.2 us an entry."""
    assert len(seed) == SEED_BYTES, "a seed is 32 bytes"
    if all(len(entry) == TICKET_BYTES for entry in entries):
        drawn = [sha256(seed + entry).digest() + entry for entry in entries]
    else:
        assert all(len(entry) in (TICKET_BYTES, ENTRY_BYTES) for entry in entries), "entries are 32 or 35 bytes"
        drawn = [rank(seed, entry) + entry for entry in entries]
    drawn.sort()  # two alike first 32 bytes would be a collision of SHA-256; the entry after them would settle it
    return [one[SEED_BYTES:] for one in drawn]
