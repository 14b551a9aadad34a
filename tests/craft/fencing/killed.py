"""A process that feeds the fence and acts on its alarms, to be killed at any moment: `python killed.py FOLDER UNTIL`.

It goes on where the journal is: the world is the same each time, a batch sent again counts once. Acting is a line in
the file `acted`, on disk before the engine is told. Each step is a line on stdout.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import numpy as np

from banyan.craft.cells import Fixes, cell_table, fixes
from banyan.craft.fencing import Rule, engine
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.journal import Journal

PHONES = 40
START = 1_800_000_000
RULE = Rule(training_s=3_000)
SITES = np.repeat(121.5 + np.arange(10) * 0.02, 3)
TABLE = cell_table([f"466-92-1-{cell}" for cell in range(30)], SITES, np.full(30, 25.0))


def batch(slot: int) -> Fixes:
    """What each phone was served by: some walk, some fall silent, for a while."""
    dice = np.random.default_rng(slot)
    phone = np.arange(PHONES)
    walks = (phone + slot // 6) % 9 == 0
    cell = np.where(walks & (slot > 6), 27 - phone % 20, (3 * phone) % 30 + dice.integers(0, 2, PHONES)).astype(
        np.int32
    )
    heard = (phone * 7 + slot // 4) % 23 != 0
    return fixes(phone, START + 600 * slot + phone, cell).take(heard)


async def run(folder: Path, until: int, *, shown: bool) -> tuple[str, list[str]]:
    """Feed all slots; the hash at the end and all that was acted upon."""
    now = [float(START)]
    journal = Journal(folder / "journal", segment_bytes=1 << 14)
    fence = engine.Engine(journal, TABLE, lambda: EpochS(now[0]), rule=RULE)
    acted = folder / "acted"
    lines = acted.read_text().splitlines() if acted.exists() else []
    file = os.open(acted, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for phone in range(PHONES):
        if fence.state_of(phone).phase == "none":
            await fence.enrol(phone, at=START)
    first = max((fence.state_of(phone).last_at for phone in range(PHONES)), default=0)
    begin = max(0, (first - START) // 600)
    for slot in range(begin, until):
        now[0] = START + 600 * slot + 120
        for part in (slice(0, 15), slice(15, None)):
            await fence.feed(batch(slot).take(np.arange(len(batch(slot)))[part]))
        await fence.feed(batch(slot), complete_until=START + 600 * (slot + 1))
        if slot % 25 == 24:
            await fence.forget()
        for alarm in fence.alarms(int(lines[-1].split()[0]) if lines else 0):
            line = f"{alarm.number} {alarm.id} {alarm.score:.4f}"
            os.write(file, f"{line}\n".encode())
            lines.append(line)
        os.fsync(file)
        await fence.told(int(lines[-1].split()[0]) if lines else 0)
        if shown:
            sys.stdout.write(f"{slot}\n")
            sys.stdout.flush()
    os.close(file)
    journal.close()
    return fence.state_hash(), lines


def without_compiling() -> None:
    """Compiling takes longer than a round."""
    engine.warm = lambda: None  # type: ignore[assignment,return-value]


if __name__ == "__main__":
    without_compiling()
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), shown=True))
