"""Who gets a place: the draw's order when more registered than there are places, and the reserve list after it.

Winners and those who move up go one way: the lowest places of the order that wait, as long as a whole group fits. A
place below the round's `cut` was won in the draw and has the round's payment window; a later one has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import cast

from banyan.craft.draw import Entry, allot, packed, ticket, unpacked
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_rationing import PREORDER_BATCH
from banyan.service.rationing.engine.model import Answer, Receipt, Refusal
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.desk import Afresh, desk_of, turn_of
from banyan.service.rationing.preorder.moving import NewId, moved
from banyan.service.rationing.preorder.pledging import give_up, pledged
from banyan.service.rationing.preorder.records import SQL, Kept, Order
from banyan.service.rationing.preorder.rounds import Round, moves_up_until, pay_by

ROOM = "everybody who registered has a place"
GROUP_MOST = 255
"""People of one group in a draw: an entry has a byte for them. A larger one draws as so many, and moves up whole."""


async def close(ctx: Context, kept: Kept) -> bool:
    """End registration."""
    round = kept.round
    if kept.state != "published" or round.mode != "draw" or ctx.now < round.closes:
        return False
    return bool(
        await ctx.db.sql.write(lambda tx: tx.run(SQL["move_round"], id=round.id, state="published", to="closed"))
    )


async def begin(ctx: Context, kept: Kept) -> bool:
    """Bind the draw of a published round; at once, for nobody may know the list then."""
    if kept.state == "published" and kept.round.mode == "draw":
        await desk_of(ctx.db).lots.begin(ctx, kept.round)
    return False


async def seat(ctx: Context, kept: Kept) -> bool:
    """Give everybody registered a place in the order, once it is known. Where there is room for all nothing is drawn
    and the order means nothing. False while the seed is awaited."""
    if kept.state != "closed":
        return False
    lots, round = desk_of(ctx.db).lots, kept.round
    await lots.begin(ctx, round)
    if not await ctx.db.sql.read(lambda tx: records.count(tx, "ticketed", round=round.id, none=b"")):
        await _write_tickets(ctx, round, await lots.key(ctx, round))
    sizes = await ctx.db.sql.read_long(partial(_sizes, round=round.id))
    entries = sorted(packed(Entry(name, people=min(size, GROUP_MOST))) for name, size in sizes)
    if sum(size for _, size in sizes) > round.capacity:
        try:
            drawn = await lots.drawn(ctx, round, entries)
        except Afresh:
            await ctx.db.sql.write(lambda tx: tx.run(SQL["unticket"], round=round.id, none=b""))
            return True
        if drawn is None:
            return False
        cut = len(allot(drawn, round.capacity).winners)
    else:
        await lots.give_up(ctx, round, ROOM)
        drawn, cut = entries, len(entries)
    for first in range(0, len(drawn), PREORDER_BATCH):
        tickets = [unpacked(one).ticket for one in drawn[first : first + PREORDER_BATCH]]
        await ctx.db.sql.write(partial(_seated, round=round.id, tickets=tickets, first=first))

    def done(tx: Tx) -> None:
        tx.run(SQL["cut_round"], id=round.id, cut=cut)
        tx.run(SQL["move_round"], id=round.id, state="closed", to="allotted")

    await ctx.db.sql.write(done)
    return True


async def fill(ctx: Context, kept: Kept) -> bool:
    """Give free places to who waits, in their order; True when somebody got one or cannot have it."""
    if kept.state != "allotted" or not kept.pool:
        return False
    async with turn_of(ctx.db, kept.round.id):
        return await _fill(ctx, kept)


async def _fill(ctx: Context, kept: Kept) -> bool:
    desk, round = desk_of(ctx.db), kept.round

    def look(tx: Tx) -> tuple[int, list[Order]]:
        return records.count(tx, "taken", round=round.id), records.orders(tx, "next_waiting", round=round.id)

    taken, waiting = await ctx.db.sql.read(look)
    chosen = [one for one in fitting(waiting, round.capacity - taken) if _window(kept, one, ctx.now) is not None]
    if not chosen:
        return False
    answers = await pledged(ctx, round, chosen)
    given = list(zip(chosen, answers, strict=True))
    late = await ctx.db.sql.write(partial(_given, kept=kept, given=given, now=ctx.now, new_id=desk.new_id))
    await give_up(ctx, late)
    return any(not _is_empty(answer) for answer in answers)


def fitting(waiting: Sequence[Order], free: int) -> list[Order]:
    """The orders at the head of the list whose groups fit whole; where one does not, nobody behind it passes. A page of
    the list may cut its last group: that one waits for the next page, unless it is all there is."""
    groups = [list(members) for _, members in groupby(waiting, key=lambda one: one.place)]
    if len(waiting) >= PREORDER_BATCH and len(groups) > 1:
        groups.pop()
    found: list[Order] = []
    for members in groups:
        if len(found) + len(members) > free:
            break
        found.extend(members)
    return found


async def _write_tickets(ctx: Context, round: Round, key: bytes) -> None:
    """Each group's ticket beside its people, all of them in one commit at the end: a list is whole or not begun. 1.2M
    people are 40 MB of tickets for a moment."""
    after = b""
    rows: list[dict[str, SqlValue]] = []
    while page := await ctx.db.sql.read(partial(_orders_after, round=round.id, after=after)):
        for person, group, state in page:
            if state == "registered":
                rows.append({"round": round.id, "person": person, "ticket": ticket(key, group)})
        after = page[-1][0]
    await ctx.db.sql.write(lambda tx: tx.run_many(SQL["ticket"], rows))


def _orders_after(tx: Tx, *, round: str, after: bytes) -> list[tuple[bytes, bytes, str]]:
    rows = tx.rows(SQL["registered_after"], round=round, after=after, limit=PREORDER_BATCH * 4)
    return [cast(tuple[bytes, bytes, str], row) for row in rows]


def _sizes(tx: Tx, *, round: str) -> list[tuple[bytes, int]]:
    return [cast(tuple[bytes, int], row) for row in tx.rows(SQL["groups"], round=round)]


def _seated(tx: Tx, *, round: str, tickets: Sequence[bytes], first: int) -> None:
    tx.run_many(SQL["seat"], [{"round": round, "ticket": one, "place": at} for at, one in enumerate(tickets, first)])


def _window(kept: Kept, order: Order, now: EpochS) -> EpochS | None:
    is_drawn = kept.round.mode == "draw" and order.place < kept.cut
    return pay_by(kept.round, now) if is_drawn else moves_up_until(kept.round, now)


def _given(tx: Tx, *, kept: Kept, given: Sequence[tuple[Order, Answer]], now: EpochS, new_id: NewId) -> list[Order]:
    """Write what the engine said; gives the orders that ended meanwhile though their pledge was taken."""
    late = []
    for order, answer in given:
        if isinstance(answer, Receipt):
            until = _window(kept, order, now)
            assert until is not None, "a place is given with its window"
            after = moved(tx, order, "win", now, new_id=new_id, pay_by=until)
            if after is None:
                late.append(order)
            else:
                told = sum(before >= until - now for before in kept.round.reminders_s)
                tx.run(SQL["reminded"], id=order.id, nth=told)  # those of an earlier hour have passed
                moved_up = kept.round.mode == "draw" and order.place >= kept.cut
                records.tell(
                    tx, after, "moved_up" if moved_up else "won", now, amount=kept.round.amount, until=int(until)
                )
        elif not _is_empty(answer):
            after = moved(tx, order, "refuse", now, new_id=new_id)
            if after is not None:
                records.tell(tx, after, "refused", now, code=answer.code, next_from=int(answer.next_from or 0))
    return late


def _is_empty(answer: Answer) -> bool:
    """The pool has nothing left just now: a reason to wait, none to lose the place."""
    return isinstance(answer, Refusal) and answer.code == "no_stock"
