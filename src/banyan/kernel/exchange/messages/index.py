"""Finding exchanges: rows made behind the journal, and made again from it when they are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from banyan.kernel.exchange.messages import idruns, stretches
from banyan.kernel.exchange.messages.frame import Frame, Opening
from banyan.kernel.exchange.messages.idruns import Ids
from banyan.kernel.exchange.messages.record import KIND, read_entry, read_record
from banyan.kernel.exchange.messages.stretches import SQL, Line, Lines, Seen, Sought, Stretch, Written
from banyan.kernel.storage.store import SqlValue, Store, Tx
from banyan.limits_road import MESSAGES_FOUND

FAN: Final = 16
"""How many rows are taken together. Ids stand where it says: another needs another migration."""


class Index:
    """The rows in `store`."""

    def __init__(self, store: Store, *, fan: int = FAN) -> None:
        self._store, self._fan = store, fan

    async def end(self) -> tuple[int, int]:
        """(the newest frame noted, the index after its last entry); zeroes without any."""
        row = await self._store.read(lambda tx: tx.row(SQL["newest_stretch"]))
        return (0, 0) if row is None else (_int(row[0]), _int(row[1]))

    async def add(self, frames: Sequence[Written]) -> None:
        lots = await asyncio.to_thread(_lots, frames)
        await self._store.write(lambda tx: _add(tx, lots, self._fan))

    async def frame_with(self, idx: int) -> tuple[int, int] | None:
        """(seq, first) of the frame in which an entry stands."""
        return await self._store.read(lambda tx: stretches.frame_with(tx, idx))

    async def frame_since(self, since: float) -> int | None:
        """The first frame that has a record of that moment or later."""
        return await self._store.read(lambda tx: stretches.frame_since(tx, since))

    async def find(self, sought: Sought) -> list[Line]:
        """By an id oldest first, else newest first."""
        return await self._store.read_long(lambda tx: _found(tx, sought, self._fan))

    async def due(self, day: int) -> tuple[int, int]:
        """How many records are due on a day, and how many of them with bodies."""
        row = await self._store.read(lambda tx: tx.row(SQL["due_counts"], day=day))
        return (0, 0) if row is None else (_int(row[0]), _int(row[1]))

    async def forget(self, day: int) -> int:
        """Drop what was due up to `day`; the newest frame that need not be read any more (0: none)."""
        return await self._store.write(lambda tx: _forget(tx, day))

    async def drop_frames(self, seq: int) -> None:
        """Frames up to `seq` are gone from the journal."""
        await self._store.write(lambda tx: stretches.drop_frames(tx, seq))


class _Lot(msgspec.Struct, frozen=True):
    """What is written of some frames. `due`: records and bodies by day."""

    stretch: Stretch
    ids: Ids
    due: dict[int, tuple[int, int]]


def _lots(frames: Sequence[Written]) -> list[_Lot]:
    return [_Lot(stretches.stretch_of(some), idruns.ids_of(some), _due(some)) for some in stretches.cut(frames)]


def _due(frames: Sequence[Written]) -> dict[int, tuple[int, int]]:
    due: dict[int, tuple[int, int]] = {}
    for one in frames:
        for day, records, bodies in [
            (one.frame.day, len(one.seen), 0),
            *((kept.day, 0, 1) for kept in one.frame.bodies),
        ]:
            before = due.get(day, (0, 0))
            due[day] = before[0] + records, before[1] + bodies
    return due


def _add(tx: Tx, lots: Sequence[_Lot], fan: int) -> None:
    for one in lots:
        stretches.add(tx, one.stretch, fan)
        idruns.add(tx, one.ids, fan, _first_kept(tx))
        for day, (records, bodies) in one.due.items():
            if records or bodies:
                tx.run(SQL["add_due"], day=day, records=records, bodies=bodies)


def _found(tx: Tx, sought: Sought, fan: int) -> list[Line]:
    most = min(sought.most, MESSAGES_FOUND)
    if not (sought.xid or sought.message_id):
        return stretches.newest(tx, sought, most)
    lines, hashed = Lines(tx), idruns.hash_of(xid=sought.xid, message_id=sought.message_id)
    found = filter(None, map(lines.at, idruns.candidates(tx, hashed, fan)))
    return list(islice((line for line in found if _is_under(line, sought)), most))


def _is_under(line: Line, sought: Sought) -> bool:
    return line.xid == sought.xid if sought.xid else line.message_id == sought.message_id


def _forget(tx: Tx, day: int) -> int:
    stretches.forget(tx, day)
    idruns.forget(tx, _first_kept(tx))
    tx.run(SQL["drop_due"], day=day)
    newest = tx.row(SQL["newest_stretch"])
    if newest is None:
        return 0
    kept = stretches.frame_kept(tx, day + 1)
    return _int(newest[0]) - 1 if kept is None else kept - 1


def _first_kept(tx: Tx) -> int:
    """The entry before which no exchange can be read."""
    kept = stretches.first_kept(tx)
    if kept is not None:
        return kept
    newest = tx.row(SQL["newest_stretch"])
    return 0 if newest is None else _int(newest[1])


def seen_in(frame: Frame, openings: tuple[Opening, ...] | None) -> tuple[Seen, ...]:
    """The exchanges in a frame that was read from the journal."""
    found = []
    for place, opening in enumerate(openings or ()):
        if read_entry(frame.entries[place]).kind == KIND:
            one = read_record(opening.record)
            found.append(Seen(place, one.xid, one.message_id, one.role, one.client, one.service, one.at, one.status))
    return tuple(found)


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value


__all__ = ["SQL", "Index", "Line", "Seen", "Sought", "Written", "seen_in"]
