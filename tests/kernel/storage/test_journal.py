"""The journal against a plain list: appends, restarts, rotation, snapshots, torn tails and damage."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banyan.errors import Limit, Problem
from banyan.kernel.storage.frames import FRAME_HEAD_BYTES, HEAD_BYTES, encode_frame, encode_head
from banyan.kernel.storage.journal import Journal
from banyan.limits import JOURNAL_FRAME_BYTES

MARK_BYTES = FRAME_HEAD_BYTES


@contextmanager
def opened(folder: Path, segment_bytes: int = 10_000_000) -> Iterator[Journal]:
    journal = Journal(folder, segment_bytes=segment_bytes)
    try:
        yield journal
    finally:
        journal.close()


def write(folder: Path, groups: list[list[bytes]], *, segment_bytes: int = 10_000_000) -> list[int]:
    """Append each group together and wait for it; return the seqs."""

    async def append(journal: Journal) -> list[int]:
        seqs: list[int] = []
        for group in groups:
            seqs += await asyncio.gather(*(journal.append(payload) for payload in group))
        return seqs

    with opened(folder, segment_bytes) as journal:
        return asyncio.run(append(journal))


def read(folder: Path, after: int = 0) -> list[tuple[int, bytes]]:
    with opened(folder) as journal:
        return list(journal.replay(after))


def read_or_refused(folder: Path) -> list[tuple[int, bytes]] | None:
    """The events, or None when the journal was refused as damaged."""
    try:
        return read(folder)
    except Problem as problem:
        return None if problem.kind == "journal-damaged" else [(0, problem.kind.encode())]


def numbered(payloads: list[bytes], start: int = 1) -> list[tuple[int, bytes]]:
    return list(enumerate(payloads, start))


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder where a flush costs nothing, for tests of many files."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


class TestRoom:
    """Zeros behind the newest event, so that a flush need not tell the file system how long the file is."""

    def test_it_is_made_before_it_is_needed_and_goes_at_the_end(self, folder: Path) -> None:
        with opened(folder) as journal:
            seen = []
            for number in range(100):
                asyncio.run(journal.append(b"%03d" % number * 100))
                seen.append(segments(folder)[0].stat().st_size)
            assert len(set(seen)) < 5, "a file that grows seldom"
            shutil.copytree(folder, folder.with_name("killed"))
        whole = HEAD_BYTES + 100 * (FRAME_HEAD_BYTES + 300 + MARK_BYTES)
        assert segments(folder)[0].stat().st_size == whole
        assert segments(folder.with_name("killed"))[0].stat().st_size > whole
        assert read(folder.with_name("killed")) == read(folder)

    def test_only_the_newest_segment_has_it(self, folder: Path) -> None:
        with opened(folder, 1_000) as journal:
            for _ in range(20):
                asyncio.run(journal.append(b"x" * 300))
            *full, newest = (path.read_bytes() for path in segments(folder))
            assert len(full) > 3
            assert not any(content.endswith(bytes(MARK_BYTES + 1)) for content in full)
            assert newest.endswith(bytes(MARK_BYTES + 1))

    def test_a_disk_without_it_still_takes_what_fits(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def pwrite(descriptor: int, data: bytes, position: int, write: Any = os.pwrite) -> int:
            if not any(data):
                raise OSError(errno.ENOSPC, "no room for zeros")
            written: int = write(descriptor, data, position)
            return written

        monkeypatch.setattr(os, "pwrite", pwrite)
        assert write(folder, [[b"one"], [b"two", b"three"]]) == [1, 2, 3]
        assert read(folder) == numbered([b"one", b"two", b"three"])


PAYLOADS = st.lists(st.binary(max_size=200), max_size=12)


@settings(max_examples=60, deadline=None)
@given(sessions=st.lists(st.lists(PAYLOADS, max_size=3), max_size=4), segment_bytes=st.sampled_from([60, 300, 10**7]))
def test_it_is_a_list_that_survives_closing(sessions: list[list[list[bytes]]], segment_bytes: int) -> None:
    with in_memory() as name:
        expected: list[bytes] = []
        for groups in sessions:
            added = [payload for group in groups for payload in group]
            seqs = write(Path(name), groups, segment_bytes=segment_bytes)
            assert seqs == list(range(len(expected) + 1, len(expected) + 1 + len(added)))
            expected += added
            assert read(Path(name)) == numbered(expected)


def test_replay_starts_behind_any_event_and_ends_where_it_was_called(folder: Path) -> None:
    payloads = [b"%d" % n for n in range(50)]
    write(folder, [payloads], segment_bytes=100)
    for after in (0, 1, 10, 49, 50, 99):
        assert read(folder, after) == numbered(payloads)[after:]

    with opened(folder) as journal:
        replay = journal.replay(48)
        asyncio.run(journal.append(b"later"))
        assert [seq for seq, _ in replay] == [49, 50]
        assert list(journal.replay(50)) == [(51, b"later")]
        assert journal.last_seq == 51


def test_segments_rotate_and_are_named_by_their_first_event(folder: Path) -> None:
    for n in range(6):
        write(folder, [[b"x" * 40]] * 2, segment_bytes=150)
        assert len(read(folder)) == 2 * n + 2
    firsts = [int(path.stem) for path in segments(folder)]
    assert firsts[0] == 1
    assert len(firsts) > 3
    assert firsts == sorted(firsts)


def test_cut_at_every_byte_it_is_a_prefix_and_goes_on() -> None:
    """A torn tail, as a crash while a group is being written leaves it."""
    with in_memory() as name:
        cut_at_every_byte(Path(name))


def cut_at_every_byte(tmp_path: Path) -> None:
    payloads = [b"", b"a", b"bc" * 9, "榕".encode() * 5, b"\x00" * 20]
    whole = tmp_path / "whole"
    write(whole, [payloads[:2], payloads[2:]])
    content = segments(whole)[0].read_bytes()
    for length in range(HEAD_BYTES, len(content)):
        folder = tmp_path / f"cut{length}"
        folder.mkdir()
        (folder / segments(whole)[0].name).write_bytes(content[:length])
        found = read(folder)
        assert found == numbered(payloads)[: len(found)], length
        assert write(folder, [[b"next"]]) == [len(found) + 1]
        assert read(folder) == [*found, (len(found) + 1, b"next")]
        shutil.rmtree(folder)


def test_every_flipped_bit_is_refused_or_harmless() -> None:
    """All events were acknowledged: none may be lost silently, whatever bit rots."""
    with in_memory() as name:
        flip_every_bit(Path(name))


def flip_every_bit(tmp_path: Path) -> None:
    payloads = [b"first", b"second " * 3, b"", b"last"]
    whole = tmp_path / "whole"
    write(whole, [payloads[:2], payloads[2:]])
    name = segments(whole)[0].name
    content = segments(whole)[0].read_bytes()
    folder = tmp_path / "flipped"
    folder.mkdir()
    outcomes = {"refused": 0, "harmless": 0}
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        (folder / name).write_bytes(flipped)
        found = read_or_refused(folder)
        assert found in (None, numbered(payloads)), f"bit {bit}"
        outcomes["refused" if found is None else "harmless"] += 1
    # Only the last mark is harmless: it says that the events before it are durable, and they are all there.
    assert outcomes == {"refused": len(content) * 8 - MARK_BYTES * 8, "harmless": MARK_BYTES * 8}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_in_any_segment_never_yields_another_list(data: st.DataObject) -> None:
    payloads = data.draw(st.lists(st.binary(min_size=1, max_size=60), min_size=3, max_size=20))
    with in_memory() as name:
        folder = Path(name) / "journal"
        write(folder, [[payload] for payload in payloads], segment_bytes=150)
        path = data.draw(st.sampled_from(segments(folder)))
        content = bytearray(path.read_bytes())
        start = data.draw(st.integers(0, len(content) - 1))
        end = data.draw(st.integers(start + 1, len(content)))
        if data.draw(st.booleans()):
            content[start:end] = data.draw(st.binary(min_size=end - start, max_size=end - start))
        else:
            del content[start:end]
        path.write_bytes(content)
        found = read_or_refused(folder)
        if found is None:
            return
        assert found == numbered(payloads)[: len(found)]
        is_cut_at_the_end = path == segments(folder)[-1]
        assert found == numbered(payloads) or is_cut_at_the_end


def test_a_group_whose_pages_reached_the_disk_out_of_order_is_a_torn_tail(folder: Path) -> None:
    """A power cut may keep the second page of an unflushed group and lose the first: nothing of it was acknowledged."""
    write(folder, [[b"kept"]])
    path = segments(folder)[0]
    content = path.read_bytes()
    salt = int.from_bytes(content[10:14], "little")
    lost = encode_frame(b"lost page", salt=salt, seq=2, durable=1)
    there = encode_frame(b"there page", salt=salt, seq=3, durable=1)
    path.write_bytes(content + bytes(len(lost)) + there)
    assert read(folder) == [(1, b"kept")]
    assert write(folder, [[b"again"]]) == [2]


def test_a_broken_event_before_a_later_group_is_damage(folder: Path) -> None:
    write(folder, [[b"one"], [b"two"], [b"three"]])
    path = segments(folder)[0]
    path.write_bytes(path.read_bytes().replace(b"two", b"tvo"))
    with pytest.raises(Problem, match="event 2 was acknowledged") as caught:
        read(folder)
    assert "restore" in caught.value.remedy
    assert b"tvo" in path.read_bytes(), "the evidence is left as it is"


def test_a_journal_carried_as_a_payload_is_not_taken_for_frames(tmp_path: Path) -> None:
    write(tmp_path / "inner", [[b"a"], [b"b"], [b"c"]])
    inner = segments(tmp_path / "inner")[0].read_bytes()
    outer = tmp_path / "outer"
    write(outer, [[b"x"]])
    path = segments(outer)[0]
    content = path.read_bytes()
    salt = int.from_bytes(content[10:14], "little")
    torn = encode_frame(inner * 2, salt=salt, seq=2, durable=1)[:-1]
    path.write_bytes(content + torn)
    assert read(outer) == [(1, b"x")]


def test_a_missing_segment_is_refused(folder: Path) -> None:
    write(folder, [[b"x" * 50]] * 8, segment_bytes=100)
    segments(folder)[1].unlink()
    with pytest.raises(Problem, match="damaged: it starts at"):
        read(folder)


def test_a_missing_first_segment_is_refused_without_a_snapshot(folder: Path) -> None:
    write(folder, [[b"x" * 50]] * 8, segment_bytes=100)
    segments(folder)[0].unlink()
    with pytest.raises(Problem, match="are missing"):
        read(folder)


def test_what_a_crash_leaves_half_made_is_swept(folder: Path) -> None:
    write(folder, [[b"a"]])
    (folder / f"{2:020}.tmp").write_bytes(encode_head(1, 2)[:5])
    (folder / f"{1:020}.snapshot.tmp").write_bytes(b"half")
    assert read(folder) == [(1, b"a")]
    assert [path.name for path in folder.iterdir()] == [segments(folder)[0].name]


class TestSnapshots:
    def test_state_then_the_events_behind_it(self, folder: Path) -> None:
        write(folder, [[b"a", b"b", b"c"]])
        with opened(folder) as journal:
            assert journal.latest_snapshot() is None
            journal.snapshot(2, b"state ab")
        with opened(folder) as journal:
            assert journal.latest_snapshot() == (2, b"state ab")
            assert list(journal.replay(2)) == [(3, b"c")]

    def test_a_damaged_snapshot_falls_back_to_the_older(self, folder: Path) -> None:
        write(folder, [[b"a", b"b", b"c"]])
        with opened(folder) as journal:
            journal.snapshot(1, b"old")
            journal.snapshot(3, b"new")
        newest = folder / f"{3:020}.snapshot"
        for damage in (b"", newest.read_bytes()[:-1], newest.read_bytes().replace(b"new", b"nev")):
            newest.write_bytes(damage)
            with opened(folder) as journal:
                assert journal.latest_snapshot() == (1, b"old")
                assert [seq for seq, _ in journal.replay(1)] == [2, 3]

    def test_only_segments_behind_the_older_snapshot_go(self, folder: Path) -> None:
        write(folder, [[b"x" * 50]] * 12, segment_bytes=100)
        count = len(segments(folder))
        with opened(folder, 100) as journal:
            assert journal.prune() == 0, "no snapshot: all is needed"
            journal.snapshot(4, b"4")
            journal.snapshot(9, b"9")
            journal.snapshot(12, b"12")
            pruned = journal.prune()
            assert 0 < pruned < count
            assert [seq for seq, _ in journal.replay(9)] == [10, 11, 12]
            with pytest.raises(Problem, match="pruned"):
                journal.replay(0)
        (folder / f"{12:020}.snapshot").write_bytes(b"")
        with opened(folder, 100) as journal:
            assert journal.latest_snapshot() == (9, b"9")
            assert [seq for seq, _ in journal.replay(9)] == [10, 11, 12]
            assert asyncio.run(journal.append(b"y")) == 13

    def test_with_a_bound_every_state_since_can_be_made_again(self, folder: Path) -> None:
        write(folder, [[b"%d" % number] for number in range(1, 31)], segment_bytes=60)
        with opened(folder, 60) as journal:
            for seq in (5, 10, 15, 20, 25):
                journal.snapshot(seq, b"%d" % seq, replayable=seq - 12)
            assert sorted(int(path.stem) for path in folder.glob("*.snapshot")) == [10, 15, 20, 25]
            reading = journal.replay(11)
            assert journal.prune() > 0
            assert 1 < journal.first_seq <= 11
            assert journal.latest_snapshot(until=19) == (15, b"15")
            assert journal.latest_snapshot(until=9) is None
            assert [seq for seq, _ in reading] == list(range(12, 31)), "what is read meanwhile stays"
            with pytest.raises(Problem, match="pruned"):
                next(iter(journal.replay(0)))

    def test_a_reader_whose_events_are_pruned_is_told_so(self, folder: Path) -> None:
        write(folder, [[b"%d" % number] for number in range(1, 31)], segment_bytes=60)
        with opened(folder, 60) as journal:
            reading = journal.replay(0)
            journal.snapshot(28, b"28")
            journal.snapshot(30, b"30")
            assert journal.prune() > 0
            with pytest.raises(Problem, match="pruned meanwhile"):
                next(reading)

    def test_all_snapshots_damaged_after_pruning_is_refused(self, folder: Path) -> None:
        write(folder, [[b"x" * 50]] * 12, segment_bytes=100)
        with opened(folder, 100) as journal:
            journal.snapshot(8, b"8")
            journal.snapshot(9, b"9")
            journal.prune()
        for path in folder.glob("*.snapshot"):
            path.write_bytes(b"")
        with pytest.raises(Problem, match="are missing"):
            read(folder)

    def test_a_journal_that_lost_its_tail_behind_a_snapshot_is_refused(self, folder: Path) -> None:
        write(folder, [[b"a"], [b"b"]])
        with opened(folder) as journal:
            journal.snapshot(2, b"ab")
        path = segments(folder)[0]
        os.truncate(path, HEAD_BYTES)
        with pytest.raises(Problem, match="before snapshot 2"):
            read(folder)


def test_an_event_beyond_its_bound_is_refused(folder: Path) -> None:
    with opened(folder) as journal, pytest.raises(Limit):
        asyncio.run(journal.append(bytes(JOURNAL_FRAME_BYTES + 1)))


def test_many_writers_share_one_order(folder: Path) -> None:
    async def race(journal: Journal) -> dict[int, bytes]:
        async def writer(name: int) -> list[tuple[int, bytes]]:
            payloads = [b"%d-%d" % (name, n) for n in range(50)]
            return [(await journal.append(payload), payload) for payload in payloads]

        return dict(pair for pairs in await asyncio.gather(*map(writer, range(20))) for pair in pairs)

    with opened(folder, 5_000) as journal:
        acknowledged = asyncio.run(race(journal))
    assert sorted(acknowledged.items()) == read(folder)
    assert len(acknowledged) == 1_000


class TestFailingDisk:
    def fail_flushes(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        def fdatasync(descriptor: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fdatasync", fdatasync)

    def test_after_a_failed_flush_nothing_more_is_promised(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The kernel may have dropped the pages and report the next flush as good: only a restart tells."""
        with opened(folder) as journal:
            asyncio.run(journal.append(b"kept"))
            with monkeypatch.context() as patch:
                self.fail_flushes(patch, errno.EIO)
                with pytest.raises(Problem) as caught:
                    asyncio.run(journal.append(b"lost"))
            assert caught.value.kind == "storage-failed"
            with pytest.raises(Problem, match="disk failed"):
                asyncio.run(journal.append(b"also refused"))
            assert list(journal.replay()) == [(1, b"kept")]
        assert read(folder) == [(1, b"kept")]
        assert write(folder, [[b"after the restart"]]) == [2]

    def test_a_flush_without_room_is_a_full_disk(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with opened(folder) as journal:
            with monkeypatch.context() as patch:
                self.fail_flushes(patch, errno.ENOSPC)
                with pytest.raises(Problem) as caught:
                    asyncio.run(journal.append(b"lost"))
            assert (caught.value.status, caught.value.kind) == (507, "storage-full")
            assert asyncio.run(journal.append(b"kept")) == 1
        assert read(folder) == [(1, b"kept")]
