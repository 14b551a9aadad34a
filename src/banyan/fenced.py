"""What composition lends the electronic fence: the law, its own key, keys that end, and what brings and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from secrets import token_bytes
from typing import Final

from banyan.craft.cells.model import CellTable
from banyan.craft.fencing.model import FenceEngine
from banyan.craft.notify.model import Notifier
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.service.fence.positions import set_going, slots_of
from banyan.service.fence.shelf import Shelf, lend
from banyan.service.powers.lapsing import scope_of

FENCE: Final = "fence"


def lend_fence(
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    scopes: Scopes,
    agency_of: Callable[[str], Awaitable[str]],
    *,
    notifier: Notifier | None = None,
    engine: FenceEngine | None = None,
    cells: CellTable | None = None,
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
        engine, cells,
    )  # fmt: skip
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
    """The drill, on a node that has the fence and its law: masts, an engine on a journal, people, a day's fixes.
    At a later start only the engine is opened again."""
    from banyan.craft.fencing.engine import Engine
    from banyan.demo import fence as drill

    db = drawers.get(FENCE)
    if db is None or not {"powers.register_basis", "fence.register"} <= gate.catalogue.operations.keys():
        return
    cells = await asyncio.to_thread(drill.table)
    clock = drill.ReplayClock(gate.clock)
    engine = await asyncio.to_thread(Engine, db.journal("positions"), cells, clock)
    if await drill.seed_law_of_fence(gate):
        cases = await drill.seed_people(gate)
        world = await asyncio.to_thread(drill.world_of, cells)
        await drill.replay(engine, world, await slots_of(db, cases), clock)
    lend_fence(
        drawers, lawful, scopes, agency_of, notifier=notifier, engine=engine, cells=cells
    )  # its clock begins now
    await db.sql.write(lambda tx: set_going(tx, gate.clock()))
