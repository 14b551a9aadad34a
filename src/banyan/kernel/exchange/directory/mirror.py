"""The directory's log, held whole by every gateway: entries in C2SP tiles, and what it would be with more of them.

A gateway that holds every entry needs no proof of consistency from others: it computes the root itself, and sees every
snapshot that was ever announced.
"""

from __future__ import annotations

from collections.abc import Sequence

from banyan.kernel.ledger.tree import Tree
from banyan.wire.tlog.merkle import ReadSubtree, leaf_hash, node_hash, root_of


def grown(tree: Tree, entries: Sequence[bytes]) -> ReadSubtree:
    """Reads subtrees of `tree` with `entries` behind it; nothing is written."""
    return joined(tree.subtree, tree.size, [leaf_hash(one) for one in entries])


def joined(read: ReadSubtree, size: int, leaves: Sequence[bytes]) -> ReadSubtree:
    """Reads subtrees of a tree of `size` leaves with `leaves` (their hashes) behind it."""
    kept: dict[tuple[int, int], bytes] = {}

    def subtree(level: int, index: int) -> bytes:
        if (index + 1) << level <= size:
            return read(level, index)
        if level == 0:
            return leaves[index - size]
        found = kept.get((level, index))
        if found is None:
            found = kept[level, index] = node_hash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1))
        return found

    return subtree


def root_with(tree: Tree, entries: Sequence[bytes], size: int) -> bytes:
    """The root of the first `size` leaves of `tree` with `entries` behind it."""
    return root_of(size, grown(tree, entries))


def alone(entries: Sequence[bytes]) -> ReadSubtree:
    """Reads subtrees of a log of just these entries."""

    def nothing(level: int, index: int) -> bytes:
        raise AssertionError(f"no subtree {level},{index}")

    return joined(nothing, 0, [leaf_hash(one) for one in entries])
