"""Finding exchanges: rows made behind the journal, and made again from it when they are lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.kernel.exchange.messages.frame import Frame, Opening
from banyan.kernel.exchange.messages.record import KIND, read_entry, read_record
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Store, Tx
from banyan.limits_road import MESSAGES_FOUND

SQL: Final = load_statements("banyan.kernel.exchange.messages", "messages.sql")


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What one looks an exchange up by; `place` is its own among the entries of a frame."""

    place: int
    xid: str
    message_id: str
    role: str
    client: str
    service: str
    at: float
    status: int


class Written(msgspec.Struct, frozen=True):
    """A frame as it stands in the journal, and the exchanges in it whose records can be read."""

    seq: int
    frame: Frame
    seen: tuple[Seen, ...]


class Line(msgspec.Struct, frozen=True):
    """An exchange as the index knows it: `idx` is its entry, `seq` the frame that holds its record."""

    idx: int
    seq: int
    xid: str
    message_id: str
    role: str
    client: str
    service: str
    at: float
    status: int


class Sought(msgspec.Struct, frozen=True):
    """What is looked for: by `xid` or `message_id`; else by client or service, in a span of time."""

    xid: str = ""
    message_id: str = ""
    client: str = ""
    service: str = ""
    since: float = 0.0
    until: float = 1e12
    most: int = 100


class Index:
    """The rows in `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def end(self) -> tuple[int, int]:
        """(the newest frame noted, the index after its last entry); zeroes without any."""
        row = await self._store.read(lambda tx: tx.row(SQL["newest_frame"]))
        return (0, 0) if row is None else (_int(row[0]), _int(row[1]) + _int(row[2]))

    async def add(self, frames: Sequence[Written]) -> None:
        await self._store.write(lambda tx: _add(tx, frames))

    async def frame_with(self, idx: int) -> tuple[int, int] | None:
        """(seq, first) of the frame in which an entry stands."""
        row = await self._store.read(lambda tx: tx.row(SQL["frame_with"], idx=idx))
        if row is None or idx >= _int(row[1]) + _int(row[2]):
            return None
        return _int(row[0]), _int(row[1])

    async def frame_since(self, since: float) -> int | None:
        """The first frame that has a record of that moment or later."""
        row = await self._store.read(lambda tx: tx.row(SQL["frame_since"], since=since))
        return None if row is None or row[0] is None else _int(row[0])

    async def find(self, sought: Sought) -> list[Line]:
        """By an id oldest first, else newest first."""
        most = min(sought.most, MESSAGES_FOUND)

        def job(tx: Tx) -> list[Row]:
            if sought.xid:
                return tx.rows(SQL["by_xid"], xid=sought.xid, limit=most)
            if sought.message_id:
                return tx.rows(SQL["by_message"], message_id=sought.message_id, limit=most)
            span: dict[str, SqlValue] = {"since": sought.since, "until": sought.until, "limit": most}
            if sought.client:
                return tx.rows(SQL["by_client"], client=sought.client, **span)
            if sought.service:
                return tx.rows(SQL["by_service"], service=sought.service, **span)
            return tx.rows(SQL["between"], **span)

        return [msgspec.convert(row, Line) for row in map(_named, await self._store.read_long(job))]

    async def due(self, day: int) -> tuple[int, int]:
        """How many records are due on a day, and how many of them with bodies."""
        row = await self._store.read(lambda tx: tx.row(SQL["due_counts"], day=day))
        return (0, 0) if row is None else (_int(row[0]), _int(row[1]))

    async def forget(self, day: int) -> int:
        """Drop what was due up to `day`; the newest frame that need not be read any more (0: none)."""

        def job(tx: Tx) -> int:
            tx.run(SQL["drop_exchanges"], day=day)
            tx.run(SQL["drop_due"], day=day)
            newest = tx.row(SQL["newest_frame"])
            kept = tx.row(SQL["frame_kept"], today=day + 1)
            if newest is None:
                return 0
            return _int(newest[0]) - 1 if kept is None or kept[0] is None else _int(kept[0]) - 1

        return await self._store.write(job)

    async def drop_frames(self, seq: int) -> None:
        """Frames up to `seq` are gone from the journal."""
        await self._store.write(lambda tx: tx.run(SQL["drop_frames"], seq=seq))


def _add(tx: Tx, frames: Sequence[Written]) -> None:
    rows: list[dict[str, SqlValue]] = []
    due: dict[int, list[int]] = {}
    for one in frames:
        frame = one.frame
        tx.run(
            SQL["add_frame"],
            seq=one.seq,
            first=frame.first,
            entries=len(frame.entries),
            until=frame.until,
            due=frame.day,
        )
        made = _rows(one)
        rows += made
        counted = due.setdefault(frame.day, [0, 0])
        counted[0] += len(made)
        for kept in frame.bodies:
            due.setdefault(kept.day, [0, 0])[1] += 1
    tx.run_many(SQL["add_exchange"], rows)
    for day, (records, bodies) in due.items():
        if records or bodies:
            tx.run(SQL["add_due"], day=day, records=records, bodies=bodies)


def seen_in(frame: Frame, openings: tuple[Opening, ...] | None) -> tuple[Seen, ...]:
    """The exchanges in a frame that was read from the journal."""
    found = []
    for place, opening in enumerate(openings or ()):
        if read_entry(frame.entries[place]).kind == KIND:
            one = read_record(opening.record)
            found.append(Seen(place, one.xid, one.message_id, one.role, one.client, one.service, one.at, one.status))
    return tuple(found)


def _rows(one: Written) -> list[dict[str, SqlValue]]:
    frame = one.frame
    with_bodies = {kept.place for kept in frame.bodies}
    return [
        {
            "idx": frame.first + seen.place,
            "seq": one.seq,
            "xid": seen.xid,
            "message_id": seen.message_id,
            "role": seen.role,
            "client": seen.client,
            "service": seen.service,
            "at": seen.at,
            "status": seen.status,
            "due": frame.day,
            "bodies": int(seen.place in with_bodies),
        }
        for seen in one.seen
    ]


def _named(row: Row) -> dict[str, SqlValue]:
    return dict(zip(Line.__struct_fields__, row, strict=True))


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), "a number"
    return value
