"""What an app's request does with a person's consent, and what a recipient is told when one ends.

Asking through the OpenID Provider needs no number: the person signed in, and it is they who are asked. A recipient sees
its endings with the day by which it must have deleted what it read, until it says that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.policy import consents as rules
from banyan.kernel.policy import records
from banyan.kernel.policy.consents import Consent
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_mydata import MYDATA_DELETE_DAYS, MYDATA_ENDINGS
from banyan.service.mydata import telling
from banyan.service.mydata.asking import Name, Named, agency_of, own_purpose
from banyan.service.mydata.refusals import settled
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import own_subject, said, shelf_of

SQL: Final = load_statements("banyan.service.mydata", "mydata.sql")


class AppAsks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which declared purpose, of which agency: the app's, as the provider registered it."""

    purpose: Name
    agency: str


class Answer(msgspec.Struct, frozen=True):
    """What the person said: how the consent stands, and to which fields they agreed."""

    consent: str
    state: str
    fields: tuple[str, ...]


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask: the caller's own agency is meant."""


class Ending(msgspec.Struct, frozen=True):
    """A consent that was ended by its giver: by `delete_by` (RFC 3339 UTC) what was read under it must be deleted."""

    consent: str
    purpose: str
    state: str
    ended_at: str
    delete_by: str
    is_overdue: bool


class Acknowledged(msgspec.Struct, frozen=True):
    consent: str
    deleted_at: str


class Approving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an app of the agency declared: a service, or a purpose."""

    id: Name
    kind: Annotated[str, msgspec.Meta(pattern="^(service|purpose)$")] = "purpose"


class Approved(msgspec.Struct, frozen=True):
    id: str
    kind: str


@SERVICE.operation(
    "asked_by_app",
    title={"zh-Hant": "應用程式請求同意", "en": "An app asks for consent"},
    summary={"zh-Hant": "登入者收到應用程式的請求。", "en": "Who signed in is asked by an app."},
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
    channels=(),
)
async def asked_by_app(ctx: Context, request: AppAsks) -> Answer:
    """Called by the provider as the person who signed in; nobody can ask in another's name. Raises NotFound for a
    purpose that is not the agency's."""
    subject, shelf = own_subject(ctx), shelf_of(ctx)
    id = shelf.random(16).hex()

    def job(tx: Tx) -> Consent:
        purpose = own_purpose(tx, request.purpose, request.agency)
        asked = settled(rules.request(id, subject, purpose, ctx.now, records.all_caps(tx)))
        records.put_consent(tx, asked, purpose)
        return asked

    asked = await shelf.policy.write(job)
    return Answer(asked.id, "requested", asked.fields)


@SERVICE.operation(
    "answer",
    title={"zh-Hant": "我的回覆", "en": "What I answered"},
    summary={"zh-Hant": "一項同意現在的狀態。", "en": "How one of my consents stands."},
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
    channels=(),
)
async def answer(ctx: Context, request: Named) -> Answer:
    """Raises NotFound alike for none and for another's."""
    subject = own_subject(ctx)
    consent = await shelf_of(ctx).policy.read(partial(records.consent_by_id, id=request.consent))
    if consent is None or consent.subject != subject:
        raise NotFound(said("no_consent"), remedy=said("no_consent_remedy"))
    return Answer(consent.id, rules.state(consent, ctx.now), consent.fields)


@SERVICE.operation(
    "approve",
    title={"zh-Hant": "核可應用程式的登記", "en": "Approve what an app declared"},
    summary={"zh-Hant": "應用程式登記的資料或目的，由同機關人員核可後生效。",
             "en": "What an agency's app declared holds once an officer of the agency approves it."},
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="136",
)  # fmt: skip
async def approve(ctx: Context, request: Approving) -> Approved:
    """Raises NotFound alike for none and for another agency's."""
    agency = agency_of(ctx)

    def job(tx: Tx) -> None:
        if request.kind == "service":
            declaration = records.declaration_by_id(tx, request.id)
            if declaration is None or declaration.provider != agency:
                raise NotFound(said("no_offer"), remedy=said("no_offer_remedy"))
            records.put_declaration(tx, msgspec.structs.replace(declaration, is_approved=True))
            return
        purpose = own_purpose(tx, request.id, agency)
        records.put_purpose(tx, msgspec.structs.replace(purpose, is_approved=True))

    await shelf_of(ctx).policy.write(job)
    return Approved(request.id, request.kind)


