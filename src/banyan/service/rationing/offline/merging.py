"""Receipts come home: in any order, in parts, twice, by whoever carries them. What was sold was sold: nothing is
refused for a quota. The set only grows, and quota, chains and the published counts are views of it.

A receipt is kept before the engine is told, and the engine takes each key once: after a crash the rest is told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import OFFLINE_MISSING, OFFLINE_RECEIPT, OFFLINE_RECEIPTS
from banyan.service.rationing.counter.buyers import Typed, buyer_of, collector_of
from banyan.service.rationing.counter.cards import of_number, read_card
from banyan.service.rationing.counter.outlets import outlet_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Answer, Buyer, Merge, Receipt, Void
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.chain import looked_at
from banyan.service.rationing.offline.formats import (
    Lease,
    Refused,
    Sale,
    Taken,
    claims_again,
    peeked_terminal,
    taken,
    written_id,
)
from banyan.service.rationing.offline.keys import Unopened
from banyan.service.rationing.offline.marking import epoch_of, mark_of, numbers_shown
from banyan.service.rationing.offline.records import Kept, Terminal
from banyan.service.rationing.offline.shelf import keys_of
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import person_of

ADULT: Final = date(1970, 1, 1)
"""The birth date of who is in no register: an adult's ration is theirs."""
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=OFFLINE_RECEIPT)]


