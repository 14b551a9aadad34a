"""Ids: hashes of them with the entries where they stand, in a tree of which a publication writes one row.

A publication puts its ids into the root, unsorted. When enough rows of one size stand in a node they are taken
together: small ones become one row of the node, large ones are divided among its children by the next bits of the
hash. So each id is written again once a level, no step is longer than another, and a look-up reads some rows of each
node on one way down.
Two ids of one hash are told apart by the text in the stretches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from banyan.kernel.exchange.messages.stretches import SQL, Written
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_road import MESSAGES_IDS, MESSAGES_MERGES

_BITS: Final = 60
"""Of a hash: a node of them all is a number that both engines have, and steps of one, two and four bits end there."""
_FINAL: Final = 2
"""The tier of rows that are not joined any more, only divided."""
_xid: Final = blake2b(digest_size=8, person=b"xid")
_message_id: Final = blake2b(digest_size=8, person=b"message-id")


class Ids(msgspec.Struct, frozen=True):
    """Hashes and, in the same order, entries."""

    hashes: NDArray[np.int64]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.hashes)


def ids_of(frames: Sequence[Written]) -> Ids:
    """The two ids of each exchange."""
    hashes: list[bytes] = []
    places: list[int] = []
    for one in frames:
        for seen in one.seen:
            xid, message_id = _xid.copy(), _message_id.copy()
            xid.update(seen.xid.encode())
            message_id.update(seen.message_id.encode())
            hashes += (xid.digest(), message_id.digest())
            places.append(one.frame.first + seen.place)
    whole = np.frombuffer(b"".join(hashes), ">u8") >> np.uint64(64 - _BITS)
    return Ids(whole.astype(np.int64), np.repeat(np.array(places, np.int64), 2))


def hash_of(*, xid: str = "", message_id: str = "") -> int:
    """The hash of one id."""
    one = (_xid if xid else _message_id).copy()
    one.update((xid or message_id).encode())
    return int.from_bytes(one.digest()) >> (64 - _BITS)


def add(tx: Tx, new: Ids, fan: int, first_kept: int) -> None:
    """Put ids into the root, and take some rows together where `fan` are, a power of two; ids of entries before
    `first_kept` are left out then."""
    if len(new):
        tx.run_many(SQL["add_ids"], _rows(1, new, fan))
    deepest = fan ** (_BITS // _bits(fan))
    full = tx.rows(SQL["full_nodes"], last=fan - 1, final=_FINAL, deepest=deepest, limit=MESSAGES_MERGES)
    for node, tier in full:
        _take_together(tx, _int(node), _int(tier), fan, first_kept)


def candidates(tx: Tx, hashed: int, fan: int) -> Iterator[int]:
    """The entries of a hash in order. Rows are read as they are asked for: under one id may stand a million."""
    deepest = _int((tx.row(SQL["deepest_node"]) or (None,))[0] or 1)
    bits = _bits(fan)
    nodes = [(1 << depth) | (hashed >> (_BITS - depth)) for depth in range(0, deepest.bit_length(), bits)]
    runs = sorted(
        (_int(oldest), node, tier, place)
        for node in nodes
        for oldest, tier, place in tx.rows(SQL["runs_of"], node=node)
    )
    waiting: list[int] = []
    for number, (_, node, tier, place) in enumerate(runs):
        row = tx.row(SQL["ids_at"], node=node, tier=tier, place=place)
        assert row is not None, "rows of one transaction stay"
        ids = _unpacked(row[0])
        waiting = sorted((*waiting, *ids.places[ids.hashes == hashed].tolist()))
        following = runs[number + 1][0] if number + 1 < len(runs) else None
        ready = len(waiting) if following is None else sum(one < following for one in waiting)
        yield from waiting[:ready]
        del waiting[:ready]


def forget(tx: Tx, first_kept: int) -> None:
    """Drop what is all of entries before this; the rest goes when it is taken together with others."""
    tx.run(SQL["empty_old_ids"], first=first_kept, nothing=b"")


def _take_together(tx: Tx, node: int, tier: int, fan: int, first_kept: int) -> None:
    parts = [_unpacked(ids) for (ids,) in tx.rows(SQL["ids_of"], node=node, tier=tier)]
    tx.run(SQL["drop_ids_of"], node=node, tier=tier)
    places = np.concatenate([one.places for one in parts])
    kept = places >= first_kept
    whole = Ids(np.concatenate([one.hashes for one in parts])[kept], places[kept])
    if tier < _FINAL:
        rows = _rows(node, whole, fan)
    else:
        below = _BITS - (node.bit_length() - 1) - _bits(fan)
        child = ((whole.hashes >> below) & (fan - 1)).astype(np.uint8)
        order = np.argsort(child, kind="stable")
        ends = np.cumsum(np.bincount(child, minlength=fan)).tolist()
        hashes, places = whole.hashes[order], whole.places[order]
        rows = []
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            rows += _rows(node * fan + number, Ids(hashes[start:end], places[start:end]), fan)
    tx.run_many(SQL["add_ids"], rows)


def _rows(node: int, ids: Ids, fan: int) -> list[dict[str, SqlValue]]:
    """One row, or several of MESSAGES_IDS: many exchanges may have one id, and then no bit divides them."""
    rows: list[dict[str, SqlValue]] = []
    for start in range(0, len(ids), MESSAGES_IDS):
        hashes, places = ids.hashes[start : start + MESSAGES_IDS], ids.places[start : start + MESSAGES_IDS]
        rows.append(
            {
                "node": node,
                "tier": sum(len(hashes) >= most for most in (fan, fan * fan)),
                "oldest": int(places.min()),
                "newest": int(places.max()),
                "ids": hashes.tobytes() + places.tobytes(),
            }
        )
    return rows


def _unpacked(data: SqlValue) -> Ids:
    assert isinstance(data, bytes), "bytes"
    whole = np.frombuffer(data, np.int64)
    half = len(whole) // 2
    return Ids(whole[:half], whole[half:])


def _bits(fan: int) -> int:
    """Of a hash, that divide a node."""
    return fan.bit_length() - 1


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value
