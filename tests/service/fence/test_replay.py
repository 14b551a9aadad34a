"""`./banyan fence replay`: a recorded file through the engine, and to a node as its operator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.service.fence import masts
from tests.service.fence.masts import FAR, HOME, lines_of

from banyan.cli import main
from banyan.errors import Invalid
from banyan.fence_replay import poster, sent

ONE, TWO = "+886912000001", "+886912000002"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A day at home, then one of two goes away for forty minutes; one line is none."""
    (tmp_path / "cells.csv").write_text(masts.TABLE)
    slots = [{ONE: HOME, TWO: 6}] * 146 + [{ONE: FAR, TWO: 6}] * 4
    lines = [lines_of(masts.BEGIN + 600 * slot, served) for slot, served in enumerate(slots)]
    path = tmp_path / "fixes.ndjson"
    path.write_bytes(b"".join(reversed(lines)))
    return path


def test_a_recorded_walk_is_judged_on_this_machine(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, cells = recorded.parent / "alarms", recorded.parent / "cells.csv"
    with recorded.open("ab") as file:
        file.write(b"nothing\n")
    assert main(["fence", "replay", str(recorded), "--cells", str(cells), "--out", str(out)]) == 0
    assert capsys.readouterr().out == "2 phones, 1 rows that cannot be used; alarms: away 1, suspect 1\n"
    assert {json.loads(line)["phone"] for line in out.read_bytes().splitlines()} == {ONE}
    assert out.stat().st_mode & 0o077 == 0


def test_each_slot_goes_to_the_node_in_order_and_is_said_to_be_complete(recorded: Path) -> None:
    posted: list[tuple[str, int]] = []

    def post(target: str, body: bytes) -> bytes:
        posted.append((target, len(body.splitlines())))
        return b'{"taken":2,"again":0,"late":0,"ahead":0,"unknown":0,"strange":0}'

    assert sent(recorded, post).taken == 300
    assert posted[0] == (f"/api/fence/batch?complete_until={masts.BEGIN + 600}", 2)
    assert [target for target, _ in posted] == sorted(target for target, _ in posted)


@pytest.mark.parametrize(
    "more", [[], ["--url", "ftp://x"], ["--url", "http://127.0.0.1:9"], ["--cells", "missing.csv"]]
)
def test_bad_input_is_named_in_one_sentence(
    recorded: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fence", "replay", str(recorded), *more]) == 2
    assert capsys.readouterr().err.startswith("banyan: ")


def test_no_token_no_post(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        poster("http://127.0.0.1:9", tmp_path / "none")
