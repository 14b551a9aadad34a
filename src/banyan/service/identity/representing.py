"""Representations, granted and ended by a registrar; and the page where a person chooses for whom they act.

The registrar's requests name people by number and answer with the representation's id and term only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

import msgspec

from banyan.errors import Denied, Invalid, NotFound
from banyan.kernel.catalogue import Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity import acting, people
from banyan.kernel.identity.identifiers import masked
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.model import Account, Session
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.representing import Ground, Relation, Representation, Unfit, ended, granted
from banyan.kernel.storage.store import Tx
from banyan.service.identity.desk import Desk, desk_of
from banyan.service.identity.journey import Shown, at, titled
from banyan.service.identity.protocol import Message
from banyan.service.identity.service import SERVICE

ROLE = "registrar"
ACTING = "acting"
FIXES: Mapping[str, str] = {
    "ground": "child: household or both-parents; guardian: court; company: company-register",
    "self": "another person's",
    "other_parent": "the other parent's number with both-parents, else none",
    "born": "a child's birthday, not in the future",
    "adult": "18 already: nobody acts for them as a parent",
    "no_born": "only for a child",
    "until": "after the start and now; a child to 18, a guardian 5 years, a company 3 at most",
}
Number = Annotated[str, msgspec.Meta(min_length=8, max_length=20, title="證號 Number")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""RFC 3339 with its offset."""


class Granting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may act (their number) for whom (a person's number, or a company's 統一編號), on which ground, shown by which
    document. Of `born` only the 18th birthday is kept."""

    representative: Number
    represented: Number
    relation: Relation
    ground: Ground
    document: Annotated[str, msgspec.Meta(min_length=1, max_length=100, title="文號 Document")]
    start: Moment
    until: Moment
    born: date | None = None
    other_parent: Annotated[str, msgspec.Meta(max_length=20)] = ""


class Between(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A representative and whom they act for, by number."""

    representative: Number
    represented: Number


class Mandate(msgspec.Struct, frozen=True):
    """A representation as it stands. Moments are RFC 3339 UTC."""

    id: str
    relation: str
    ground: str
    start: str
    until: str


class Ended(msgspec.Struct, frozen=True):
    """How many were in force or to come, and are over now."""

    ended: int


class Choice(msgspec.Struct, frozen=True):
    """One for whom a person may act: `whose` is their number, masked. `is_mine` False: who may act for them."""

    id: str
    relation: str
    whose: str
    until: float
    is_now: bool
    is_mine: bool = True


