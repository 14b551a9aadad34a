"""The map of subjects: for each person's pseudonym how many uses the ledger holds, and the head of their chain.

A sparse Merkle tree over 256-bit keys: a subtree with one subject is that subject's leaf, an empty one is EMPTY. Its
root is committed in the log, so a list of uses that leaves one out no longer leads to it (docs/decisions/0081).
Values in, values out; nodes are read and written through what is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

KEY_BITS: Final = 256
EMPTY: Final = bytes(32)
"""The hash of a subtree without subjects."""
Position = tuple[int, int]
"""A node: its depth, and the first `depth` bits of the keys below it."""


class Subject(msgspec.Struct, frozen=True):
    """`count` uses, chained to `head`. A key is the person's pseudonym in the ledger: 32 bytes, a keyed hash."""

    key: bytes
    count: int
    head: bytes


class Node(msgspec.Struct, frozen=True):
    """A node that is there: a lone subject, or an inner one (then `subject` is None)."""

    hash: bytes
    subject: Subject | None = None


ReadNode = Callable[[Position], Node | None]


class MapProof(msgspec.Struct, frozen=True):
    """The way from a key to the root: the hashes beside it from the top down, and what stands at its end: the key's own
    subject, another that shares its prefix, or nothing (both prove that the key has no use)."""

    siblings: tuple[bytes, ...]
    found: Subject | None


def chained(head: bytes, commitment: bytes) -> bytes:
    """The head of a subject's chain after one more use."""
    return sha256(b"\x02" + head + commitment).digest()


def subject_hash(subject: Subject) -> bytes:
    return sha256(b"\x00" + subject.key + subject.count.to_bytes(8) + subject.head).digest()


def inner_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def updated(read: ReadNode, subjects: Sequence[Subject]) -> dict[Position, Node]:
    """The nodes that change when `subjects` (one a key) are set. The root is at (0, 0)."""
    changed: dict[Position, Node] = {}

    def at(position: Position) -> Node | None:
        return changed[position] if position in changed else read(position)

    for subject in subjects:
        _set(at, changed, subject)
    return changed


def _set(at: ReadNode, changed: dict[Position, Node], subject: Subject) -> None:
    depth = 0
    while True:
        node = at((depth, prefix(subject.key, depth)))
        if node is None or (node.subject is not None and node.subject.key == subject.key):
            break
        if node.subject is not None:
            depth = _parted(changed, node.subject, subject.key, depth)
            break
        depth += 1
    changed[depth, prefix(subject.key, depth)] = Node(subject_hash(subject), subject)
    for above in range(depth - 1, -1, -1):
        sides = [at((above + 1, prefix(subject.key, above) << 1 | bit)) for bit in (0, 1)]
        left, right = (side.hash if side is not None else EMPTY for side in sides)
        changed[above, prefix(subject.key, above)] = Node(inner_hash(left, right))


def _parted(changed: dict[Position, Node], other: Subject, key: bytes, depth: int) -> int:
    """Move a lone subject down until its path parts from `key`'s; the depth at which both stand alone."""
    while bit_of(other.key, depth) == bit_of(key, depth):
        changed[depth, prefix(key, depth)] = Node(EMPTY)  # an inner node; its hash follows from below
        depth += 1
    changed[depth, prefix(key, depth)] = Node(EMPTY)
    changed[depth + 1, prefix(other.key, depth + 1)] = Node(subject_hash(other), other)
    return depth + 1


def prove(read: ReadNode, key: bytes) -> MapProof:
    """What the map holds for a key, with the way to the root."""
    siblings: list[bytes] = []
    depth = 0
    node = read((0, 0))
    while node is not None and node.subject is None:
        beside = read((depth + 1, prefix(key, depth + 1) ^ 1))
        siblings.append(beside.hash if beside is not None else EMPTY)
        depth += 1
        node = read((depth, prefix(key, depth)))
    return MapProof(tuple(siblings), node.subject if node is not None else None)


def checked(proof: MapProof, key: bytes, root: bytes) -> Subject | None:
    """The key's subject as the root has it, None when it has no use. Raises ValueError when the proof does not lead to
    `root`."""
    depth, found = len(proof.siblings), proof.found
    if depth > KEY_BITS or len(key) * 8 != KEY_BITS:
        raise ValueError("the map has 256 levels")
    if found is not None and prefix(found.key, depth) != prefix(key, depth):
        raise ValueError("the subject found is not on the key's path")
    hashed = subject_hash(found) if found is not None else EMPTY
    for above in range(depth - 1, -1, -1):
        beside = proof.siblings[above]
        hashed = inner_hash(beside, hashed) if bit_of(key, above) else inner_hash(hashed, beside)
    if hashed != root:
        raise ValueError("the proof leads to another root of the map")
    return found if found is not None and found.key == key else None


def root_hash(nodes: Mapping[Position, Node]) -> bytes:
    top = nodes.get((0, 0))
    return top.hash if top is not None else EMPTY


def bit_of(key: bytes, depth: int) -> int:
    return key[depth // 8] >> (7 - depth % 8) & 1


def prefix(key: bytes, depth: int) -> int:
    """The first `depth` bits of a key as a number."""
    return int.from_bytes(key) >> (KEY_BITS - depth)
