"""Receipts come home: in any order, in parts, twice, by whoever carries them. What was sold was sold: nothing is
refused for a quota. The set only grows, and quota, chains and the published counts are views of it.

A receipt is kept before the engine is told, and the engine takes each key once: after a crash the rest is told again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
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
from banyan.service.rationing.engine.model import Buyer, Merge, Receipt, Void
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.chain import looked_at
from banyan.service.rationing.offline.formats import (
    Card,
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
from banyan.service.rationing.offline.marking import numbers_shown, remember
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
    """Tell the engine of every receipt that is kept and not merged; how many."""
    kept = await ctx.db.sql.read(records.waiting)
    for one in kept:
        await _settle(ctx, one)
    return len(kept)


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


async def _settle(ctx: Context, kept: Kept) -> None:
    """One receipt: the engine first, then its row."""
    receipt = claims_again(kept.token)
    if not isinstance(receipt, Sale):
        await ctx.db.sql.write(partial(records.merged, id=kept.id, state="closed"))
        return
    lease = await _lease_of(ctx, receipt.lease)
    assert lease is not None, "it was looked at before the receipt was kept"
    outlet = await outlet_of(ctx, lease.outlet)
    buyer, by, state = await _buyer(ctx, kept, receipt, lease)
    answer = await engine_of(ctx.db).do(
        Merge(
            key=kept.key,
            lease=bytes.fromhex(lease.jti),
            buyer=buyer,
            item=receipt.item,
            qty=receipt.qty,
            outlet=lease.outlet,
            sold_at=EpochS(float(min(max(receipt.at, lease.iat), lease.exp))),
            channel=outlet.channel if outlet is not None else "pharmacy",
            collected_by=by,
        )
    )
    if isinstance(answer, Receipt):
        if state == "merged" and not lease.iat <= receipt.at <= lease.exp:
            state = "clock"
        done = partial(records.merged, id=kept.id, state=state, over=answer.over, short=answer.short)
    elif answer.code == "key_reused":  # sold online under this very key, before the network went: it counts once
        done = partial(records.merged, id=kept.id, state="online")
    else:
        done = partial(records.merged, id=kept.id, state=answer.code)
    await ctx.db.sql.write(done)


async def _buyer(ctx: Context, kept: Kept, receipt: Sale, lease: Lease) -> tuple[Buyer, bytes, str]:
    """Whose quota it is. The goods are gone, so a card that cannot be opened or is nobody's counts for nobody."""
    try:
        card = keys_of(ctx.db).open(receipt.who)
    except Unopened:
        return _nobody(kept), b"", "unopened"
    typed = Typed(card.n, card.p, card.born)
    by = b""
    try:
        by = await collector_of(ctx, Typed(card.by)) if card.by else b""
        buyer = await buyer_of(ctx, typed, reason=f"離線販售合併 {lease.outlet}")
    except Problem:
        found = _without_register(ctx, card)
        return (found, by, "merged") if found is not None else (_nobody(kept), by, "nobody")
    await remember(ctx.db, buyer.person, await numbers_shown(ctx.db, card.n, card.p), outlet=lease.outlet, now=ctx.now)
    return buyer, by, "merged"


def _without_register(ctx: Context, card: Card) -> Buyer | None:
    """Known by her own number alone: where no order lets a register be read, her quota is charged all the same."""
    read = read_card(card.n, card.p)
    if read is None or read.is_nhi or of_number(read.number) is None:
        return None
    return Buyer(person_of(ctx.db, read.number), ADULT, read.parity, read.kind)


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