@SERVICE.operation(
    "grant_representation",
    title={"zh-Hant": "登記代理", "en": "Grant a representation"},
    summary={
        "zh-Hant": "依戶籍、雙方父母、法院或公司登記，讓某人代理另一人，有起訖。",
        "en": "Let one person act for another by household, both parents, court or company register, from-until.",
    },
    data=("open",),
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def grant_representation(ctx: Context, request: Granting) -> Mandate:
    """Raises Denied without the role, NotFound for a representative without an account, Invalid naming the field."""
    _registrar(ctx)
    provider = desk_of(ctx).provider
    representative = await _account_of(provider, request.representative, "representative")
    other = await _account_of(provider, request.other_parent, "other_parent") if request.other_parent else None
    represented = await _represented(provider, request)
    asked = Representation(
        id=provider.secret(),
        relation=request.relation,
        ground=request.ground,
        document=request.document,
        representative=representative.id,
        represented=represented.id,
        by=ctx.caller.id,
        agency=ctx.caller.agency,
        at=ctx.now,
        start=EpochS(request.start.timestamp()),
        until=EpochS(request.until.timestamp()),
        other_parent=other.id if other is not None else "",
    )
    verdict = granted(asked, request.born)
    if isinstance(verdict, Unfit):
        raise Invalid.at(verdict.field, FIXES[verdict.why])
    await provider.store.write(lambda tx: acting.put_representation(tx, verdict))
    return _mandate(verdict)


@SERVICE.operation(
    "end_representation",
    title={"zh-Hant": "終止代理", "en": "End a representation"},
    summary={"zh-Hant": "終止兩人之間的代理，立即生效。", "en": "End what lets one act for the other, at once."},
    data=("open",),
    audience="officer",
    effect="write",
    purpose="administration",
    channels=("web", "api"),
)
async def end_representation(ctx: Context, request: Between) -> Ended:
    """0 when nothing was in force; says nothing of whether they have accounts."""
    _registrar(ctx)
    provider = desk_of(ctx).provider
    lookups = [people.lookup_of(provider, request.representative), _lookup(provider, request.represented)]

    def job(tx: Tx) -> int:
        one, other = (records.account_by_lookup(tx, lookup) for lookup in lookups)
        found = acting.representations_between(tx, one.id, other.id, ctx.now) if one and other else []
        for mandate in found:
            acting.put_representation(tx, ended(mandate, ctx.caller.id, ctx.now))
        return len(found)

    return Ended(await provider.store.write(job))


@SERVICE.operation(
    "acting",
    **titled("為誰辦理", "For whom I act"),
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def choosing(ctx: Context, request: Message) -> Shown:
    """Whom this person may act for, who may act for them; choosing, and giving up."""
    desk, sent, _ = at(ctx, request)
    known = await signing_in.signed_in(desk.provider, sent)
    if known is None or known[0].is_enrolment or known[0].visit or known[1].kind == "officer":
        return Shown(location="/openid/login" if known is None else "/openid/account")
    if sent.method != "POST":
        return await _choices(desk, request, known)
    if not signing_in.is_own_form(desk.provider, sent, ACTING):
        return await _choices(desk, request, known, failure="form")
    id, now, who = sent.get("for"), desk.provider.clock(), known[1]

    def job(tx: Tx) -> bool:
        mandate = acting.representation_by_id(tx, id) if id else None
        if id and (mandate is None or mandate.representative != who.id or not mandate.is_in_force(now)):
            return False
        if sent.get("do") == "give-up" and mandate is not None:
            acting.put_representation(tx, ended(mandate, who.id, now))
        chosen = id if sent.get("do") == "act" else ""
        acting.change_session(tx, sent.browser, now, lambda one: msgspec.structs.replace(one, acts_for=chosen))
        return True

    if not await desk.provider.store.write(job):
        return await _choices(desk, request, known, failure="wrong", alarm="acting_unmandated")
    return Shown(location="/openid/acting?done=1")


async def _choices(
    desk: Desk, request: Message, known: tuple[Session, Account], *, failure: str = "", alarm: str = ""
) -> Shown:
    provider, (session, who) = desk.provider, known
    now = provider.clock()
    by = await provider.store.read(lambda tx: acting.representations_by(tx, who.id, now))
    for_ = await provider.store.read(lambda tx: acting.representations_for(tx, who.id, now))
    choices = [await _choice(provider, one, one.represented, session, is_mine=True) for one in by]
    choices += [await _choice(provider, one, one.representative, session, is_mine=False) for one in for_]
    return Shown(
        state="acting",
        form_token=signing_in.form_token(provider, request.sent, ACTING),
        name=who.name,
        choices=tuple(choices),
        acts_for=session.acts_for,
        failure=failure,
        alarm=alarm,
    )


async def _choice(provider: Provider, one: Representation, other: str, session: Session, *, is_mine: bool) -> Choice:
    whose = masked(await people.number_of(provider, other)) if is_mine else ""
    return Choice(one.id, one.relation, whose, one.until, session.acts_for == one.id, is_mine)


def _registrar(ctx: Context) -> None:
    """The second lock: the policy lets officers in, their role opens this."""
    if ctx.caller.kind != "officer" or ROLE not in ctx.caller.roles:
        raise Denied("this needs the role registrar", remedy="ask the administrator to change your roles")


async def _account_of(provider: Provider, number: str, field: str) -> Account:
    try:
        lookup = people.lookup_of(provider, number)
    except Invalid as error:
        raise Invalid.at(field, "a national ID or resident number whose check digit fits") from error
    found = await provider.store.read(lambda tx: records.account_by_lookup(tx, lookup))
    if found is None or found.is_closed:
        raise NotFound("no account of this person", remedy=f"{field}: open one at the counter first")
    return found


async def _represented(provider: Provider, request: Granting) -> Account:
    """The account of the child, ward or company; made without any way to sign in when there is none."""
    is_company = request.relation == "company"
    try:
        lookup = people.lookup_of(provider, request.represented, is_company=is_company)
    except Invalid as error:
        raise Invalid.at("represented", error.fields[0].fix) from error
    found = await provider.store.read(lambda tx: records.account_by_lookup(tx, lookup))
    if found is not None:
        return found
    name = f"{'c' if is_company else 'p'}.{provider.random(10).hex()}"
    fresh = Account(id="", name=name, kind="company" if is_company else "citizen")
    return await people.add(provider, fresh, number=request.represented)


def _lookup(provider: Provider, number: str) -> bytes:
    """A person's or a company's."""
    try:
        return people.lookup_of(provider, number)
    except Invalid:
        return people.lookup_of(provider, number, is_company=True)


def _mandate(one: Representation) -> Mandate:
    return Mandate(one.id, one.relation, one.ground, iso(one.start), iso(one.until))
