"""The other side of a consent: a provider declares what it offers, a recipient what for, and asks a person for it.

Officers and registered apps act here for their own agency, never another (the caller says which); what an app declares
holds once an officer of its agency approves it (`apps.py`). Caps of fair use are checked when a
purpose is declared, so that over-asking never reaches a citizen. Sources: Estonia's Nõusolekuteenus (declarations,
single-use address), Sahamati's fair-use terms.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind
from banyan.kernel.policy import consents as rules
from banyan.kernel.policy import records, vocabulary
from banyan.kernel.policy.consents import Consent, Declaration, Purpose
from banyan.kernel.storage.store import Tx
from banyan.limits_mydata import MYDATA_FIELDS, MYDATA_PENDING, MYDATA_TEXT
from banyan.service.mydata.refusals import refuse, settled
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import said, shelf_of

Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,60}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=MYDATA_TEXT)]
Fields = Annotated[tuple[str, ...], msgspec.Meta(max_length=MYDATA_FIELDS)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3_660)]


class Offered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller's agency offers: fields of an operation, for at most `most_days`."""

    id: Name
    operation: Words
    title_zh: Words
    title_en: Words
    content_zh: Words
    content_en: Words
    fields: Fields
    most_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller's agency wants them for. `days` 0: for one time. `more` may be left out by the person."""

    id: Name
    declaration: Name
    name_zh: Words
    name_en: Words
    purpose: Annotated[str, msgspec.Meta(pattern="^[0-9]{3}$")]
    text_zh: Words
    text_en: Words
    fields: Fields
    more: Fields = ()
    days: Days = 0
    per_day: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 30


