"""The Merkle tree of RFC 6962 s2.1: hashes, and the two proofs a reader checks without trusting the log.

Indexes count leaves from 0; every hash is 32 bytes (SHA-256). Proofs are checked as in RFC 9162 s2.1.3.2 and s2.1.4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""
ReadSubtree = Callable[[int, int], bytes]
"""`read(level, index)`: the hash of the full subtree of 2**level leaves that starts at leaf index * 2**level."""


class Unproven(ValueError):
    """A proof does not lead from what it says to what it says."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> bytes:
    """The leaf hashes of entries, one after another: half the cost of as many calls."""
    return b"".join([sha256(b"\x00" + entry).digest() for entry in entries])


def row_above(row: bytes) -> bytes:
    """The hashes over each two of an even row of hashes."""
    width = 2 * HASH_BYTES
    assert len(row) % width == 0, "every node has two children"
    return b"".join([sha256(b"\x01" + row[at : at + width]).digest() for at in range(0, len(row), width)])


def subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The full subtrees (level, index) that make up leaves `start`..`end`, from the left; `start` a multiple of the
    largest power of two that fits."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        found.append((level, start >> level))
        start += 1 << level
    return found


def root_of(size: int, read: ReadSubtree) -> bytes:
    """The root of the first `size` leaves."""
    return _joined([read(*part) for part in subtrees(0, size)]) if size else EMPTY_ROOT


def range_hash(start: int, end: int, read: ReadSubtree) -> bytes:
    """The hash of the node over leaves `start`..`end`, which must be a node of some tree."""
    return _joined([read(*part) for part in subtrees(start, end)])


def inclusion_proof(index: int, size: int, read: ReadSubtree) -> list[bytes]:
    """The hashes from the leaf's sibling up to the root's child (RFC 6962 s2.1.1)."""
    assert 0 <= index < size, f"leaf {index} of a tree of {size}"
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_hash(middle, end, read))
            end = middle
        else:
            proof.append(range_hash(start, middle, read))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, size: int, read: ReadSubtree) -> list[bytes]:
    """The hashes that lead from the tree of `old` leaves to that of `size` (RFC 6962 s2.1.2); empty when old is 0 or
    size."""
    assert 0 <= old <= size, f"from {old} to {size}"
    if old in (0, size):
        return []
    proof: list[bytes] = []
    start, end = 0, size
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_hash(middle, end, read))
            end = middle
        else:
            proof.append(range_hash(start, middle, read))
            start = middle
    if start:
        proof.append(range_hash(start, end, read))
    return proof[::-1]


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Unproven unless `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves under `root`."""
    if not 0 <= index < size:
        raise Unproven(f"leaf {index} is not in a tree of {size}")
    _check_hashes((leaf, root, *proof))
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Unproven("the proof is too long")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Unproven("the proof is too short")
    if found != root:
        raise Unproven("the proof leads to another root")


def check_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise Unproven unless the tree of `old` leaves under `old_root` is the beginning of that of `size` under `root`.

    From 0 every tree is consistent, by an empty proof (c2sp.org/tlog-witness)."""
    _check_hashes((old_root, root, *proof))
    if not 0 <= old <= size:
        raise Unproven(f"a tree of {size} does not continue one of {old}")
    if old in (0, size):
        if proof:
            raise Unproven("the proof is too long")
        if old_root != (root if old else EMPTY_ROOT):
            raise Unproven("two roots of one size")
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Unproven("the proof is too short")
    node, last = old - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Unproven("the proof is too long")
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise Unproven("the proof is too short")
    if first != old_root:
        raise Unproven("the proof starts from another root")
    if second != root:
        raise Unproven("the proof leads to another root")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise Unproven(f"a hash is {HASH_BYTES} bytes")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _joined(hashes: Sequence[bytes]) -> bytes:
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found
