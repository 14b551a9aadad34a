"""The lake and the blobs: whole or absent, never changed, never outside their folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Conflict, Invalid
from banyan.kernel.storage.blobs import BlobRef, Blobs
from banyan.kernel.storage.lake import Lake, refuse_unsafe_key, sweep


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", tmp_path / "work")


def staged(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "work" / f"staged-{os.urandom(4).hex()}"
    path.write_bytes(content)
    return path


class TestLake:
    def test_a_file_takes_its_name_and_leaves_the_work_folder(self, lake: Lake, tmp_path: Path) -> None:
        made = lake.adopt(staged(tmp_path, b"PAR1"), "藥局存量/v1/表.parquet")
        assert made == lake.path("藥局存量/v1/表.parquet")
        assert made.read_bytes() == b"PAR1"
        assert list((tmp_path / "work").iterdir()) == []
        assert list(lake.keys()) == ["藥局存量/v1/表.parquet"]

    def test_the_same_content_again_is_a_retry(self, lake: Lake, tmp_path: Path) -> None:
        for _ in range(2):
            lake.adopt(staged(tmp_path, b"same"), "a/v1")
        assert lake.path("a/v1").read_bytes() == b"same"
        assert list((tmp_path / "work").iterdir()) == []

    def test_other_content_under_a_used_key_is_refused(self, lake: Lake, tmp_path: Path) -> None:
        lake.adopt(staged(tmp_path, b"old"), "a/v1")
        with pytest.raises(Conflict) as caught:
            lake.adopt(staged(tmp_path, b"new"), "a/v1")
        assert caught.value.kind == "lake-key-taken"
        assert lake.path("a/v1").read_bytes() == b"old"

    def test_removing_leaves_no_empty_folders(self, lake: Lake, tmp_path: Path) -> None:
        lake.adopt(staged(tmp_path, b"1"), "a/b/1")
        lake.adopt(staged(tmp_path, b"2"), "a/2")
        lake.remove("a/b/1")
        lake.remove("a/b/1")
        assert list(lake.keys()) == ["a/2"]
        assert not lake.path("a/b").exists()
        lake.remove("a/2")
        assert (tmp_path / "lake").is_dir()

    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", ".hidden", "a/.tmp", "a\\b", "a\x00b", "a\nb", "\ud800"],
    )
    def test_a_key_cannot_leave_the_lake(self, lake: Lake, key: str) -> None:
        with pytest.raises(Invalid):
            lake.path(key)

    def test_a_key_has_a_length(self, lake: Lake) -> None:
        for key in ("x" * 256, "a/" * 600 + "b"):
            with pytest.raises(Invalid):
                lake.path(key)

    @given(st.text(max_size=40))
    def test_an_accepted_key_stays_inside(self, key: str) -> None:
        try:
            refuse_unsafe_key(key)
        except Invalid:
            return
        root = Path("/lake")
        assert os.path.normpath(root / key) == str(root / key)
        assert (root / key).is_relative_to(root)

    def test_a_file_from_another_disk_is_copied_near_first(self, lake: Lake) -> None:
        elsewhere = Path("/dev/shm") / f"banyan-test-{os.urandom(4).hex()}"
        elsewhere.write_bytes(b"far")
        lake.adopt(elsewhere, "near")
        assert lake.path("near").read_bytes() == b"far"
        assert not elsewhere.exists()


def test_sweeping_empties_the_work_folder_only(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "half/done").mkdir(parents=True)
    (work / "half/done/x.parquet").write_bytes(b"x")
    (work / "blob-1").write_bytes(b"x")
    (tmp_path / "kept").mkdir()
    (work / "link").symlink_to(tmp_path / "kept")
    sweep(work)
    assert list(work.iterdir()) == []
    assert (tmp_path / "kept").is_dir()


class TestBlobs:
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> Blobs:
        return Blobs(tmp_path / "blobs", tmp_path / "work")

    def test_a_blob_is_found_by_its_hash(self, blobs: Blobs, tmp_path: Path) -> None:
        source = tmp_path / "mask.csv"
        source.write_bytes("醫事機構代碼\n".encode("cp950"))
        ref = blobs.put_file(source)
        assert ref == BlobRef(hashlib.sha256(source.read_bytes()).hexdigest(), 13)
        assert blobs.path(ref.sha256).read_bytes() == source.read_bytes()
        assert blobs.has(ref.sha256)
        assert blobs.put_bytes(source.read_bytes()) == ref
        assert list(blobs.keys()) == [ref.sha256]
        blobs.put_file(source, move=True)
        assert not source.exists()

    def test_it_cannot_be_written_by_accident(self, blobs: Blobs) -> None:
        path = blobs.path(blobs.put_bytes(b"x").sha256)
        assert path.stat().st_mode & 0o222 == 0

    def test_bytes_without_the_claimed_hash_are_refused(self, blobs: Blobs) -> None:
        claimed = hashlib.sha256(b"sent").hexdigest()
        with pytest.raises(Invalid):
            blobs.put_bytes(b"received", expect=claimed)
        assert not list(blobs.keys())
        assert blobs.put_bytes(b"sent", expect=claimed).sha256 == claimed

    def test_a_rotten_blob_is_known_and_mended_by_putting_it_again(self, blobs: Blobs) -> None:
        ref = blobs.put_bytes(b"original")
        path = blobs.path(ref.sha256)
        path.chmod(0o600)
        path.write_bytes(b"0riginal")
        assert not blobs.is_sound(ref.sha256)
        blobs.put_bytes(b"original")
        assert blobs.is_sound(ref.sha256)

    def test_removing(self, blobs: Blobs) -> None:
        ref = blobs.put_bytes(b"x")
        blobs.remove(ref.sha256)
        blobs.remove(ref.sha256)
        assert not blobs.has(ref.sha256)
        assert not blobs.is_sound(ref.sha256)

    @pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63])
    def test_a_name_is_a_hash(self, blobs: Blobs, name: str) -> None:
        with pytest.raises(Invalid):
            blobs.path(name)
