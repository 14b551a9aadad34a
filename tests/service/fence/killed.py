"""A zygote that forks a node with the fence, to be killed at any moment: `python killed.py FOLDER UNTIL`.

Each line on stdin forks one child, whose process id is the answer; the child goes on where the disk is (clock, journal,
records), feeds slot after slot and lets the ladder's timers run. Its steps are lines on stdout. Nobody else may kill
it, so that a round costs no start of an interpreter.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.service.fence import masts
from tests.service.fence.masts import FAR, HOME, SLOT_S, send, settings_of, with_operator
from tests.service.fence.world import World, a_world, phone_of

from banyan.craft.fencing import engine
from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import Message
from banyan.kernel.events.clock import EpochS
from banyan.service.fence import records

PEOPLE = ("A123456789", "F131104093", "A223456781")
TRAINED = 145
LEASE_S = 1.0
Seen = tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]


class Clock(list[float]):
    """The moment, which outlives the process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        super().__init__([float(file.read_text()) if file.exists() else float(masts.NOW)])

    def __setitem__(self, place, value) -> None:  # type: ignore[no-untyped-def]
        super().__setitem__(place, value)
        aside = self._file.with_suffix(".new")
        aside.write_text(str(value))
        aside.rename(self._file)


class Posted(MemoryNotifier):
    """An SMS centre whose book is a file: each campaign and number once, on disk before it is taken."""

    def __init__(self, file: Path, clock: Clock) -> None:
        super().__init__(clock=lambda: EpochS(clock[0]))
        self._path = file
        self._known = set(file.read_text().splitlines()) if file.exists() else set()

    async def accept(self, messages: Sequence[Message]):  # type: ignore[no-untyped-def]
        fresh = [one for one in messages if f"{one.campaign} {one.to}" not in self._known]
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for one in fresh:
            self._known.add(f"{one.campaign} {one.to}")
            os.write(file, f"{one.campaign} {one.to}\n".encode())
        os.fsync(file)
        os.close(file)
        return await super().accept(fresh)


def served(slot: int) -> dict[str, int]:
    """Each walks off in her own turn; the third falls silent for a while."""
    found = {phone_of(one): HOME if (slot // 8 + at) % 3 else FAR - 3 * at for at, one in enumerate(PEOPLE)}
    if slot % 16 > 11:
        del found[phone_of(PEOPLE[2])]
    return found if slot >= TRAINED else {phone_of(one): HOME for one in PEOPLE}


async def prepare(folder: Path) -> None:
    """People, an order, and a day at home."""
    clock = Clock(folder / "now")
    async with a_world(folder, clock, settings=settings_of(folder), sms=Posted(folder / "sms", clock)) as world:
        await world.order()
        await with_operator(world)
        for one in PEOPLE:
            await world.register(one)
        await masts.train(world, served(0), slots=TRAINED)


async def run(folder: Path, until: int, *, shown: bool) -> Seen:
    """Go on until the slot; what was alarmed and told at the end."""
    clock = Clock(folder / "now")
    async with a_world(folder, clock, settings=settings_of(folder), sms=Posted(folder / "sms", clock)) as world:
        await world.later(LEASE_S, lease_s=LEASE_S)  # first what a killed one had claimed, as the slots' order has it
        first = max(TRAINED, int(clock[0] - masts.BEGIN) // SLOT_S - 1)
        for slot in range(first, TRAINED + until):
            await send(world, slot, served(slot))
            middle = masts.BEGIN + (slot + 1.5) * SLOT_S  # not some way on from where a killed one stood
            await world.later(max(0.0, middle - clock[0]), lease_s=LEASE_S)
            if shown:
                sys.stdout.write(f"{slot}\n")
                sys.stdout.flush()
        return await seen(world)


async def seen(world: World) -> Seen:
    """Alarms and messages, by person and kind: identifiers are random, and times may move by a restart."""
    db = world.node.drawers["fence"]
    alarms: Counter[tuple[str, ...]] = Counter()
    told: Counter[tuple[str, ...]] = Counter()
    for case in await db.sql.read(lambda tx: records.living(tx, "fence-2026")):
        for alarm in await db.sql.read(lambda tx, id=case.id: records.alarms_of(tx, id)):  # type: ignore[misc]
            alarms[str(case.slot), alarm.kind] += 1
        for step in await db.sql.read(lambda tx, id=case.id: records.steps_of(tx, id)):  # type: ignore[misc]
            told[str(case.slot), step.kind] += 1
    return alarms, told


def without_compiling() -> None:
    """Compiling takes longer than a round."""
    engine.warm = lambda: None  # type: ignore[assignment,return-value]


def main(folder: Path, until: int) -> None:
    without_compiling()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(run(folder, until, shown=True))
            os._exit(0)
        sys.stdout.write(f"child {child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
