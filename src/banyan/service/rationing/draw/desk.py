"""The acts done: each is in the ledger before it is in force, and doing one again answers what is there.

Whatever part of rationing allots by lot calls these; officers do so by the operations beside. A crash between two
writes leaves an entry of an act that can be done again, never an act without its entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from banyan.craft.draw import canonical, ranks
from banyan.craft.draw.allotting import marked, people_of
from banyan.craft.draw.beacon import BadBeacon, read_beacon
from banyan.craft.draw.bundle import DrawReceipt, csv_of
from banyan.craft.draw.tickets import NotCanonical
from banyan.craft.draw.tree import TicketTree
from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue import Context
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.storage import Drawer
from banyan.service.rationing.draw import acts, keeping
from banyan.service.rationing.draw.acts import Draw, Opened, Plan, Refusal
from banyan.service.rationing.draw.keeping import Kept
from banyan.service.rationing.draw.shelf import DrawShelf, both, shelf_of

T = TypeVar("T")
CHECKPOINTS = 10_000
"""Looked through for the first that covers a list: at one in some seconds, half a day of a busy ledger."""


class Drawn(msgspec.Struct, frozen=True):
    """The entries in the order drawn, and for each 1 when it won; `left` places nobody of the first in line needs."""

    entries: Sequence[bytes]
    won: bytes
    left: int


async def commit(ctx: Context, plan: Plan) -> Draw:
    """Bind the places, the randomness to come and the nonces. Raises Conflict."""
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        kept = await ctx.db.sql.read(lambda tx: keeping.load(tx, plan.id))
        if kept is None:
            salt = shelf.random(32)
            made = acts.commit(plan, salt=salt, key=_key(shelf, salt), nonce=_nonce(shelf, salt), now=ctx.now)
            kept = Kept(draw=_stands(made), created=ctx.now, agency=ctx.caller.agency)
            await _save(ctx.db, kept)
        elif kept.draw.plan != plan:
            raise refused(Refusal("taken"))
        if kept.draw.commit_index < 0:
            index = await _written(shelf, plan.id, "commit", kept.draw.commit)
            kept = await _save(ctx.db, _with(kept, commit_index=index))
        return kept.draw


async def ticket_key(ctx: Context, id: str) -> bytes:
    """The key of a draw's tickets, for who registers people. Raises NotFound, or Conflict once the list is closed."""
    kept = await keeping.found(ctx.db, id)
    if kept.draw.state != "committed":
        raise refused(Refusal("already_closed"))
    return _key(shelf_of(ctx.db), kept.draw.salt)


async def close(ctx: Context, id: str, entries: Iterable[bytes]) -> Draw:
    """Fix the list. Raises NotFound, Invalid for what is no list, Conflict."""
    shelf = shelf_of(ctx.db)
    listed, tree = await asyncio.to_thread(_listed, entries)
    async with shelf.turn:
        kept = await keeping.found(ctx.db, id)
        people = sum(map(people_of, listed))
        draw = _stands(acts.close(kept.draw, root=tree.root, count=len(listed), people=people, now=ctx.now))
        if kept.draw.state == "committed":
            names = await asyncio.to_thread(keeping.put_list, ctx.db, listed, tree)
            kept = await _save(ctx.db, msgspec.structs.replace(kept, draw=draw, entries=names[0], tree=names[1]))
        if draw.close_index < 0:
            index = await _written(shelf, id, "close", draw.close)
            kept = await _save(ctx.db, _with(kept, close_index=index))
        return kept.draw


async def reveal(
    ctx: Context, id: str, *, beacon: bytes = b"", numbers: str = "", nonces: Sequence[bytes] = ()
) -> Draw:
    """Open the seed and draw. Without a `beacon` the node's source of beacons is asked. Raises NotFound, Conflict."""
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        kept = await keeping.found(ctx.db, id)
        plan = kept.draw.plan
        given = beacon or (await shelf.beacons(plan.round) if plan.method == "drand" else None)
        try:
            read = read_beacon(given) if given else None
        except BadBeacon as error:
            raise refused(Refusal("beacon", str(error))) from error
        own = () if plan.bodies else (_nonce(shelf, kept.draw.salt),)
        opened = Opened(read, numbers, own or tuple(nonces))
        witnessed_at = await _witnessed_at(shelf, kept.draw.close_index)
        draw = _stands(acts.reveal(kept.draw, opened, witnessed_at=witnessed_at, now=ctx.now))
        if not await _is_logged(shelf, draw):
            raise refused(Refusal("another_list", "the ledger's entries of this draw say otherwise"))
        if kept.draw.state == "closed":
            await _written(shelf, id, "reveal", acts.revealed_entry(draw))
            drawn = await asyncio.to_thread(_drawn, ctx.db, kept, draw)
            kept = await _save(ctx.db, drawn)
        return kept.draw


async def publish(ctx: Context, id: str) -> Draw:
    """Put the order into the ledger, and give everything to everybody. Raises NotFound, Conflict."""
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        kept = await keeping.found(ctx.db, id)
        draw = _stands(acts.publish(kept.draw))
        if kept.draw.state != "published":
            receipts = [await receipt_of(shelf.ledger, at) for at in (draw.commit_index, draw.close_index)]
            proven = tuple(one.decode() for one in receipts if one is not None)
            assert len(proven) == 2, "a revealed draw's list is under a checkpoint"
            await _written(shelf, id, "publish", acts.published_entry(draw))
            kept = await _save(ctx.db, msgspec.structs.replace(kept, draw=draw, receipts=proven))
        return kept.draw