@SERVICE.operation(
    "endings",
    title={"zh-Hant": "要刪除的同意", "en": "Consents whose data must go"},
    summary={"zh-Hant": "當事人撤回的同意與刪除期限，最早到期的在前。",
             "en": "Consents that people withdrew, each with its deadline, the earliest first."},
    data=OPEN,
    audience="agency",
    purpose="136",
)  # fmt: skip
async def endings(ctx: Context, request: Wait) -> tuple[Ending, ...]:
    """Of the caller's own agency, until each is acknowledged."""
    agency = agency_of(ctx)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["open_endings"], recipient=agency, limit=MYDATA_ENDINGS))
    return tuple(
        Ending(
            consent=str(consent),
            purpose=str(purpose),
            state=str(state),
            ended_at=iso(EpochS(float(str(at)))),
            delete_by=iso(EpochS(float(str(due)))),
            is_overdue=float(str(due)) <= ctx.now,
        )
        for consent, purpose, state, at, due in rows
    )


@SERVICE.operation(
    "acknowledge",
    title={"zh-Hant": "確認已刪除", "en": "Confirm the deletion"},
    summary={"zh-Hant": "機關確認撤回後的資料已經刪除。", "en": "A recipient says that it deleted what it had read."},
    data=OPEN,
    audience="agency",
    effect="write",
    purpose="136",
)
async def acknowledge(ctx: Context, request: Named) -> Acknowledged:
    """The first word stands. Raises NotFound alike for none and for another recipient's."""
    agency = agency_of(ctx)

    def job(tx: Tx) -> EpochS:
        tx.run(SQL["acknowledge"], consent=request.consent, recipient=agency, at=ctx.now)
        row = tx.row(SQL["acknowledged"], consent=request.consent, recipient=agency)
        if row is None:
            raise NotFound(said("no_consent"), remedy=said("no_consent_remedy"))
        return EpochS(float(str(row[0])))

    return Acknowledged(request.consent, iso(await ctx.db.sql.write(job)))


async def is_noted(ctx: Context, consent: str, recipient: str) -> bool:
    """Whether a recipient was told that this consent ended."""
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["acknowledged"], consent=consent, recipient=recipient))
    return row is not None


async def endings_of(ctx: Context, consents: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each of these that ended with a notice: by when its recipient must have deleted, and when it said it had."""

    def job(tx: Tx) -> dict[str, dict[str, str]]:
        rows = ((consent, tx.row(SQL["ending"], consent=consent)) for consent in consents)
        return {consent: _deadline(row) for consent, row in rows if row is not None}

    return await ctx.db.sql.read(job)


def _deadline(row: Row) -> dict[str, str]:
    due, deleted = (iso(EpochS(float(str(value)))) if value is not None else "" for value in row)
    return {"delete_by": due, "deleted_at": deleted}


async def note_ending(ctx: Context, consent: str, state: str, *, recipient: str, purpose: str) -> EpochS:
    """Keep that a recipient must delete, and tell it when it listens; by when."""
    due = EpochS(ctx.now + MYDATA_DELETE_DAYS * rules.DAY_S)
    values = {"consent": consent, "recipient": recipient, "purpose": purpose, "state": state}

    def job(tx: Tx) -> None:
        if tx.run(SQL["note_ending"], **values, at=ctx.now, delete_by=due):
            telling.put(tx, consent, recipient, ctx.now)

    await ctx.db.sql.write(job)
    return due
