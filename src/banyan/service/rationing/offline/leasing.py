"""Terminals are enrolled by a pharmacist, and then ask by their own key: for stock to sell, and for a snapshot."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from math import ceil
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Denied, Invalid, Limit, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.openid.jose import Unsigned, thumbprint
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import (
    OFFLINE_ASKED_S,
    OFFLINE_GRACE_S,
    OFFLINE_LEASE_QTY,
    OFFLINE_LEASE_S,
    OFFLINE_LEASES,
    OFFLINE_RECEIPT,
    OFFLINE_RESERVE,
    OFFLINE_TERMINALS,
)
from banyan.service.rationing.counter.outlets import Code, admitted, must_be_ordered
from banyan.service.rationing.engine.days import day_of
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Lease as TakeStock
from banyan.service.rationing.engine.model import Refusal
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.formats import (
    ALG,
    ASKING_TYPE,
    LEASE_TYPE,
    SNAPSHOT_TYPE,
    Asking,
    Lease,
    Refused,
    TerminalId,
    Wanted,
    peeked_terminal,
    read,
    terminal_of,
)
from banyan.service.rationing.offline.marking import flush, notes_of, oldest_epoch, place
from banyan.service.rationing.offline.records import Terminal
from banyan.service.rationing.offline.shelf import keys_of
from banyan.service.rationing.offline.snapshots import Made, claims_of, least_to_be_served, made
from banyan.service.rationing.offline.words import both
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import shelf_of

PURPOSE: Final = "012"
Coordinate = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]
Area = Annotated[str, msgspec.Meta(pattern="^([0-9]{8})?$", description="鄉鎮市區代碼, empty when nobody knows")]


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key of P-256, as its JWK has it."""

    x: Coordinate
    y: Coordinate

    @property
    def jwk(self) -> dict[str, str]:
        return {"kty": "EC", "crv": "P-256", "x": self.x, "y": self.y}


