"""The acts on grants, and the list of them. Each act is in the public ledger before it counts: who may ask whom, for
what, on which basis, is no secret. Officers stand there by their agency only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.policy import vocabulary
from banyan.kernel.policy.bases import Register
from banyan.kernel.policy.orders import Officer
from banyan.limits_road import EXCHANGE_ACT_BYTES, EXCHANGE_GRANTS
from banyan.service.exchange import acts, rules
from banyan.service.exchange.acts import Act
from banyan.service.exchange.keeping import SQL, acts_between, adopt, all_grants, allow, keep, read_grant
from banyan.service.exchange.rules import Allowed, Grant, Offered, Priority, Refusal
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.shelf import Shelf, lent, shelf_of
from banyan.service.exchange.wording import both, officer, refused, unknown

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
    now: approve, end. `gateway`: the agency's other one where it was proposed. `is_outdated`: a basis has changed
    since. Moments are RFC 3339 UTC."""

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
    gateway: str
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
    here = shelf.road.here().server
    found = [one for one in await all_grants(ctx.db.sql) if who.agency in (one.provider, rules.member_of(one.client))]
    order = {"proposed": 0, "in-force": 1, "ended": 2}
    found.sort(key=lambda one: order[one.state(ctx.now)])
    return tuple(_view(one, who, here, ctx.now, register) for one in found)


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
    here = shelf.road.here().server
    made = Grant(
        id="",
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
        gateway=here,
    )
    made = msgspec.structs.replace(made, id=acts.id_of(made))
    async with shelf.turn:
        if len(await all_grants(ctx.db.sql)) >= EXCHANGE_GRANTS:
            raise _too_many()
        register = await shelf.bases()
        proposed = rules.propose(made, _offered(shelf, made), register, ctx.now)
        if isinstance(proposed, Refusal):
            raise refused(proposed.code, proposed.about)
        await _put(ctx, shelf, proposed)
    return _view(proposed, who, here, ctx.now, register)


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
    here = shelf_of(ctx.db).road.here().server

    def decide(grant: Grant, before: Sequence[Act]) -> Grant | Refusal:
        return rules.elsewhere(grant, here) or _approved(grant, before, who, ctx.now)

    return await _act(ctx, request.id, decide)


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
    return await _act(ctx, request.id, lambda grant, _: rules.end(grant, who, ctx.now))


@SERVICE.start
async def tell_the_road(ctx: Context) -> None:
    """The road learns at each start what is granted."""
    shelf = lent(ctx.db)
    if shelf is not None:
        await adopt(ctx.db.sql, shelf, ctx.now)
        await allow(ctx.db.sql, shelf, ctx.now)


async def _act(ctx: Context, id: str, decide: Callable[[Grant, Sequence[Act]], Grant | Refusal]) -> GrantView:
    """One act on a grant that is there. Raises NotFound, or Conflict with the rule's words."""
    who, shelf = officer(ctx), shelf_of(ctx.db)
    async with shelf.turn:
        row = await ctx.db.sql.read(lambda tx: tx.row(SQL["grant"], id=id))
        if row is None:
            raise unknown("grant")
        before = read_grant(row[0])
        if who.agency not in (before.provider, rules.member_of(before.client)):
            raise unknown("grant")
        after = decide(before, await acts_between(ctx.db.sql, before.client, before.service))
        if isinstance(after, Refusal):
            raise refused(after.code, after.about)
        if after != before:
            await _put(ctx, shelf, after)
        return _view(after, who, shelf.road.here().server, ctx.now, await shelf.bases())


def _approved(grant: Grant, before: Sequence[Act], who: Officer, now: EpochS) -> Grant | Refusal:
    """With what had been withdrawn between the same two by then, and after it by any gateway's clock."""
    after = rules.approve(grant, who, now)
    if isinstance(after, Refusal) or after == grant:
        return after
    known = acts.folded(before).values()
    return msgspec.structs.replace(after, approved_at=acts.approved_at(now, known), seen=acts.withdrawn(before, now))


async def _put(ctx: Context, shelf: Shelf, grant: Grant) -> None:
    """Sign what an officer did here, and keep it."""
    act = Act(grant, shelf.road.here().server)
    content = acts.encoded(act)
    sealed = shelf.road.seal(grant.provider, content)
    if sealed is None:
        raise unknown("road")
    if len(content) > EXCHANGE_ACT_BYTES:
        raise _too_many()
    await keep(ctx.db.sql, shelf, [(act, sealed)], ctx.now)


def _too_many() -> Limit:
    return Limit(both("exchange_limit.grants", most=EXCHANGE_GRANTS), remedy=both("exchange_limit.grants_remedy"))


def _offered(shelf: Shelf, grant: Grant) -> Offered | None:
    service = next((one for one in shelf.road.services() if one.id == grant.service), None)
    if service is None:
        return None
    known = {f"{one.id}/{subsystem}" for one in shelf.road.members() for subsystem in one.subsystems}
    return Offered(service.operation, service.needs_purpose, grant.client in known)


def _view(grant: Grant, who: Officer, here: str, now: EpochS, register: Register) -> GrantView:
    state, is_own = grant.state(now), who.agency == grant.provider
    is_here = rules.elsewhere(grant, here) is None
    may = {
        "approve": is_own and is_here and state == "proposed" and who.id != grant.proposed_by.id,
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
        gateway="" if is_here else grant.gateway,
        is_own=is_own,
        is_outdated=state != "ended" and rules.is_outdated(grant, register),
        may=tuple(act for act, is_open in may.items() if is_open),
    )


def _purpose(code: str, named: str, register: Register) -> Purpose:
    basis = register.by_id.get(named.partition("@")[0])
    words = vocabulary.PURPOSES.get(code, {"zh-Hant": code, "en": code})
    statute = {lang: basis.statute.said(lang) if basis else "" for lang in ("zh-Hant", "en")}
    return Purpose(code, dict(words), named.partition("@")[0], statute)
