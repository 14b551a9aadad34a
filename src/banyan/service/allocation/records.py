"""What is on record: rules, days of sales, plans and their history. Rows in SQL, documents as blobs by their hash."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.storage import Drawer
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits_allocation import ALLOCATION_DAYS, ALLOCATION_HELD, ALLOCATION_PLANS
from banyan.service.allocation.model import Act, Inputs, Kept, Limits, Plan, Rules, State

SQL: Final = load_statements("banyan.service.allocation", "allocation.sql")
D = TypeVar("D", Inputs, Plan)
_held: WeakKeyDictionary[object, OrderedDict[str, Inputs | Plan]] = WeakKeyDictionary()


def rules_of(tx: Tx, item: str) -> Rules:
    """The item's rules, else the usual ones."""
    row = tx.row(SQL["rule"], item=item)
    return Rules() if row is None else msgspec.json.decode(_text(row[0]), type=Rules)


def put_rules(tx: Tx, item: str, rules: Rules) -> None:
    tx.run(SQL["put_rule"], item=item, document=msgspec.json.encode(rules).decode())


def limits_of(tx: Tx, item: str) -> dict[str, Limits]:
    """By outlet's code."""
    return {_text(row[0]): Limits(_maybe(row[1]), _maybe(row[2])) for row in tx.rows(SQL["limits"], item=item)}


def put_limits(tx: Tx, item: str, code: str, limits: Limits) -> None:
    tx.run(SQL["put_limit"], item=item, code=code, room=limits.room, floor=limits.floor)


def days_of(tx: Tx, item: str, before: str) -> dict[str, str]:
    """Hashes of the sales of the last ALLOCATION_DAYS days before a day, by day."""
    rows = tx.rows(SQL["days"], item=item, before=before, limit=ALLOCATION_DAYS)
    return {_text(row[0]): _text(row[1]) for row in reversed(rows)}


def has_day(tx: Tx, item: str, day: str) -> bool:
    return tx.row(SQL["day"], item=item, day=day) is not None


def plan_by(tx: Tx, id: str) -> Kept | None:
    row = tx.row(SQL["plan"], id=id)
    return None if row is None else _kept(row)


def plans_in(tx: Tx, state: State) -> list[Kept]:
    """The newest by day, at most ALLOCATION_PLANS."""
    return [_kept(row) for row in tx.rows(SQL["plans"], state=state, limit=ALLOCATION_PLANS)]


def acts_of(tx: Tx, id: str) -> list[Act]:
    """The history of a plan, in order."""
    rows = tx.rows(SQL["acts"], plan=id)
    return [msgspec.convert(dict(zip(Act.__struct_fields__, row, strict=True)), Act) for row in rows]


def add_act(tx: Tx, id: str, act: Act) -> None:
    tx.run(SQL["add_act"], plan=id, **msgspec.structs.asdict(act))


async def document(db: Drawer, sha256: str, kind: type[D]) -> D:
    """A document by its hash, from memory when it was asked for lately. It never changes, so it is shared."""
    held = _held.setdefault(db.sql, OrderedDict())
    known = held.get(sha256)
    if isinstance(known, kind):
        held.move_to_end(sha256)
        return known
    found = await asyncio.to_thread(lambda: msgspec.json.decode(db.blobs.path(sha256).read_bytes(), type=kind))
    held[sha256] = found
    while len(held) > ALLOCATION_HELD:
        held.popitem(last=False)
    return found


def _kept(row: Row) -> Kept:
    return msgspec.convert(dict(zip(Kept.__struct_fields__, row, strict=True)), Kept)


def _text(value: SqlValue) -> str:
    assert isinstance(value, str), "a text column"
    return value


def _maybe(value: SqlValue) -> int | None:
    assert value is None or isinstance(value, int), "a number or nothing"
    return value