class Enrolling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sign`: the key that signs receipts; `agree`: the one that a snapshot's keys are wrapped to."""

    outlet: Code
    sign: Point
    agree: Point
    area: Area = ""


class Enrolled(msgspec.Struct, frozen=True):
    """`keys` (JWK: `sig` signs leases, `enc` seals cards) are to be pinned. `now`: the node's clock, POSIX seconds."""

    terminal: str
    outlet: str
    channel: str
    member: str
    keys: tuple[dict[str, str], ...]
    now: int


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A compact JWS of typ `offline-asking+jwt`, by the terminal's key."""

    asking: Annotated[str, msgspec.Meta(min_length=1, max_length=OFFLINE_RECEIPT)]


class NotLent(msgspec.Struct, frozen=True):
    """An item that no lease was given of, and why, as the engine says it."""

    item: str
    code: str
    left: int


class Pack(msgspec.Struct, frozen=True):
    """What a terminal carries: leases and a snapshot (compact JWS), its filters in base64, by item."""

    leases: tuple[str, ...]
    refused: tuple[NotLent, ...]
    snapshot: str
    filters: dict[str, str]
    now: int


class OfOutlet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outlet: Code


class Listed(msgspec.Struct, frozen=True):
    """A terminal of an outlet. `is_over`: it gets no lease any more."""

    terminal: str
    is_over: bool


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outlet: Code
    terminal: TerminalId


@SERVICE.operation(
    "offline_enrol",
    title={"zh-Hant": "登記離線終端機", "en": "Enrol a terminal"},
    summary={
        "zh-Hant": "讓這台裝置在斷線時也能販售；裝置自己產生金鑰，只登記公鑰。",
        "en": "Lets this device sell without a network; it makes its own keys, and only their public halves are kept.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose=PURPOSE,
    channels=("api",),
)
async def enrol(ctx: Context, request: Enrolling) -> Enrolled:
    """Again with the same key it is the same terminal. Raises Denied at another's outlet, Invalid for a bad key."""
    outlet = await admitted(ctx, request.outlet)
    try:
        named = thumbprint(request.sign.jwk, ALG)
        thumbprint(request.agree.jwk, ALG)
    except Unsigned as error:
        raise Invalid.at("sign", str(error)) from error
    area = request.area or await place(ctx, outlet.code)
    asked = Terminal(terminal_of(named), outlet.code, area, request.sign.jwk, request.agree.jwk)
    known = await ctx.db.sql.write(lambda tx: records.enrol(tx, asked, by=ctx.caller.id, at=ctx.now))
    notes_of(ctx.db).is_used = True
    if known.outlet != outlet.code or known.sign != asked.sign:
        raise Denied(both("elsewhere"), remedy=both("elsewhere_remedy"))
    keys = keys_of(ctx.db)
    return Enrolled(known.id, known.outlet, outlet.channel, keys.member, tuple(keys.public), int(ctx.now))


@SERVICE.operation(
    "offline_terminals",
    title={"zh-Hant": "本據點的離線終端機", "en": "This outlet's terminals"},
    summary={"zh-Hant": "登記過的裝置，最新的在前。", "en": "Devices that were enrolled, the newest first."},
    data=OPEN,
    audience="officer",
    purpose=PURPOSE,
    channels=("api",),
)
async def terminals(ctx: Context, request: OfOutlet) -> tuple[Listed, ...]:
    outlet = await admitted(ctx, request.outlet)
    found = await ctx.db.sql.read(lambda tx: records.terminals(tx, outlet.code, OFFLINE_TERMINALS))
    return tuple(Listed(one.id, one.is_over) for one in found)


@SERVICE.operation(
    "offline_end",
    title={"zh-Hant": "停用離線終端機", "en": "End a terminal"},
    summary={
        "zh-Hant": "裝置遺失或被偷時停用；之後不再配貨。已賣出的紀錄仍可合併。",
        "en": "For a lost or stolen device: it gets no more stock. What it sold can still be merged.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose=PURPOSE,
    channels=("api",),
)
async def end(ctx: Context, request: Ending) -> Listed:
    """Raises NotFound for a terminal that is not this outlet's."""
    outlet = await admitted(ctx, request.outlet)
    await ctx.db.sql.write(lambda tx: records.end(tx, request.terminal, outlet.code, ctx.now))
    known = await ctx.db.sql.read(lambda tx: records.terminal_of(tx, request.terminal))
    if known is None or known.outlet != outlet.code:
        raise NotFound(both("unknown_terminal"), remedy=both("unknown_terminal_remedy"))
    return Listed(known.id, known.is_over)


@SERVICE.operation(
    "offline_pack",
    title={"zh-Hant": "領取離線配額", "en": "Take stock to sell offline"},
    summary={
        "zh-Hant": "終端機以自己的金鑰申請：簽章的配貨與名額快照。",
        "en": "A terminal asks by its own key: signed leases of stock, and a snapshot of who is served.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=("api",),
    rate="write",
)
async def pack(ctx: Context, request: Asked) -> Pack:
    """The same asking again gives the same leases. Raises Denied for a terminal that is not enrolled or was ended, for
    a wrong signature, and for a clock that is not now's; Limit when it holds too many leases."""
    terminal, asking = await _asker(ctx, request.asking)
    await must_be_ordered(ctx)
    leases, refused = [], []
    for want in asking.want:
        given = await _lease(ctx, terminal, asking, want)
        if isinstance(given, Lease):
            leases.append(keys_of(ctx.db).sign(LEASE_TYPE, claims_of(given)))
        else:
            refused.append(NotLent(want.item, given.code, given.left))
    snapshot = await _snapshot(ctx, terminal, sorted({*asking.about, *(want.item for want in asking.want)}))
    return Pack(
        leases=tuple(leases),
        refused=tuple(refused),
        snapshot=keys_of(ctx.db).sign(SNAPSHOT_TYPE, claims_of(snapshot.claims)),
        filters={item: b64encode(filled).decode() for item, filled in snapshot.filters.items()},
        now=int(ctx.now),
    )


async def _asker(ctx: Context, token: str) -> tuple[Terminal, Asking]:
    try:
        named = peeked_terminal(token)
        known = await ctx.db.sql.read(lambda tx: records.terminal_of(tx, named))
        if known is None or known.is_over:
            raise Denied(both("not_enrolled"), remedy=both("not_enrolled_remedy"), kind="terminal")
        asking: Asking = read(token, known.sign, kind=ASKING_TYPE, type=Asking)
    except Refused as error:
        raise Denied(both("asking"), remedy=both("asking_remedy"), kind=f"asking-{error.code}") from error
    if asking.aud != keys_of(ctx.db).member or asking.trm != known.id:
        raise Denied(both("asking"), remedy=both("asking_remedy"), kind="asking-audience")
    if abs(ctx.now - asking.iat) > OFFLINE_ASKED_S:
        raise Denied(both("clock", now=int(ctx.now)), remedy=both("clock_remedy"), kind="clock")
    return known, asking


async def _lease(ctx: Context, terminal: Terminal, asking: Asking, want: Wanted) -> Lease | Refusal:
    """Stock of the engine, under a key that this asking makes: asked again, it is the same."""
    key = sha256(f"offline lease|{terminal.id}|{asking.jti}|{want.item}".encode()).digest()[:16]
    qty = min(want.qty, OFFLINE_LEASE_QTY)
    lease = Lease(
        iss=keys_of(ctx.db).member,
        sub=terminal.id,
        jti=key.hex(),
        outlet=terminal.outlet,
        item=want.item,
        qty=qty,
        reserve=ceil(qty * OFFLINE_RESERVE),
        iat=asking.iat,
        exp=asking.iat + OFFLINE_LEASE_S,
        grace=OFFLINE_GRACE_S,
    )
    before = await ctx.db.sql.write(lambda tx: _noted(tx, lease))
    if before == "full":
        raise Limit(both("leases", most=OFFLINE_LEASES), remedy=both("leases_remedy"), status=429, kind="leases")
    if before == "other":
        return Refusal("key_reused")
    answer = await engine_of(ctx.db).do(
        TakeStock(key=key, outlet=lease.outlet, item=lease.item, qty=qty, until=EpochS(float(lease.exp)))
    )
    if isinstance(answer, Refusal):
        if before == "new":
            await ctx.db.sql.write(lambda tx: tx.run(records.SQL["drop_lease"], id=lease.jti))
        return answer
    return lease


def _noted(tx: Tx, lease: Lease) -> Literal["new", "same", "other", "full"]:
    """The lease is written before stock is taken for it: what a crash leaves behind goes back at its end."""
    known = records.lease_of(tx, lease.jti, lease.iss)
    if known is not None:
        return "same" if known[0] == lease else "other"
    row = tx.row(records.SQL["open_leases"], terminal=lease.sub)
    if row is not None and int(str(row[0])) >= OFFLINE_LEASES:
        return "full"
    records.add_lease(tx, lease)
    return "new"


async def _snapshot(ctx: Context, terminal: Terminal, items: list[str]) -> Made:
    engine = engine_of(ctx.db)
    book = await engine.rules()
    today = day_of(ctx.now)
    spent = {}
    for item in items:
        least = least_to_be_served(book, item, today)
        spent[item] = await engine.spent(item, least) if least else ()
    await flush(ctx.db)
    since = oldest_epoch(ctx.now)
    marks = await ctx.db.sql.read_long(lambda tx: records.marks_near(tx, terminal.area, since))
    return made(
        keys_of(ctx.db),
        terminal,
        marks=marks,
        spent=spent,
        book=book,
        now=int(ctx.now),
        random=shelf_of(ctx.db).random,
    )
