"""Operations of the draws: officers commit, close, reveal, publish and void; anybody sees how each draw stands."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.craft.draw import Entry, packed
from banyan.craft.draw.beacon import BEACON_BYTES
from banyan.craft.draw.bundle import Bundle, DrawReceipt
from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_rationing import DRAW_PASTED, DRAW_TIME_S, DRAW_WHY
from banyan.service.rationing.draw import desk, keeping
from banyan.service.rationing.draw.acts import Body, Hash, Id, Plan, Share, State
from banyan.service.rationing.draw.keeping import Kept
from banyan.service.rationing.draw.shelf import both
from banyan.service.rationing.planners import must_plan
from banyan.service.rationing.service import SERVICE

Byte = Annotated[int, msgspec.Meta(ge=0, le=255)]
Some = Annotated[int, msgspec.Meta(ge=1, le=255)]


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A draw by its id."""

    draw: Id


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket of a list that is brought in, with what sets it apart."""

    ticket: Hash
    stratum: Byte = 0
    people: Some = 1
    lots: Some = 1


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list of a draw whose people are registered elsewhere: their tickets."""

    draw: Id
    entries: Annotated[tuple[Listed, ...], msgspec.Meta(min_length=1, max_length=DRAW_PASTED)]


class Revealing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The beacon of the round named, as drand answers it; or the numbers drawn in public. `nonces` of the bodies that
    keep them, in the order in which they were named."""

    draw: Id
    beacon: Annotated[str, msgspec.Meta(max_length=BEACON_BYTES)] = ""
    numbers: Annotated[str, msgspec.Meta(max_length=200)] = ""
    nonces: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=8)] = ()


class Voiding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    draw: Id
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=DRAW_WHY)]


class TicketQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One's own ticket, as the registration gave it: 64 hexadecimal digits."""

    draw: Id
    ticket: Hash


class Stands(msgspec.Struct, frozen=True):
    """A draw as anybody may see it. `decides_at` is when its randomness comes to be (RFC 3339 UTC); the entries are
    indexes in the transparency log, -1 before they are there; hashes in hexadecimal, empty before they exist."""

    draw: str
    title: dict[str, str]
    state: State
    method: str
    places: int
    shares: tuple[Share, ...]
    bodies: tuple[Body, ...]
    round: int
    source: str
    decides_at: str
    commit_entry: int
    close_entry: int
    count: int
    people: int
    root: str
    seed: str
    winners: int
    left: int
    order_root: str
    ranks_sha256: str
    why: str


