"""The acts on grants, and the list of them. Each act is in the public ledger before it counts: who may ask whom, for
what, on which basis, is no secret. Officers stand there by their agency only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import vocabulary
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_road import EXCHANGE_GRANTS
from banyan.service.exchange import rules
from banyan.service.exchange.rules import Allowed, Grant, Offered, Priority, Refusal
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.shelf import Shelf, lent, shelf_of
from banyan.service.exchange.wording import both, officer, refused, unknown

SQL: Final = load_statements("banyan.service.exchange", "exchange.sql")
Client = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+(/[^/\s]+){3}$", max_length=400)]
ServiceName = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+(/[^/\s]+){4}$", max_length=400)]
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask: it is about this node."""


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`purposes`: code of the register -> id of the basis, empty where nothing personal is given."""

    client: Client
    service: ServiceName
    until: Moment
    purposes: Annotated[Mapping[str, str], msgspec.Meta(max_length=20)] = {}
    endpoints: Annotated[tuple[Allowed, ...], msgspec.Meta(max_length=50)] = (Allowed(),)
    priority: Priority = "normal"
    per_minute: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    keep_bodies_days: Annotated[int, msgspec.Meta(ge=0, le=3_650)] = 0


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id


class Purpose(msgspec.Struct, frozen=True):
    """A purpose with its words and the basis that lets it."""

    code: str
    title: Mapping[str, str]
    basis: str
    statute: Mapping[str, str]


class GrantView(msgspec.Struct, frozen=True):
    """A grant as its agencies see it. `is_own`: this officer's agency is the one that answers; `may` what they may do
    now: approve, end. `is_outdated`: a basis has changed since. Moments are RFC 3339 UTC."""

    id: str
    client: str
    service: str
    state: str
    purposes: tuple[Purpose, ...]
    endpoints: tuple[Allowed, ...]
    priority: str
    per_minute: int
    keep_bodies_days: int
    until: str
    proposed_at: str
    approved_at: str
    ended_at: str
    is_own: bool
    is_outdated: bool
    may: tuple[str, ...]


@SERVICE.operation(
    "grants",
    title={"zh-Hant": "交換授權", "en": "Grants"},
    summary={
        "zh-Hant": "本機關給別人的、和別人給本機關的授權，附目的與依據。",
        "en": "Grants that this agency gave or was given, with purpose and basis.",
    },
    data=OPEN,
    audience="officer",
    channels=("api",),
)
async def grants(ctx: Context, request: Nothing) -> tuple[GrantView, ...]:
    """Those that wait first, then those in force, then what ended; of the officer's own agency only."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    register = await shelf.bases()
    found = [one for one in await _all(ctx) if who.agency in (one.provider, rules.member_of(one.client))]
    order = {"proposed": 0, "in-force": 1, "ended": 2}
    found.sort(key=lambda one: order[one.state(ctx.now)])
    return tuple(_view(one, who.id, who.agency, ctx.now, register) for one in found)


