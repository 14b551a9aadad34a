"""Kill -9 at any moment: what was acknowledged is there, and every checkpoint that was signed is a beginning of the
tree that grows again from the journal."""

from __future__ import annotations

import asyncio
import base64
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.kernel.exchange.messages.house import BORDER, HOSPITAL, Clock, counted, exchanged

from banyan.kernel.exchange.messages.index import Sought
from banyan.kernel.exchange.messages.opening import open_messages

WORKER = Path(__file__).with_name("killed.py")


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_and_no_history_is_signed_twice(tmp_path: Path, rounds: int) -> None:
    dice, kept, published = random.Random(rounds), 0, {}
    for _ in range(rounds):
        said = run_and_kill(tmp_path / "log", kept, after=dice.randrange(20, 900))
        for line in said:
            what, _, rest = line.partition(" ")
            if what == "published":
                size, root = rest.split("|")
                assert published.setdefault(int(size), root) == root
            elif what == "kept":
                kept = max(kept, int(rest.split()[0]) + 1)
        acknowledged = {int(line.split()[1]) for line in said if line.startswith("kept ")}
        asyncio.run(checked(tmp_path / "log", acknowledged, published))
    assert len(published) >= rounds


def run_and_kill(folder: Path, first: int, *, after: int) -> list[str]:
    """What the process said until it was killed, `after` acknowledgements in."""
    process = subprocess.Popen([sys.executable, WORKER, folder, str(first)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = []
    try:
        for raw in process.stdout:
            said.append(raw.decode().rstrip("\n"))
            if sum(line.startswith("kept") for line in said[-1:]) and len(said) >= after:
                break
    finally:
        process.kill()
        said += [raw.decode().rstrip("\n") for raw in process.stdout if raw.endswith(b"\n")]
        process.stdout.close()
        process.wait()
    assert len(said) >= after, "it ended by itself"
    return said


async def checked(folder: Path, acknowledged: set[int], published: dict[int, str]) -> None:
    async with open_messages(
        folder,
        origin="killed/road",
        members=[HOSPITAL, BORDER.provider],
        clock=Clock(time.time()),
        random=counted(7),
    ) as opened:
        tree = opened.messages.published.tree
        for size, root in published.items():
            assert base64.b64encode(await asyncio.to_thread(tree.root, size)).decode() == root, size
        lines = await opened.messages.search(Sought(most=1_000))
        assert lines
        found = {one.xid for one in lines}
        for number in sorted(acknowledged)[-900:]:
            assert exchanged(number).xid in found, number
        some = random.Random(len(lines)).sample(list(lines), 5)
        for line in some:
            archived = await opened.messages.archived(line)
            assert archived is not None
            if archived.request_body is not None:
                assert len(archived.request_body.whole(70_000)) in (5, 70_000)
