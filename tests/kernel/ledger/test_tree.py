"""The tree on disk equals the tree of the definition, at every size and after every restart."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from banyan.kernel.ledger.tree import Tree
from banyan.wire.tlog.merkle import (
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
)
from banyan.wire.tlog.tiles import Tile, decode_bundle, tiles_of


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(start, start + count)]


def plain_root(leaves: list[bytes]) -> bytes:
    row = [leaf_hash(one) for one in leaves]
    levels = [row]
    while len(row) > 1:
        row = [node_hash(a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
        levels.append(row)
    return root_of(len(leaves), lambda level, index: levels[level][index])


@settings(max_examples=examples(10, 25), deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_grown_in_any_steps_and_opened_again(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    folder = tmp_path_factory.mktemp("tree")
    tree, whole = Tree(folder), list[bytes]()
    for step in steps:
        more = entries(step, len(whole))
        tree.grow(more)
        whole += more
        assert tree.root() == plain_root(whole)
        tree = Tree(folder, len(whole))
        assert tree.root() == plain_root(whole)
    assert [tree.entry(number) for number in range(len(whole))] == whole


def test_every_tile_of_c2sp_is_there_and_proofs_hold(tmp_path: Path) -> None:
    whole = entries(70_000)
    tree = Tree(tmp_path)
    tree.grow(whole[:65_000])
    tree.grow(whole[65_000:])
    for tile in tiles_of(70_000):
        assert tree.file(tile) is not None, tile.path
    assert (tmp_path / "tile/2/000.p/1").read_bytes() == tree.subtree(16, 0)
    assert decode_bundle((tmp_path / Tile(None, 5).path).read_bytes()) == whole[5 * 256 : 6 * 256]
    root = tree.root()
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        check_inclusion(index, 70_000, leaf_hash(whole[index]), inclusion_proof(index, 70_000, tree.subtree), root)
    for old in (1, 256, 65_000, 65_536, 69_999):
        proof = consistency_proof(old, 70_000, tree.subtree)
        check_consistency(old, 70_000, tree.root(old), root, proof)


def test_a_growth_cut_off_before_its_size_was_kept_is_written_again(tmp_path: Path) -> None:
    whole = entries(600)
    Tree(tmp_path).grow(whole[:300])
    Tree(tmp_path, 300).grow(whole[300:])  # and then the process dies before 600 is kept
    again = Tree(tmp_path, 300)
    again.grow(whole[300:])
    assert again.root() == plain_root(whole)


def test_a_tile_never_written_at_a_width_is_cut_from_a_fuller_one(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.grow(entries(300))
    assert tree.cut(Tile(0, 1, 10)) == b"".join(leaf_hash(one) for one in entries(10, 256))
    assert tree.cut(Tile(0, 1, 45)) is None
    assert tree.file(Tile(0, 1, 44)) is not None
    assert tree.file(Tile(0, 2)) is None
    assert decode_bundle(tree.cut(Tile(None, 1, 3)) or b"") == entries(3, 256)


def test_a_proof_that_is_asked_for_while_the_tree_grows(tmp_path: Path) -> None:
    """Another thread asks in the middle of a growth, when the last tile is full and the size does not say so yet. It
    got a proof that led nowhere."""
    tree = Tree(tmp_path)
    tree.grow(entries(300))
    root, proofs, asking = tree.root(300), [], []
    write = tree._write

    def prove() -> None:
        proofs.append(inclusion_proof(299, 300, tree.subtree))

    def writing(tile: Tile, data: bytes) -> None:
        write(tile, data)
        asking.append(threading.Thread(target=prove))
        asking[-1].start()
        asking[-1].join(0.05)

    tree._write = writing  # type: ignore[method-assign]
    tree.grow(entries(300, 300))
    for one in asking:
        one.join()
    assert len(proofs) == len(asking) > 3
    for proof in proofs:
        check_inclusion(299, 300, leaf_hash(b"entry 299"), proof, root)
