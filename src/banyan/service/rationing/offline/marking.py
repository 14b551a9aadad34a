"""Marks: how a terminal can know that somebody was served, without a list of anybody.

When a person buys, her number is turned into a mark under the week's key, and the mark is kept beside her pseudonym:
neither says the number, and the key is not in the drawer. A snapshot is a filter of the marks of those who can buy
nothing now, keyed once more for one terminal. See docs/decisions/0116 for what that protects from, and what not.
"""

from __future__ import annotations

import hmac
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage import Drawer, Store
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import OFFLINE_EPOCH_S, OFFLINE_EPOCHS, OFFLINE_NOTES
from banyan.service.rationing.counter.cards import Paper, read_card
from banyan.service.rationing.counter.registers import registers_of
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.shelf import keys_of

MARK_BYTES: Final = 16


def epoch_of(at: float) -> int:
    """The week, counted from 1970-01-01 UTC."""
    return int(at // OFFLINE_EPOCH_S)


def oldest_epoch(at: float) -> int:
    """Of those that a snapshot looks at."""
    return epoch_of(at) - OFFLINE_EPOCHS + 1


def mark_of(key: bytes, number: str) -> bytes:
    """A person's mark under an epoch's key. `number` as the card gives it, capital letters, no spaces."""
    return hmac.digest(key, number.encode(), "sha256")[:MARK_BYTES]


async def numbers_shown(db: Drawer, typed: str, paper: Paper) -> tuple[str, ...]:
    """Under which numbers a card's holder may be known: the one it shows, and the person's own behind an insurance
    card. None for what is no card."""
    read = read_card(typed, paper)
    if read is None:
        return ()
    own = await registers_of(db).holder(read.number) if read.is_nhi else ""
    return (read.number, own) if own else (read.number,)


class Noted(msgspec.Struct, frozen=True):
    """Marks that wait to be written."""

    person: bytes
    epoch: int
    marks: tuple[bytes, ...]
    outlet: str


class Notes:
    """What was noted of a store since it was written last. `is_used`: None until somebody looked for terminals."""

    def __init__(self) -> None:
        self.is_used: bool | None = None
        self.waiting: list[Noted] = []
        self.areas: dict[str, str] = {}


_notes: WeakKeyDictionary[Store, Notes] = WeakKeyDictionary()


def notes_of(db: Drawer) -> Notes:
    found = _notes.get(db.sql)
    if found is None:
        found = _notes[db.sql] = Notes()
    return found


async def note(ctx: Context, person: bytes, typed: str, paper: Paper, *, outlet: str) -> None:
    """After a sale online: how terminals will know the person. Nothing where no terminal is enrolled, so that nothing
    is kept that nobody needs. Written later, in one go: what a crash loses is a person whom a snapshot misses."""
    notes = notes_of(ctx.db)
    if notes.is_used is None:
        notes.is_used = await ctx.db.sql.read(records.has_terminals)
    if not notes.is_used:
        return
    await place(ctx, outlet)
    epoch = epoch_of(ctx.now)
    key = keys_of(ctx.db).marking_key(epoch)
    marks = tuple(mark_of(key, number) for number in await numbers_shown(ctx.db, typed, paper))
    notes.waiting.append(Noted(person, epoch, marks, outlet))
    if len(notes.waiting) >= OFFLINE_NOTES:
        await flush(ctx.db)


async def place(ctx: Context, outlet: str) -> str:
    """The town (鄉鎮市區代碼) that an outlet is in, by the map; empty when nobody knows. Asked once."""
    notes = notes_of(ctx.db)
    if outlet not in notes.areas:
        area = notes.areas[outlet] = await _town(ctx, outlet)
        if area:
            await ctx.db.sql.write(lambda tx: records.put_outlet(tx, outlet, area))
    return notes.areas[outlet]


async def _town(ctx: Context, outlet: str) -> str:
    try:
        found = await ctx.call("supplies.outlet", {"code": outlet})
    except Problem:
        return ""
    code = str(getattr(found.outlet, "town_code", ""))
    return code if len(code) == 8 and code.isdigit() else ""


async def flush(db: Drawer) -> int:
    """Write what was noted; how many."""
    notes = notes_of(db)
    written, notes.waiting = notes.waiting, []

    def job(tx: Tx) -> None:
        for one in written:
            records.mark(tx, one.person, one.epoch, one.marks, one.outlet)

    if written:
        await db.sql.write(job)
    return len(written)
