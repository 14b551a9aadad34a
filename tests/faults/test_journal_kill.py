"""kill -9 while the journal is appended to: whatever was acknowledged is there after the restart, in one order."""

from __future__ import annotations

import random
import sys
import zlib
from pathlib import Path

import pytest
from tests.faults.acknowledging import ALL_ROUNDS, ROUNDS, acknowledged_before_kill
from tests.faults.victim import SEGMENT_BYTES, payload

from banyan.kernel.storage.journal import Journal


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(ALL_ROUNDS, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost(tmp_path: Path, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "journal"
    chance = random.Random(20261123)
    everything: list[bytes] = []  # what recovery found, by seq - 1: from then on it must stay
    acknowledged = 0
    for _ in range(rounds):
        said = acknowledged_before_kill("journal", folder, after=chance.randint(1, 700))
        journal = Journal(folder, segment_bytes=SEGMENT_BYTES)
        snapshot = journal.latest_snapshot()
        kept_from = min((int(path.stem) for path in folder.glob("*.segment")), default=1)
        found = dict(journal.replay(kept_from - 1))
        last = journal.last_seq
        journal.close()

        assert list(found) == list(range(kept_from, last + 1)), "seqs are continuous"
        for seq, name in said:
            # A snapshot may have let some go that were never seen on disk: what was said stands for them.
            if seq >= kept_from:
                assert found[seq] == payload(name), f"event {seq} was acknowledged"
        told = {seq: payload(name) for seq, name in said}
        for seq in range(1, last + 1):
            content = found.get(seq) or told.get(seq)
            if seq <= len(everything):
                assert content in (None, everything[seq - 1]), f"event {seq} changed"
            else:
                assert content is not None, f"event {seq} is nowhere"
                everything.append(content)
        assert len(everything) == last, "the journal never shrinks"
        if snapshot:
            checksum = 0
            for content in everything[: snapshot[0]]:
                checksum = zlib.crc32(content, checksum)
            assert int(snapshot[1]) == checksum
        acknowledged += len(said)
    with capsys.disabled():
        sys.stdout.write(f" journal: {rounds} x kill -9, {acknowledged} acknowledged, {len(everything)} found ")
