"""kill -9 while looks are taken in and the board is written down: every acknowledged look is there afterwards."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from tests.faults.acknowledging import ALL_ROUNDS, ROUNDS, acknowledged_before_kill
from tests.faults.looks import event_of
from tests.faults.victim import SEGMENT_BYTES

from banyan.kernel.storage.journal import Journal
from banyan.service.supplies import snapshot
from banyan.service.supplies.board import Board
from banyan.service.supplies.keeping import Kept


@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(ALL_ROUNDS, marks=pytest.mark.slow)])
def test_no_acknowledged_look_is_lost(tmp_path: Path, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "board"
    chance = random.Random(20261126)
    straight = Board()  # every look once, in order, never written down
    acknowledged = snapshots = 0
    for _ in range(rounds):
        said = acknowledged_before_kill("board", folder, after=chance.randint(1, 250))
        assert [name for _, name in said] == [f"look-{seq}" for seq, _ in said]
        journal = Journal(folder, segment_bytes=SEGMENT_BYTES)
        try:
            kept = Kept(journal)
            kept.rebuild()
            snapshots = len(list(folder.glob("*.snapshot")))
        finally:
            journal.close()
        assert kept.board.seq >= max(seq for seq, _ in said), "an acknowledged look is lost"
        for seq in range(straight.seq + 1, kept.board.seq + 1):
            straight.apply(seq, event_of(seq))
        assert snapshot.digest(kept.board) == snapshot.digest(straight)
        acknowledged += len(said)
    assert snapshots >= 2, "boards were written down meanwhile"
    with capsys.disabled():
        sys.stdout.write(f" board: {rounds} x kill -9, {acknowledged} acknowledged, {straight.seq} found ")