class Declared(msgspec.Struct, frozen=True):
    id: str


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person` is their number; it is not kept, and the answer is the same whether or not they are known here."""

    purpose: Name
    person: str


class Asked(msgspec.Struct, frozen=True):
    """Send the person to `path` on this node: it works once, for them alone, until `until` (RFC 3339 UTC)."""

    consent: str
    path: str
    until: str


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    consent: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class Standing(msgspec.Struct, frozen=True):
    """How a consent stands, as its recipient may know it; `until` is empty before it is given."""

    consent: str
    state: str
    fields: tuple[str, ...]
    until: str


@SERVICE.operation(
    "declare_service",
    title={"zh-Hant": "登記可同意提供的資料", "en": "Declare data that a person may let out"},
    summary={"zh-Hant": "資料保有機關登記欄位與最長期間。", "en": "A provider's fields and their longest term."},
    data=OPEN,
    audience="agency",
    effect="write",
    purpose="136",
)
async def declare_service(ctx: Context, request: Offered) -> Declared:
    """Raises Conflict when another agency has the id."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)
    declaration = Declaration(
        id=request.id,
        provider=agency,
        operation=request.operation,
        title=_both(request.title_zh, request.title_en),
        content=_both(request.content_zh, request.content_en),
        fields=request.fields,
        most_days=request.most_days,
        is_approved=ctx.caller.kind != "app",
    )

    def job(tx: Tx) -> None:
        known = records.declaration_by_id(tx, request.id)
        is_another = known is not None and (
            known.provider != agency or (known.is_approved and ctx.caller.kind == "app")
        )
        if is_another:
            raise refuse("taken")
        records.put_declaration(tx, declaration)

    await shelf.policy.write(job)
    return Declared(request.id)


@SERVICE.operation(
    "declare_purpose",
    title={"zh-Hant": "登記使用目的", "en": "Declare a purpose"},
    summary={"zh-Hant": "使用者登記要什麼、為什麼、多久。", "en": "What a recipient wants, why and for how long."},
    data=OPEN,
    audience="agency",
    effect="write",
    purpose="136",
)
async def declare_purpose(ctx: Context, request: Wanted) -> Declared:
    """Raises Conflict beyond the offer or fair use; a purpose once declared is never widened: take another id."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)
    if request.purpose not in vocabulary.PURPOSES:
        raise Invalid.at("purpose", "a purpose code of the PDPA's list, such as 088")
    purpose = Purpose(
        id=request.id,
        recipient=agency,
        recipient_name=_both(request.name_zh, request.name_en),
        declaration=request.declaration,
        purpose=request.purpose,
        text=_both(request.text_zh, request.text_en),
        fields=request.fields,
        more=request.more,
        days=request.days,
        per_day=request.per_day,
        retention_days=request.retention_days,
        is_approved=ctx.caller.kind != "app",
    )

    def job(tx: Tx) -> None:
        if records.purpose_by_id(tx, request.id) is not None:
            raise refuse("taken")
        declaration = records.declaration_by_id(tx, request.declaration)
        if declaration is None:
            raise NotFound(said("no_offer"), remedy=said("no_offer_remedy"))
        if not declaration.is_approved:
            raise refuse("offer-unapproved")
        records.put_purpose(tx, settled(rules.declared(purpose, declaration, records.all_caps(tx))))

    await shelf.policy.write(job)
    return Declared(request.id)


@SERVICE.operation(
    "request_consent",
    title={"zh-Hant": "向當事人請求同意", "en": "Ask a person for consent"},
    summary={"zh-Hant": "取得只能用一次的請求網址。", "en": "Get the single-use address of a request."},
    data=OPEN,
    audience="agency",
    effect="write",
    purpose="136",
)
async def request_consent(ctx: Context, request: Request) -> Asked:
    """Raises Conflict when the purpose is closed or the person has too many unanswered requests of this recipient."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)
    if person_number_kind(normalized_person_number(request.person)) is None:
        raise Invalid.at("person", "a national ID or resident number with its right check digit")
    subject, id = shelf.name_of(request.person).hex(), shelf.random(16).hex()

    def job(tx: Tx) -> Consent:
        purpose = own_purpose(tx, request.purpose, agency)
        waiting = [one for one in records.consents_of(tx, subject) if rules.state(one, ctx.now) == "requested"]
        known = {name: records.purpose_by_id(tx, name) for name in {one.purpose for one in waiting}}
        ours = [one for one in waiting if (found := known[one.purpose]) is not None and found.recipient == agency]
        if len(ours) >= MYDATA_PENDING:
            raise refuse("too-many")
        asked = settled(rules.request(id, subject, purpose, ctx.now, records.all_caps(tx)))
        records.put_consent(tx, asked, purpose)
        return asked

    asked = await shelf.policy.write(job)
    return Asked(id, f"/mydata/consents/{id}", iso(type(ctx.now)(asked.asked_at + rules.REQUEST_S)))


@SERVICE.operation(
    "standing",
    title={"zh-Hant": "同意的現況", "en": "How a consent stands"},
    summary={"zh-Hant": "請求的機關查自己的請求。", "en": "A recipient looks at its own request."},
    data=OPEN,
    audience="agency",
    purpose="136",
)
async def standing(ctx: Context, request: Named) -> Standing:
    """Raises NotFound alike for none and for another recipient's."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)

    def job(tx: Tx) -> Consent | None:
        consent = records.consent_by_id(tx, request.consent)
        purpose = records.purpose_by_id(tx, consent.purpose) if consent else None
        return consent if purpose is not None and purpose.recipient == agency else None

    consent = await shelf.policy.read(job)
    if consent is None:
        raise NotFound(said("no_consent"), remedy=said("no_consent_remedy"))
    until = iso(consent.until) if consent.given_at else ""
    return Standing(consent.id, rules.state(consent, ctx.now), consent.fields, until)


def agency_of(ctx: Context) -> str:
    """The agency this officer or app acts for; the administrator acts for none."""
    if not ctx.caller.agency:
        raise refuse("no-agency")
    return ctx.caller.agency


def own_purpose(tx: Tx, id: str, agency: str) -> Purpose:
    purpose = records.purpose_by_id(tx, id)
    if purpose is None or purpose.recipient != agency:
        raise NotFound(said("no_purpose"), remedy=said("no_purpose_remedy"))
    return purpose


def _both(zh: str, en: str) -> dict[str, str]:
    return {"zh-Hant": zh, "en": en}
