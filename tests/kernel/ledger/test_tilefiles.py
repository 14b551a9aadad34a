"""What has its name is whole and on the disk, in any order of failures; and what was there is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from banyan.kernel.ledger.tilefiles import TileFiles
from banyan.kernel.ledger.tree import Tree


class Disk:
    """What the system was asked, in order: ("flush" or "name", the path without `.tmp`)."""

    def __init__(self, patch: pytest.MonkeyPatch, fails_at: int = -1) -> None:
        self.asked: list[tuple[str, str]] = []
        fsync, rename = os.fsync, os.rename

        def note(what: str, path: str) -> None:
            if len(self.asked) == fails_at:
                raise OSError(5, "Input/output error")
            self.asked.append((what, path.removesuffix(".tmp")))

        def noted_fsync(descriptor: int) -> None:
            note("flush", os.readlink(f"/proc/self/fd/{descriptor}"))
            fsync(descriptor)

        def noted_rename(old: str, new: str) -> None:
            note("name", new)
            rename(old, new)

        patch.setattr(os, "fsync", noted_fsync)
        patch.setattr(os, "rename", noted_rename)


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % number for number in range(start, start + count)]


def test_a_file_is_named_after_its_flush_and_its_folders_are_flushed_after_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tree(tmp_path).grow(entries(300))
    disk = Disk(monkeypatch)
    Tree(tmp_path, 300).grow(entries(1_000, 300))
    named = [path for what, path in disk.asked if what == "name"]
    assert len(named) == 4 * 2 + 3
    for path in named:
        place = disk.asked.index(("name", path))
        assert ("flush", path) in disk.asked[:place], path
        folder = str(Path(path).parent)
        assert ("flush", folder) in disk.asked[place:], folder
    made = tmp_path / "tile/0/005.p"
    assert ("flush", str(made.parent)) in disk.asked, "the folder's own name"
    assert len(disk.asked) < 2 * len(named) + 10, "not each folder after each file"


@pytest.mark.parametrize("fails_at", [0, 5, 10, 13, 21, 23])
def test_what_failed_leaves_nothing_half_written_and_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    Tree(tmp_path).grow(entries(300))
    with monkeypatch.context() as patch:
        Disk(patch, fails_at)
        with pytest.raises(OSError, match="Input/output"):
            Tree(tmp_path, 300).grow(entries(1_000, 300))
    assert not list(tmp_path.rglob("*.tmp"))
    again = Tree(tmp_path, 300)
    again.grow(entries(1_000, 300))
    whole = Tree(tmp_path / "whole")
    whole.grow(entries(1_300))
    assert again.root() == whole.root()
    assert [again.entry(at) for at in range(1_300)] == entries(1_300)


def test_no_file_of_the_tree_before_is_written_again(tmp_path: Path) -> None:
    """The second level's tile was, each time, with the same name and bytes: cut off by a power failure it would
    have been empty under a checkpoint that needs it."""
    tree, size = Tree(tmp_path), 0
    for step in (300, 10, 200, 2, 600):
        before = {path: path.stat() for path in tmp_path.rglob("*") if path.is_file()}
        tree.grow(entries(step, size))
        size += step
        for path, stat in before.items():
            now = path.stat()
            assert (now.st_ino, now.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns), path
        assert Tree(tmp_path, size).root() == tree.root()


def test_what_waits_is_read_and_what_is_many_is_flushed_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, disk = TileFiles(tmp_path), Disk(monkeypatch)
    files.put("a/b", b"waits")
    assert files.read("a/b") == b"waits"
    assert not (tmp_path / "a/b").exists()
    for number in range(300):
        files.put(f"c/{number}", b"%d" % number)
    assert len([path for what, path in disk.asked if what == "name"]) == 256
    files.flush()
    assert files.read("a/b") == (tmp_path / "a/b").read_bytes() == b"waits"
    assert [files.read(f"c/{number}") for number in range(300)] == [b"%d" % number for number in range(300)]
    with pytest.raises(FileNotFoundError):
        files.read("d")