@SERVICE.operation(
    "draw_commit",
    title={"zh-Hant": "承諾抽籤", "en": "Commit to a draw"},
    summary={
        "zh-Hant": "把名額、未來的亂數來源與隨機數的雜湊寫進公開日誌，之後誰也不能改。",
        "en": "Put places, the randomness to come and the nonces' hashes into the ledger; nobody can change them.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
)
async def draw_commit(ctx: Context, request: Plan) -> Stands:
    """The same plan again answers what is there; another under its id is a Conflict."""
    must_plan(ctx)
    await desk.commit(ctx, request)
    return await _standing(ctx, request.id)


@SERVICE.operation(
    "draw_close",
    title={"zh-Hant": "截止抽籤名單", "en": "Close a draw's list"},
    summary={
        "zh-Hant": "亂數產生之前，把名單的根雜湊與人數寫進公開日誌。",
        "en": "Put the list's root and count into the public ledger, before the randomness exists.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    rate="upload",
    time_s=DRAW_TIME_S,
)
async def draw_close(ctx: Context, request: Closing) -> Stands:
    """For lists that are kept elsewhere; a preorder's own list is closed by its round."""
    await _own(ctx, request.draw)
    entries = (packed(Entry(bytes.fromhex(one.ticket), one.stratum, one.people, one.lots)) for one in request.entries)
    await desk.close(ctx, request.draw, entries)
    return await _standing(ctx, request.draw)


@SERVICE.operation(
    "draw_reveal",
    title={"zh-Hant": "開獎", "en": "Reveal a draw"},
    summary={
        "zh-Hant": "用指定那一輪的亂數與當初承諾的隨機數算出名次；對不上就拒絕。",
        "en": "From the round named and the nonces committed to come everybody's ranks; any other is refused.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    time_s=DRAW_TIME_S,
)
async def draw_reveal(ctx: Context, request: Revealing) -> Stands:
    await _own(ctx, request.draw)
    nonces = tuple(bytes.fromhex(one) for one in request.nonces)
    await desk.reveal(ctx, request.draw, beacon=request.beacon.encode(), numbers=request.numbers, nonces=nonces)
    return await _standing(ctx, request.draw)


@SERVICE.operation(
    "draw_publish",
    title={"zh-Hant": "公布抽籤結果", "en": "Publish a draw"},
    summary={
        "zh-Hant": "公布全部名次與種子，任何人都能重算一次。",
        "en": "Publish all ranks and the seed, so that anybody can run the draw again.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    time_s=DRAW_TIME_S,
)
async def draw_publish(ctx: Context, request: Named) -> Stands:
    await _own(ctx, request.draw)
    await desk.publish(ctx, request.draw)
    return await _standing(ctx, request.draw)


@SERVICE.operation(
    "draw_void",
    title={"zh-Hant": "作廢抽籤", "en": "Void a draw"},
    summary={
        "zh-Hant": "公布前可以作廢；作廢會公開記載，不能恢復。",
        "en": "Before it is published a draw can be given up; that is public, and final.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
)
async def draw_void(ctx: Context, request: Voiding) -> Stands:
    await _own(ctx, request.draw)
    await desk.void(ctx, request.draw, request.why)
    return await _standing(ctx, request.draw)


@SERVICE.operation(
    "draws",
    title={"zh-Hant": "抽籤", "en": "Draws"},
    summary={"zh-Hant": "每一場抽籤進行到哪裡。", "en": "How each draw stands."},
    data=OPEN,
    audience="public",
)
async def draws(ctx: Context, request: Nothing) -> tuple[Stands, ...]:
    """The newest first."""
    return tuple(map(stands, await ctx.db.sql.read(keeping.newest)))


@SERVICE.operation(
    "draw",
    title={"zh-Hant": "一場抽籤", "en": "One draw"},
    summary={
        "zh-Hant": "一場抽籤的承諾、名單根雜湊與結果。",
        "en": "A draw's commitment, its list's root and its outcome.",
    },
    data=OPEN,
    audience="public",
)
async def draw(ctx: Context, request: Named) -> Stands:
    return await _standing(ctx, request.draw)


@SERVICE.operation(
    "draw_bundle",
    title={"zh-Hant": "抽籤驗證檔", "en": "A draw's bundle"},
    summary={
        "zh-Hant": "重算一場抽籤所需的一切，與名次檔一起下載。",
        "en": "All it takes to run a draw again, beside its file of ranks.",
    },
    data=OPEN,
    audience="public",
)
async def draw_bundle(ctx: Context, request: Named) -> Bundle:
    """Raises Conflict before it is published."""
    kept = await keeping.found(ctx.db, request.draw)
    return bundle_of(kept)


@SERVICE.operation(
    "draw_receipt",
    title={"zh-Hant": "我的抽籤收據", "en": "My receipt of a draw"},
    summary={
        "zh-Hant": "憑自己的籤取得收據：證明籤在名單上，公布後也證明名次。",
        "en": "By one's own ticket: proof that it is on the list and, once published, of its rank.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    rate="query",
)
async def draw_receipt(ctx: Context, request: TicketQuery) -> DrawReceipt:
    """By POST: a ticket names a person to who knows the round's key, so it stands in no address."""
    found = await desk.receipt(ctx.db, request.draw, bytes.fromhex(request.ticket))
    if found is None:
        raise NotFound(both("no_ticket"), remedy=both("no_ticket_remedy"))
    return found


def bundle_of(kept: Kept) -> Bundle:
    """Raises Conflict before it is published."""
    one = kept.draw
    if one.state != "published":
        raise Conflict(both("not_public"), remedy=both("not_public_remedy"), kind="not_public")
    return Bundle(
        draw=one.plan.id, commit=one.commit.decode(), close=one.close.decode(),
        nonces=tuple(nonce.hex() for nonce in one.nonces), seed=one.seed.hex(), winners=one.winners, left=one.left,
        order_root=one.order_root.hex(), ranks_sha256=one.ranks_sha256, signature=one.signature, numbers=one.numbers,
        commit_receipt=kept.receipts[0], close_receipt=kept.receipts[1],
    )  # fmt: skip


def stands(kept: Kept) -> Stands:
    one, plan = kept.draw, kept.draw.plan
    is_public = one.state == "published"
    return Stands(
        draw=plan.id, title={"zh-Hant": plan.title_zh, "en": plan.title_en}, state=one.state, method=plan.method,
        places=plan.places, shares=plan.shares, bodies=plan.bodies, round=plan.round, source=plan.source,
        decides_at=iso(EpochS(plan.decides_at)), commit_entry=one.commit_index, close_entry=one.close_index,
        count=one.count, people=one.people, root=one.root.hex(), seed=one.seed.hex(), why=one.why,
        winners=one.winners if is_public else 0, left=one.left if is_public else 0,
        order_root=one.order_root.hex() if is_public else "", ranks_sha256=one.ranks_sha256 if is_public else "",
    )  # fmt: skip


async def _own(ctx: Context, id: str) -> None:
    """Raises NotFound, and Denied for officers of another agency than the draw's."""
    must_plan(ctx)
    kept = await keeping.found(ctx.db, id)
    if ctx.caller.kind == "officer" and ctx.caller.agency != kept.agency:
        raise Denied(both("not_yours"), remedy=both("not_yours_remedy"))


async def _standing(ctx: Context, id: str) -> Stands:
    return stands(await keeping.found(ctx.db, id))
