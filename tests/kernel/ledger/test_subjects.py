"""The map of subjects: any history of updates gives one root, every key has a proof, and no lie has one."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.ledger.subjects import (
    EMPTY,
    MapProof,
    Node,
    Position,
    Subject,
    bit_of,
    checked,
    inner_hash,
    prove,
    root_hash,
    subject_hash,
    updated,
)


def key(number: int) -> bytes:
    return sha256(b"%d" % number).digest()


def near(number: int) -> bytes:
    """Keys that share all but their last bits: the deepest tree there can be."""
    return bytes(31) + bytes([number])


def plain(subjects: list[Subject], depth: int = 0) -> bytes:
    """The definition: an empty side is EMPTY, a lone subject is its leaf."""
    if not subjects:
        return EMPTY
    if len(subjects) == 1:
        return subject_hash(subjects[0])
    sides = [[one for one in subjects if bit_of(one.key, depth) == bit] for bit in (0, 1)]
    return inner_hash(plain(sides[0], depth + 1), plain(sides[1], depth + 1))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 9)), max_size=60))
def test_any_history_gives_the_map_of_the_definition(history: list[tuple[bool, int, int]]) -> None:
    nodes: dict[Position, Node] = {}
    held: dict[bytes, Subject] = {}
    for is_near, number, count in history:
        subject = Subject(near(number) if is_near else key(number), count, sha256(b"%d" % count).digest())
        nodes |= updated(nodes.get, [subject])
        held[subject.key] = subject
    root = root_hash(nodes)
    assert root == plain(list(held.values()))
    for wanted in (*held, key(1_000), near(200)):
        assert checked(prove(nodes.get, wanted), wanted, root) == held.get(wanted)


def test_many_at_once_is_one_after_the_other() -> None:
    subjects = [Subject(key(number), 1, EMPTY) for number in range(50)]
    once: dict[Position, Node] = updated({}.get, subjects)
    slowly: dict[Position, Node] = {}
    for subject in subjects:
        slowly |= updated(slowly.get, [subject])
    assert root_hash(once) == root_hash(slowly)


def test_a_shorter_list_another_head_or_nothing_is_caught() -> None:
    subjects = [Subject(key(number), 3, sha256(b"%d" % number).digest()) for number in range(20)]
    nodes = updated({}.get, subjects)
    root, proof = root_hash(nodes), prove(nodes.get, key(7))
    assert checked(proof, key(7), root) == subjects[7]
    lies = (
        msgspec.structs.replace(subjects[7], count=2),
        msgspec.structs.replace(subjects[7], head=EMPTY),
        subjects[8],
        None,
    )
    for lie in lies:
        with pytest.raises(ValueError, match=r"root|path"):
            checked(MapProof(proof.siblings, lie), key(7), root)
    with pytest.raises(ValueError, match="root"):
        checked(MapProof(proof.siblings[:-1], proof.found), key(7), root)
