"""A register whose records are sealed at rest: each person's under a key of their own, in the register's scope.

A scope's keys can all be destroyed at once (an order's scope is, at its lapse); then every copy is unreadable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from banyan.errors import Denied, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer, Lent, Store
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx

SQL: Final = load_statements("banyan.demo.agencies", "records.sql")
T = TypeVar("T")


class Keeping(msgspec.Struct, frozen=True):
    """What the composition root lends: keys by scope, a person's pseudonym from their number, the policy's records."""

    scopes: Scopes
    name_of: Callable[[str], bytes]
    policy: Store


_lent: Final = Lent[Keeping]("this register has no keys", remedy="it runs in a demonstration only: ./banyan up")


def lend(db: Drawer, keeping: Keeping) -> None:
    _lent.lend(db, keeping)


def keeping_of(db: Drawer) -> Keeping:
    return _lent.of(db)


def subject_of(ctx: Context, person: str) -> bytes:
    """Whose record: the number's, else that of who asks or let the app ask, as the gate weighed it."""
    if person:
        return keeping_of(ctx.db).name_of(person)
    if not ctx.caller.subject:
        raise Denied("nobody is named", remedy="name the person")
    return bytes.fromhex(ctx.caller.subject)


async def keep(
    db: Drawer, scope: str, subject: bytes, record: msgspec.Struct, *, also: Callable[[Tx], object] | None = None
) -> bytes:
    """Seal and keep a record; what was written, for a log that keeps it too. `also` is done in the same commit. Raises
    Destroyed once it is over."""
    plain = msgspec.json.encode(record)
    sealed = await keeping_of(db).scopes.seal(scope, subject, plain, context=scope.encode())

    def job(tx: Tx) -> None:
        tx.run(SQL["put_record"], scope=scope, subject=subject, sealed=sealed)
        if also is not None:
            also(tx)

    await db.sql.write(job)
    return sealed


async def find(db: Drawer, scope: str, subject: bytes, kind: type[T]) -> T:
    """A person's record. Raises NotFound, or Destroyed when its scope is over."""
    row = await db.sql.read(lambda tx: tx.row(SQL["record"], scope=scope, subject=subject))
    if row is None:
        raise NotFound("這個登記簿沒有這個人。 This register holds nobody of that number.", remedy="check the number")
    assert isinstance(row[0], bytes), "a sealed record is bytes"
    return msgspec.json.decode(
        await keeping_of(db).scopes.open(scope, subject, row[0], context=scope.encode()), type=kind
    )


async def count(db: Drawer, scope: str) -> int:
    row = await db.sql.read(lambda tx: tx.row(SQL["count"], scope=scope))
    assert row is not None, "a count has a row"
    return int(str(row[0]))