@SERVICE.operation(
    "propose_grant",
    title={"zh-Hant": "提出授權", "en": "Propose a grant"},
    summary={
        "zh-Hant": "讓另一機關的系統呼叫本機關的服務；本機關另一位承辦人核可後才生效。",
        "en": "Let another agency's system ask a service of this one; in force once a second officer here approves.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def propose_grant(ctx: Context, request: Proposal) -> GrantView:
    who, shelf = officer(ctx), shelf_of(ctx.db)
    made = Grant(
        id=sha256(msgspec.json.encode((request.client, request.service, who.id, ctx.now))).hexdigest()[:16],
        client=request.client,
        service=request.service,
        endpoints=request.endpoints,
        purposes=request.purposes,
        priority=request.priority,
        per_minute=request.per_minute,
        until=EpochS(request.until.timestamp()),
        keep_bodies_days=request.keep_bodies_days,
        proposed_by=who,
        proposed_at=ctx.now,
    )
    async with shelf.turn:
        if len(await _all(ctx)) >= EXCHANGE_GRANTS:
            raise Limit(
                both("exchange_limit.grants", most=EXCHANGE_GRANTS), remedy=both("exchange_limit.grants_remedy")
            )
        register = await shelf.bases()
        proposed = rules.propose(made, _offered(shelf, made), register, ctx.now)
        if isinstance(proposed, Refusal):
            raise refused(proposed.code, proposed.about)
        await _put(ctx, shelf, "proposed", proposed)
    return _view(proposed, who.id, who.agency, ctx.now, register)


@SERVICE.operation(
    "approve_grant",
    title={"zh-Hant": "核可授權", "en": "Approve a grant"},
    summary={
        "zh-Hant": "本機關的第二位承辦人核可，從下一次呼叫起生效；同一對象原有的授權由它取代。",
        "en": "A second officer of the agency puts it into force; it takes the place of an earlier one.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def approve_grant(ctx: Context, request: Named) -> GrantView:
    who = officer(ctx)
    return await _act(ctx, "approved", request.id, lambda grant: rules.approve(grant, who, ctx.now))


@SERVICE.operation(
    "end_grant",
    title={"zh-Hant": "終止授權", "en": "End a grant"},
    summary={
        "zh-Hant": "立即終止或撤回；從下一次呼叫起拒絕。",
        "en": "End or take back a grant at once; the next call is refused.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def end_grant(ctx: Context, request: Named) -> GrantView:
    who = officer(ctx)
    return await _act(ctx, "ended", request.id, lambda grant: rules.end(grant, who, ctx.now))


@SERVICE.start
async def tell_the_road(ctx: Context) -> None:
    """The road learns at each start what is granted."""
    shelf = lent(ctx.db)
    if shelf is not None:
        await _allow(ctx, shelf)


async def _act(ctx: Context, act: str, id: str, decide: Callable[[Grant], Grant | Refusal]) -> GrantView:
    """One act on a grant that is there. Raises NotFound, or Conflict with the rule's words."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    async with shelf.turn:
        row = await ctx.db.sql.read(lambda tx: tx.row(SQL["grant"], id=id))
        if row is None:
            raise unknown("grant")
        before = _read(row[0])
        if who.agency not in (before.provider, rules.member_of(before.client)):
            raise unknown("grant")
        after = decide(before)
        if isinstance(after, Refusal):
            raise refused(after.code, after.about)
        if after != before:
            await _put(ctx, shelf, act, after)
        return _view(after, who.id, who.agency, ctx.now, await shelf.bases())


async def _put(ctx: Context, shelf: Shelf, act: str, grant: Grant) -> None:
    """Publish, keep, tell the road: a crash in between leaves an entry of an act that did not come about, never a
    grant without its entry."""
    entry = act_entry(
        "grant",
        step=act,
        id=grant.id,
        client=grant.client,
        service=grant.service,
        purposes=",".join(f"{code}:{basis}" for code, basis in sorted(grant.purposes.items())),
        until=int(grant.until),
    )
    await shelf.ledger.append_once(f"grant/{grant.id}/{act}", entry)
    replaced = await _replaced(ctx, grant) if act == "approved" else ()

    def job(tx: Tx) -> None:
        for one in (*replaced, grant):
            values = {"id": one.id, "client": one.client, "service": one.service}
            tx.run(SQL["put_grant"], **values, proposed_at=one.proposed_at, whole=msgspec.json.encode(one))

    await ctx.db.sql.write(job)
    await _allow(ctx, shelf)


async def _replaced(ctx: Context, grant: Grant) -> tuple[Grant, ...]:
    """What was in force between the same two, ended by the one that takes its place."""
    ended = partial(msgspec.structs.replace, ended_by=grant.approved_by, ended_at=ctx.now)
    return tuple(
        ended(one)
        for one in await _all(ctx)
        if (one.client, one.service) == (grant.client, grant.service)
        and one.id != grant.id
        and one.state(ctx.now) == "in-force"
    )


async def _allow(ctx: Context, shelf: Shelf) -> None:
    shelf.road.allow([one for one in await _all(ctx) if one.state(ctx.now) == "in-force"])


async def _all(ctx: Context) -> list[Grant]:
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["grants"], limit=EXCHANGE_GRANTS))
    return [_read(row[0]) for row in rows]


def _read(whole: object) -> Grant:
    assert isinstance(whole, bytes), "a grant is kept as bytes"
    return msgspec.json.decode(whole, type=Grant)


def _offered(shelf: Shelf, grant: Grant) -> Offered | None:
    service = next((one for one in shelf.road.services() if one.id == grant.service), None)
    if service is None:
        return None
    known = {f"{one.id}/{subsystem}" for one in shelf.road.members() for subsystem in one.subsystems}
    return Offered(service.operation, service.needs_purpose, grant.client in known)


def _view(grant: Grant, officer_id: str, agency: str, now: EpochS, register: Register) -> GrantView:
    state, is_own = grant.state(now), agency == grant.provider
    may = {
        "approve": is_own and state == "proposed" and officer_id != grant.proposed_by.id,
        "end": is_own and state != "ended",
    }
    return GrantView(
        id=grant.id,
        client=grant.client,
        service=grant.service,
        state=state,
        purposes=tuple(_purpose(code, basis, register) for code, basis in grant.purposes.items()),
        endpoints=grant.endpoints,
        priority=grant.priority,
        per_minute=grant.per_minute,
        keep_bodies_days=grant.keep_bodies_days,
        until=iso(grant.until),
        proposed_at=iso(grant.proposed_at),
        approved_at=iso(grant.approved_at) if grant.approved_at else "",
        ended_at=iso(grant.ended_at) if grant.ended_at else "",
        is_own=is_own,
        is_outdated=state != "ended" and rules.is_outdated(grant, register),
        may=tuple(act for act, is_open in may.items() if is_open),
    )


def _purpose(code: str, named: str, register: Register) -> Purpose:
    basis = register.by_id.get(named.partition("@")[0])
    words = vocabulary.PURPOSES.get(code, {"zh-Hant": code, "en": code})
    statute = {lang: basis.statute.said(lang) if basis else "" for lang in ("zh-Hant", "en")}
    return Purpose(code, dict(words), named.partition("@")[0], statute)
