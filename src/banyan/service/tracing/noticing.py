"""Who is on a list that was let go elsewhere finds it in her own list of uses, before a number is written there.

The list comes sealed with the second agency's word. Whose a number is, operators said with their deliveries under the
order; a number that is nobody's here yet waits, sealed under the order, for the delivery that says it. Each use is
written once, however often this is done; what it says is the same for all: no case, no place, no moment of a meeting.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Final

import msgspec
import numpy as np

from banyan.craft.tracing.notice import Listed, packed, unpacked
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.policy.bases import LegalBasis
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row
from banyan.service.tracing.asking import release_record
from banyan.service.tracing.keeping import lake_of
from banyan.service.tracing.shelf import MESSAGES, Shelf, shelf_of

SQL: Final = load_statements("banyan.service.tracing", "noticing.sql")
BATCH: Final = 200


class Notice(msgspec.Struct, frozen=True):
    """A list that was let go: by whose word, and when."""

    question: str
    digest: str
    agency: str
    at: float
    sealed: bytes


def secret_of(shelf: Shelf, order: str) -> bytes:
    """The key that lists under an order are sealed for: out of the one that names persons."""
    return shelf.subject_of(f"tracing/notice/{order}")


async def note(ctx: Context, basis: LegalBasis, order: str, question: str, listed: Listed) -> int:
    """Write a list into the persons' lists of uses; how many of its numbers are nobody's here yet."""
    shelf = shelf_of(ctx.db)
    subject, about = f"notice/{order}".encode(), question.encode()
    sealed = await shelf.scopes.seal(shelf.scope_of(order), subject, packed(listed), context=about)
    count = len(listed.contacts) + len(listed.cases)
    await ctx.db.sql.write(
        lambda tx: tx.run(
            SQL["put"], order_id=order, question=question, digest=listed.digest, agency=ctx.caller.agency, at=ctx.now,
            sealed=sealed, unknown=count,
        )
    )  # fmt: skip
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["one"], order_id=order, question=question, digest=listed.digest))
    assert row is not None, "it was just written"
    return await _tell(ctx, basis, order, _notice(row))


async def note_waiting(ctx: Context, basis: LegalBasis, order: str) -> None:
    """A delivery said whose numbers are: who is on a list is told now."""
    for row in await ctx.db.sql.read(lambda tx: tx.rows(SQL["waiting"], order_id=order)):
        await _tell(ctx, basis, order, _notice(row))


async def end_notices(ctx: Context, ended: set[str]) -> None:
    """The lists of orders that are over, whose keys are destroyed."""
    for (order,) in await ctx.db.sql.read(lambda tx: tx.rows(SQL["orders"])):
        if str(order) in ended:
            await ctx.db.sql.write(lambda tx, order=order: tx.run(SQL["drop"], order_id=order))  # type: ignore[misc]


async def _tell(ctx: Context, basis: LegalBasis, order: str, one: Notice) -> int:
    shelf = shelf_of(ctx.db)
    subject = f"notice/{order}".encode()
    plain = await shelf.scopes.open(shelf.scope_of(order), subject, one.sealed, context=one.question.encode())
    listed, unknown = unpacked(plain), 0
    lake = await lake_of(ctx.db, order, ())
    table = await asyncio.to_thread(lake.numbers)
    for kind, numbers in (("listed", listed.contacts), ("case", listed.cases)):
        there = table[np.isin(table["number"], numbers)]["person"].tolist()
        persons = [bytes(person) for person in there if any(bytes(person))]
        unknown += len(numbers) - len(persons)
        record = _record(ctx, basis, order, one, kind)
        for start in range(0, len(persons), BATCH):
            batch = persons[start : start + BATCH]
            named = ((person, f"tracing/{kind}/{order}/{one.question}/{person.hex()}") for person in batch)
            await asyncio.gather(
                *(
                    shelf.ledger.release(person, record, once="use/" + sha256(name.encode()).hexdigest())
                    for person, name in named
                )
            )
    await ctx.db.sql.write(
        lambda tx: tx.run(SQL["told"], order_id=order, question=one.question, digest=one.digest, unknown=unknown)
    )
    return unknown


def _record(ctx: Context, basis: LegalBasis, order: str, one: Notice, kind: str) -> ReleaseRecord:
    """As of the moment at which the list was let go, by the agency that let it."""
    record = release_record(ctx, basis, order, "vouch")
    action = {lang: MESSAGES.text(f"tracing.use_{kind}", lang) for lang in ("zh-Hant", "en")}
    later = record.reveal_after - record.at if record.reveal_after else 0.0
    return msgspec.structs.replace(
        record, at=one.at, action=action, receiver=one.agency, receiver_name=one.agency,
        reveal_after=one.at + later if later else 0.0,
    )  # fmt: skip


def _notice(row: Row) -> Notice:
    return msgspec.convert(dict(zip(Notice.__struct_fields__, row, strict=True)), Notice, strict=False)