class Brought(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Receipts of one terminal or of several."""

    receipts: Annotated[tuple[Token, ...], msgspec.Meta(min_length=1, max_length=OFFLINE_RECEIPTS)]


class Result(msgspec.Struct, frozen=True):
    """In the order of the receipts. `id` is the digest of its signed words, empty when it could not be read. A receipt
    that was `refused` is not kept, and `code` says why: unreadable, signature, terminal, lease."""

    id: str
    state: Literal["merged", "known", "refused"]
    code: str = ""


class Merged(msgspec.Struct, frozen=True):
    """`closed`: the leases whose unsold units went back to the outlet's stock by this."""

    results: tuple[Result, ...]
    closed: tuple[str, ...]


@SERVICE.operation(
    "offline_merge",
    title={"zh-Hant": "合併離線販售", "en": "Merge offline sales"},
    summary={
        "zh-Hant": "送回離線時簽章的收據；次序不拘，重送不重算，誰送都可以。",
        "en": "Brings receipts that a terminal signed offline: in any order, more than once, by whoever carries them.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=("api",),
    rate="write",
)
async def merge(ctx: Context, request: Brought) -> Merged:
    """Each receipt is judged alone by its terminal's key, so no session is asked for."""
    known = await _terminals(ctx, request.receipts)
    read = [await _read(ctx, token, known) for token in request.receipts]
    good = [one for one in read if isinstance(one, Taken)]
    before = await ctx.db.sql.write(lambda tx: {one.id: records.keep(tx, one, ctx.now) for one in good})
    await settle(ctx)
    closed = [lease for id in sorted({one.receipt.trm for one in good}) for lease in await _close(ctx, known[id])]
    return Merged(tuple(_result(one, before) for one in read), tuple(closed))


async def settle(ctx: Context) -> int:
    """Tell the engine of receipts that are kept and not merged, the oldest first; how many. Called again for more."""
    kept = await ctx.db.sql.read(records.waiting)
    told = [await _settling(ctx, one) for one in kept]
    sales = [(one, one.command) for one in told if one.command is not None]
    answers = dict(
        zip(
            (one.kept.id for one, _ in sales),
            await engine_of(ctx.db).do_each([command for _, command in sales]) if sales else (),
            strict=True,
        )
    )
    outcomes = [(one, answers.get(one.kept.id)) for one in told]
    marked = [one for one, answer in outcomes if one.marks and isinstance(answer, Receipt)]

    def job(tx: Tx) -> None:
        for one, answer in outcomes:
            _write(tx, one, answer)
        for one in marked:
            records.mark(tx, one.person, epoch_of(ctx.now), one.marks, one.outlet)

    if told:
        await ctx.db.sql.write(job)
    return len(told)


class Settling(msgspec.Struct, frozen=True):
    """A kept receipt, what the engine is told of it (nothing of a close), and how terminals will know the buyer."""

    kept: Kept
    state: str
    command: Merge | None = None
    person: bytes = b""
    marks: tuple[bytes, ...] = ()
    outlet: str = ""


def _write(tx: Tx, one: Settling, answer: Answer | None) -> None:
    """How it ended. A key that the engine knows of another command was sold online, before the network went: the goods
    went once."""
    if isinstance(answer, Receipt):
        records.merged(tx, one.kept.id, state=one.state, over=answer.over, short=answer.short)
    elif answer is not None:
        records.merged(tx, one.kept.id, state="online" if answer.code == "key_reused" else answer.code)
    else:
        records.merged(tx, one.kept.id, state=one.state)


async def _terminals(ctx: Context, tokens: Sequence[str]) -> dict[str, Terminal]:
    named = set()
    for token in tokens:
        try:
            named.add(peeked_terminal(token))
        except Refused:
            continue
    found = await ctx.db.sql.read(lambda tx: [records.terminal_of(tx, id) for id in sorted(named)])
    return {one.id: one for one in found if one is not None}


async def _read(ctx: Context, token: str, known: Mapping[str, Terminal]) -> Taken | str:
    """The receipt, or the code by which it is refused. A lease that is another's is refused: nothing was lent."""
    try:
        terminal = known.get(peeked_terminal(token))
        if terminal is None:
            return "terminal"
        read = taken(token, terminal.sign, terminal=terminal.id)
    except Refused as error:
        return error.code
    lease = await _lease_of(ctx, read.receipt.lease)
    is_its_own = lease is not None and lease.sub == terminal.id
    if lease is None or not is_its_own or (isinstance(read.receipt, Sale) and read.receipt.item != lease.item):
        return "lease"
    return read


async def _lease_of(ctx: Context, id: str) -> Lease | None:
    found = await ctx.db.sql.read(lambda tx: records.lease_of(tx, id, keys_of(ctx.db).member))
    return None if found is None else found[0]


def _result(read: Taken | str, before: Mapping[bytes, records.Standing]) -> Result:
    if isinstance(read, str):
        return Result("", "refused", read)
    return Result(written_id(read.id), "known" if before[read.id].is_merged else "merged")


async def _settling(ctx: Context, kept: Kept) -> Settling:
    receipt = claims_again(kept.token)
    if not isinstance(receipt, Sale):
        return Settling(kept, "closed")
    lease = await _lease_of(ctx, receipt.lease)
    assert lease is not None, "it was looked at before the receipt was kept"
    outlet = await outlet_of(ctx, lease.outlet)
    bought = await _buyer(ctx, kept, receipt, lease)
    is_off = bought.state == "merged" and not lease.iat <= receipt.at <= lease.exp
    command = Merge(
        key=kept.key,
        lease=bytes.fromhex(lease.jti),
        buyer=bought.buyer,
        item=receipt.item,
        qty=receipt.qty,
        outlet=lease.outlet,
        sold_at=EpochS(float(min(max(receipt.at, lease.iat), lease.exp))),
        channel=outlet.channel if outlet is not None else "pharmacy",
        collected_by=bought.by,
    )
    state = "clock" if is_off else bought.state
    return Settling(kept, state, command, bought.buyer.person, bought.marks, lease.outlet)


class Bought(msgspec.Struct, frozen=True):
    """Whose quota it is, and how she will be known to terminals."""

    buyer: Buyer
    by: bytes = b""
    state: str = "merged"
    marks: tuple[bytes, ...] = ()


async def _buyer(ctx: Context, kept: Kept, receipt: Sale, lease: Lease) -> Bought:
    """The goods are gone, so a card that cannot be opened or is nobody's counts for nobody."""
    try:
        card = keys_of(ctx.db).open(receipt.who)
    except Unopened:
        return Bought(_nobody(kept), state="unopened")
    by = b""
    shown = read_card(card.n, card.p)
    try:
        by = await collector_of(ctx, Typed(card.by)) if card.by else b""
        buyer = await buyer_of(ctx, Typed(card.n, card.p, card.born), reason=f"離線販售合併 {lease.outlet}")
    except Problem:
        if shown is None or shown.is_nhi or of_number(shown.number) is None:
            return Bought(_nobody(kept), by, "nobody")
        # No order lets a register be read: her own number names her all the same, and an adult's ration is hers.
        buyer = Buyer(person_of(ctx.db, shown.number), ADULT, shown.parity, shown.kind)
        return Bought(buyer, by, marks=_marks(ctx, [shown.number]))
    return Bought(buyer, by, marks=_marks(ctx, await numbers_shown(ctx.db, card.n, card.p)))


def _marks(ctx: Context, numbers: Iterable[str]) -> tuple[bytes, ...]:
    key = keys_of(ctx.db).marking_key(epoch_of(ctx.now))
    return tuple(mark_of(key, number) for number in numbers)


def _nobody(kept: Kept) -> Buyer:
    """Somebody who buys this once."""
    return Buyer(sha256(b"offline nobody|" + kept.id).digest()[:16], ADULT, None, "no_card")


async def _close(ctx: Context, terminal: Terminal) -> list[str]:
    """Give back what is left of leases that the terminal closed, once every receipt up to that word is here."""
    links, words = await ctx.db.sql.read(lambda tx: (records.chain(tx, terminal.id), records.closes(tx, terminal.id)))
    closed = []
    for lease, counter in words:
        seen = looked_at((one for one in links if one.counter <= counter), b"", OFFLINE_MISSING)
        if not seen.missing and not seen.forked:
            await give_back(ctx, lease)
            closed.append(lease)
    return closed


async def give_back(ctx: Context, lease: str) -> None:
    """What is left of a lease goes back into stock; a second time nothing is left."""
    key = sha256(f"offline end|{lease}".encode()).digest()[:16]
    await engine_of(ctx.db).do(Void(key=key, ref=bytes.fromhex(lease)))

    def ended(tx: Tx) -> None:
        tx.run(records.SQL["end_lease"], id=lease, at=ctx.now)

    await ctx.db.sql.write(ended)
