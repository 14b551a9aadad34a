"""What composition lends the electronic fence: the law, its own key, keys that end, and what brings and sends."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from secrets import token_bytes
from typing import Final

import msgspec

from banyan.craft.cells.model import CellTable
from banyan.craft.fencing.model import FenceEngine
from banyan.craft.notify.model import Notifier
from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange import Gate
from banyan.kernel.exchange.gate import Log
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.masts import joined, read_file
from banyan.service.fence.positions import set_going, slots_of
from banyan.service.fence.shelf import Shelf, lend, shelf_of
from banyan.service.powers.lapsing import scope_of
from banyan.settings import FenceSettings

FENCE: Final = "fence"
JOURNAL: Final = "positions"


class Positions(msgspec.Struct, frozen=True):
    """An engine that is open, over which cells, and by which name its alarms are counted."""

    engine: FenceEngine
    cells: CellTable
    source: str


async def open_positions(
    drawers: Mapping[str, Drawer], settings: FenceSettings, data: Path, *, clock: Clock, log: Log
) -> Positions | None:
    """The engine of a real node over the operators' cells that node.toml names; None where there is none.

    Each table has a journal of its own, for slots and cells mean nothing with another: a new table trains everybody
    anew for a day, and the journals of earlier ones are deleted. Raises Invalid or Limit for files that are no cells.
    """
    db = drawers.get(FENCE)
    if db is None or not settings.enabled:
        return None
    if not settings.cells:
        raise Invalid.at("fence.cells", "name at least one file of cells or masts, or set fence.enabled = false")
    return await asyncio.to_thread(_opened, db, settings, data, clock, log)


def _opened(db: Drawer, settings: FenceSettings, data: Path, clock: Clock, log: Log) -> Positions:
    from banyan.craft.fencing.engine import Engine
    from banyan.craft.fencing.frames import fingerprint
    from banyan.craft.fencing.rule import PUBLISHED

    tables = []
    for name in settings.cells:
        read = read_file(data / name, where=settings.where, field="fence.cells")
        tables.append(read.table)
        log("fence.cells", {"cells": len(read.table), "bad_rows": read.bad_rows, "again": read.again})
    cells = joined(tables)
    source = f"{JOURNAL}_{fingerprint(cells, PUBLISHED).hex()[:16]}"
    for old in (data / FENCE / "journal").glob(f"{JOURNAL}*"):
        if old.name != source:
            shutil.rmtree(old)
    return Positions(Engine(db.journal(source), cells, clock), cells, source)


def lend_fence(
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    scopes: Scopes,
    agency_of: Callable[[str], Awaitable[str]],
    *,
    notifier: Notifier | None = None,
    positions: Positions | None = None,
) -> None:
    """Give the fence what is the node's, when the node has one. Its key is a keyed hash of a label, out of the one that
    names persons. Lending again (a notifier that opened later) replaces what was lent."""
    db = drawers.get(FENCE)
    if db is None:
        return
    why = lawful.conscience
    key = why.subject("fence/register")
    shelf = Shelf(
        key, token_bytes, why.subject, agency_of, lawful.policy, why.bases, scopes, scope_of, lawful.ledger, notifier,
    )  # fmt: skip
    if positions is not None:
        engine, cells, source = positions.engine, positions.cells, positions.source
        shelf = msgspec.structs.replace(shelf, engine=engine, cells=cells, source=source)
    lend(db, shelf)


async def demonstrate_fence(
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    scopes: Scopes,
    agency_of: Callable[[str], Awaitable[str]],
    *,
    gate: Gate,
    notifier: Notifier | None = None,
) -> None:
    """The drill, on a node that has the fence and its law, and no positions of its own: masts, an engine on a journal,
    people, a day's fixes. At a later start only the engine is opened again."""
    from banyan.craft.fencing.engine import Engine
    from banyan.demo import fence as drill

    db = drawers.get(FENCE)
    if (
        db is None
        or shelf_of(db).engine is not None
        or not {"powers.register_basis", "fence.register"} <= gate.catalogue.operations.keys()
    ):
        return
    cells = await asyncio.to_thread(drill.table)
    clock = drill.ReplayClock(gate.clock)
    engine = await asyncio.to_thread(Engine, db.journal(JOURNAL), cells, clock)
    if await drill.seed_law_of_fence(gate):
        cases = await drill.seed_people(gate)
        await drill.seed_entries(gate)
        world = await asyncio.to_thread(drill.world_of, cells)
        await drill.replay(engine, world, await slots_of(db, cases), clock)
    drilled = Positions(engine, cells, "engine")  # its clock begins now
    lend_fence(drawers, lawful, scopes, agency_of, notifier=notifier, positions=drilled)
    await db.sql.write(lambda tx: set_going(tx, gate.clock()))
