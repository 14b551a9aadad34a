"""The Merkle tree: published vectors, and every proof of small trees against a plain oracle."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.wire.tlog.merkle import (
    EMPTY_ROOT,
    Unproven,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)


def vectors(kind: str) -> list[dict[str, Any]]:
    text = shared_data(f"exchange/merkle/{kind}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def decoded(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def naive(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 s2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive(leaves[:split]), naive(leaves[split:]))


def reader(leaves: list[bytes]) -> Any:
    return lambda level, index: naive(leaves[index << level : (index + 1) << level])


def test_inclusion_vectors_of_transparency_dev() -> None:
    wrong = []
    for case in vectors("inclusion"):
        root, leaf = base64.b64decode(case["root"]), base64.b64decode(case["leafHash"])
        try:
            check_inclusion(case["leafIdx"], case["treeSize"], leaf, decoded(case["proof"]), root)
            refused = False
        except Unproven:
            refused = True
        if refused != case["wantErr"]:
            wrong.append((case["_file"], case["desc"]))
    assert wrong == []


def test_consistency_vectors_of_transparency_dev() -> None:
    """Two policies differ: from size 0 they refuse and c2sp.org/tlog-witness accepts with an empty proof; and we refuse
    a root that is not 32 bytes, which they take as it is."""
    differing = []
    for case in vectors("consistency"):
        roots = base64.b64decode(case["root1"]), base64.b64decode(case["root2"])
        try:
            check_consistency(case["size1"], case["size2"], *roots, decoded(case["proof"]))
            refused = False
        except Unproven:
            refused = True
        if refused != case["wantErr"]:
            differing.append((case["size1"], case["desc"], refused, roots[0]))
    assert [one for one in differing if one[0] != 0 and len(one[3]) == 32] == []
    assert len(differing) <= 3


@given(st.integers(1, 70), st.data())
def test_every_proof_of_ours_is_accepted_and_no_other_leaf(size: int, data: st.DataObject) -> None:
    leaves = [b"%d" % number for number in range(size)]
    read = reader(leaves)
    root = root_of(size, read)
    assert root == naive(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, read)
    check_inclusion(index, size, leaf_hash(leaves[index]), proof, root)
    with pytest.raises(Unproven):
        check_inclusion(index, size, leaf_hash(b"another"), proof, root)
    old = data.draw(st.integers(0, size))
    path = consistency_proof(old, size, read)
    check_consistency(old, size, naive(leaves[:old]), root, path)
    if 0 < old < size:
        with pytest.raises(Unproven):
            check_consistency(old, size, naive([*leaves[: old - 1], b"x"]), root, path)
        with pytest.raises(Unproven):
            check_consistency(old, size, naive(leaves[:old]), root, [*path, path[-1]])
        with pytest.raises(Unproven):
            check_consistency(old, size, naive(leaves[:old]), root, path[:-1])
