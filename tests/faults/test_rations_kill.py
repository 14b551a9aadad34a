"""kill -9 while outlets sell: no acknowledged sale is lost, none counts twice, and the stock is exact to the unit."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest
from tests.faults.acknowledging import acknowledged_before_kill
from tests.faults.rations import BOOK, NOW, command, key_of, stocks_of

from banyan.kernel.storage import Journal
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Receipt


@pytest.mark.parametrize("rounds", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_no_sale_is_lost_or_doubled(tmp_path: Path, rounds: int, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(20200206)
    said: dict[int, int] = {}  # command: the number it was acknowledged with
    found: dict[int, int] = {}
    following = 0
    for _ in range(rounds):
        (tmp_path / "start").write_text(str(following))
        told = acknowledged_before_kill("rations", tmp_path, after=chance.randint(1, 1_500))
        said |= {int(name): seq for seq, name in told}
        following = asyncio.run(inspect(tmp_path, {int(name): seq for seq, name in told}, found, following))
    assert said.items() <= found.items()
    with capsys.disabled():
        sys.stdout.write(f" rations: {rounds} x kill -9, {len(said)} acknowledged, {len(found)} found ")


async def inspect(folder: Path, said: dict[int, int], found: dict[int, int], start: int) -> int:
    """Everything that was said is there under its number; sent again it changes nothing. Where the next run begins."""
    journal = Journal(folder / "journal")
    engine = JournalEngine(journal, lambda: NOW, book=BOOK)
    n = start
    absent = 0
    while absent < 1_000:  # 64 writers are apart by as many commands, and some are refused
        receipt = await engine.receipt(key_of(n))
        absent = 0 if receipt is not None else absent + 1
        if receipt is not None:
            assert found.setdefault(n, receipt.seq) == receipt.seq
        n += 1
    for one, seq in said.items():
        assert found.get(one) == seq, f"command {one} was acknowledged as {seq}"
    assert len(set(found.values())) == len(found), "each has a number of its own"
    before, hashed = await engine.stocks(), await engine.state_hash()
    assert before == stocks_of(found)
    assert all(stock.available >= 0 and stock.reserved >= 0 for stock in before.values())
    again = await engine.do_each([command(one) for one in said])
    assert all(isinstance(answer, Receipt) for answer in again)
    assert [answer.seq for answer in again if isinstance(answer, Receipt)] == list(said.values())
    assert await engine.state_hash() == hashed
    await engine.close()
    journal.close()
    return n