async def void(ctx: Context, id: str, why: str) -> Draw:
    """Give a draw up, in public. Raises NotFound, Conflict."""
    shelf = shelf_of(ctx.db)
    async with shelf.turn:
        kept = await keeping.found(ctx.db, id)
        draw = _stands(acts.void(kept.draw, why))
        await _written(shelf, id, "void", acts.void_entry(draw))
        return (await _save(ctx.db, msgspec.structs.replace(kept, draw=draw))).draw


async def drawn(ctx: Context, id: str) -> Drawn:
    """The outcome, for who hands out by it. Raises NotFound, Conflict before the reveal."""
    kept = await keeping.found(ctx.db, id)
    if kept.draw.state not in ("revealed", "published"):
        raise refused(Refusal("void" if kept.draw.state == "void" else "not_revealed"))

    def read() -> Drawn:
        entries, order = keeping.entries_of(ctx.db, kept), keeping.order_of(ctx.db, kept)
        return Drawn([entries[place] for place in order.places.tolist()], order.won, kept.draw.left)

    return await asyncio.to_thread(read)


async def receipt(db: Drawer, id: str, ticket: bytes) -> DrawReceipt | None:
    """What the holder of a ticket keeps; None for a ticket that is not on the list, or before it is closed. The rank is
    in it once the draw is published. Raises NotFound."""
    kept = await keeping.found(db, id)
    draw = kept.draw
    if draw.close_index < 0:
        return None
    looked = await asyncio.to_thread(keeping.look_up, db, kept, ticket)
    if looked is None:
        return None
    made = DrawReceipt(
        draw=id, entry=looked.entry.hex(), index=looked.index, count=draw.count, root=draw.root.hex(),
        path=tuple(one.hex() for one in looked.path),
    )  # fmt: skip
    if draw.state != "published":
        return made
    return msgspec.structs.replace(
        made, rank=looked.rank + 1, won=looked.won, seed=draw.seed.hex(), randomness=draw.randomness.hex(),
        nonces=tuple(one.hex() for one in draw.nonces), order_root=draw.order_root.hex(),
        order_path=tuple(one.hex() for one in looked.order_path),
    )  # fmt: skip


def refused(refusal: Refusal) -> Conflict:
    """The problem for a refusal; its kind is the code."""
    code = refusal.code
    return Conflict(both(f"refused.{code}"), remedy=f"{both(f'fix.{code}')} {refusal.detail}".rstrip(), kind=code)


def _stands(made: Draw | Refusal) -> Draw:
    if isinstance(made, Refusal):
        raise refused(made)
    return made


def _listed(entries: Iterable[bytes]) -> tuple[list[bytes], TicketTree]:
    try:
        listed = canonical(entries)
    except NotCanonical as error:
        raise Invalid.at("entries", str(error)) from error
    return listed, TicketTree.over(listed)


def _drawn(db: Drawer, kept: Kept, draw: Draw) -> Kept:
    """Everything that follows from the seed, kept. 5 us a ticket, in a thread."""
    entries = keeping.entries_of(db, kept)
    order = ranks(draw.seed, entries)
    won, left = marked(order, draw.plan.places, draw.plan.shared)
    tree = TicketTree.over(order)
    file = b"".join(csv_of(order, won))
    published = db.blobs.put_bytes(file).sha256
    people = sum(people_of(entry) for entry, luck in zip(order, won, strict=True) if luck)
    after = msgspec.structs.replace(draw, winners=won.count(1), left=left, order_root=tree.root, ranks_sha256=published)
    assert people + left == draw.plan.places, "what is not won is left"
    return msgspec.structs.replace(
        kept,
        draw=after,
        order=keeping.put_order(db, entries, order, won),
        order_tree=db.blobs.put_bytes(bytes(tree.data)).sha256,
        ranks=published,
    )


async def _witnessed_at(shelf: DrawShelf, index: int) -> float | None:
    """When the first checkpoint over an entry was signed."""
    if index < 0:
        return None
    covering = [one.at for one in await shelf.ledger.checkpoints(CHECKPOINTS) if one.size > index]
    return min(covering, default=None)


async def _written(shelf: DrawShelf, id: str, step: str, entry: bytes) -> int:
    """The act's entry in the ledger, where each draw has one of each step."""
    return await shelf.ledger.append_once(f"draw/{id}/{step}", entry)


async def _is_logged(shelf: DrawShelf, draw: Draw) -> bool:
    """Whether the ledger holds these very acts: a drawer that was put back from a backup might have others."""
    said = [await shelf.ledger.entry(at) for at in (draw.commit_index, draw.close_index)]
    return said == [draw.commit, draw.close]


async def _save(db: Drawer, kept: Kept) -> Kept:
    await db.sql.write(partial(keeping.save, kept=kept))
    return kept


def _with(kept: Kept, **changed: int) -> Kept:
    return msgspec.structs.replace(kept, draw=msgspec.structs.replace(kept.draw, **changed))


def _key(shelf: DrawShelf, salt: bytes) -> bytes:
    return shelf.derived("tickets", salt)


def _nonce(shelf: DrawShelf, salt: bytes) -> bytes:
    return shelf.derived("nonce", salt)
