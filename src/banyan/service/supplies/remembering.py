"""What the followed registers said, kept in memory by source, so that one outlet can be joined out of all of them.

It is derived: after a restart it is read again from the very versions that were taken in.
"""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage import Drawer
from banyan.service.supplies import sources
from banyan.service.supplies.facts import Told, told_by
from banyan.service.supplies.looks import Look
from banyan.service.supplies.reading import Register, Version, read_table
from banyan.service.supplies.sources import Looked, Source, Standing

NOTHING_TOLD = Told({}, {}, 0)


class Waiting(msgspec.Struct, frozen=True):
    """A held look that later ones may agree with: of stock the look, of other roles its codes."""

    looked: Looked
    look: Look | None
    codes: frozenset[str]
    agreed: int = 0


class Fed:
    """The memory of one drawer. `lock`: one look at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.sources: dict[str, Source] = {}
        """In the order in which they were followed; those whose `told` is known."""
        self.told: dict[str, Told] = {}
        self.waiting: dict[str, Waiting] = {}
        self.last_row: dict[str, tuple[int, ...]] = {}
        """By source: what the row at an open end of its file said (`looks.doubts`)."""

    def forget(self, id: str) -> None:
        for memory in (self.sources, self.told, self.waiting, self.last_row):
            memory.pop(id, None)

    def of_role(self, role: sources.Role) -> list[Source]:
        """In rank, then in the order followed."""
        return sorted((one for one in self.sources.values() if one.role == role), key=lambda one: one.rank)


_fed: WeakKeyDictionary[object, Fed] = WeakKeyDictionary()


def fed_of(db: Drawer) -> Fed:
    known = _fed.get(db.sql)
    if known is None:
        known = _fed[db.sql] = Fed()
    return known


async def ensure(ctx: Context, fed: Fed) -> None:
    """Know what every source said when it was last taken in. A version that is no longer kept says nothing."""
    followed = await ctx.db.sql.read(sources.all_sources)
    for id in fed.sources.keys() - {source.id for source, _ in followed}:
        fed.forget(id)
    for source, standing in followed:
        if source.id not in fed.told:
            fed.told[source.id] = await _told_before(ctx, source, standing)
    fed.sources = {source.id: source for source, _ in followed}


async def _told_before(ctx: Context, source: Source, standing: Standing) -> Told:
    taken = standing.taken
    if not taken.version:
        return NOTHING_TOLD
    try:
        answer = await ctx.call("opendata.version", {"resource": taken.resource, "number": taken.version})
        register = Register("", msgspec.convert(answer, Version, from_attributes=True))
        names = dict(register.renamed(source.wanted))
        if register.lost(source.wanted):
            return NOTHING_TOLD
        present = msgspec.structs.replace(
            source,
            columns={field: names.get(name, name) for field, name in source.columns.items()},
            items={item: names.get(name, name) for item, name in source.items.items()},
        )
        table = await read_table(ctx.call, register, present.wanted)
    except NotFound:
        return NOTHING_TOLD
    return await asyncio.to_thread(told_by, table, present, NOTHING_TOLD)
