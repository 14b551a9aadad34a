"""A person's own word: what is asked of them, the values it is about, and giving, refusing, pausing, resuming,
extending and withdrawing it. Whose consents they are follows from who asks; another's is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from banyan.errors import Invalid, NotFound, Problem
from banyan.kernel.catalogue.operation import Context, Effect, F, Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.events.feed import Event
from banyan.kernel.policy import consents as rules
from banyan.kernel.policy import records, vocabulary
from banyan.kernel.policy.consents import Consent, Declaration, Purpose, Refusal
from banyan.kernel.storage.store import Tx
from banyan.limits_mydata import MYDATA_FIELDS
from banyan.service.mydata import artefacts
from banyan.service.mydata.apps import endings_of, note_ending
from banyan.service.mydata.asking import Fields, Named
from banyan.service.mydata.refusals import settled
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import own_subject, said, shelf_of
from banyan.service.mydata.uses import LANGUAGES, Nothing

Act = Callable[[Consent, Purpose], Consent | Refusal]
ALIVE = ("requested", "given", "paused")


class OwnConsent(msgspec.Struct, frozen=True):
    """One consent as its giver sees it. `needed` fields go with it, `more` may be left out, `fields` were chosen.
    `unusual` are fields that most of the `similar` services do without. Moments are RFC 3339 UTC, `until` may be
    empty. `days` 0 is for one time."""

    id: str
    state: str
    recipient: str
    recipient_name: Text
    text: Text
    purpose: str
    purpose_title: Text
    data_title: Text
    content: Text
    needed: tuple[str, ...]
    more: tuple[str, ...]
    fields: tuple[str, ...]
    asked_at: str
    until: str
    days: int
    per_day: int
    retention_days: int
    similar: int
    unusual: tuple[str, ...]
    by_other: bool = False
    """Given by a representative, or at a counter beside an officer: the list of uses says by whom."""
    delete_by: str = ""
    """By when the recipient must have deleted what it read, once the consent was ended."""
    deleted_at: str = ""
    """When the recipient said that it had."""


class Giving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`fields`: all that are needed, and those of the others that the person wants to give."""

    consent: str
    fields: Fields


class Preview(msgspec.Struct, frozen=True):
    """The values that would be let out, read as the person's own affairs; `is_shown` False when the register does not
    show people their own data here: then only the fields' names are known."""

    fields: tuple[str, ...]
    values: dict[str, Any]
    is_shown: bool


class Artefact(msgspec.Struct, frozen=True):
    """A compact JWS by the node (`typ` consent+jwt); its keys are at /openid/jwks."""

    consent: str
    signed: str


def _declared(
    name: str, zh: str, en: str, effect: Effect = "write", *, places: tuple[str, ...] = ("counter", "kiosk")
) -> Callable[[F], F]:
    """How each of these is declared: for the person concerned, about themselves. `places` are where people without a
    device may do it."""
    return SERVICE.operation(
        name,
        title={"zh-Hant": zh, "en": en},
        summary={"zh-Hant": f"{zh}。", "en": f"{en}."},
        data=("identity",),
        audience="citizen",
        effect=effect,
        purpose="own-affairs",
        channels=("web", "api", *places),
    )


@_declared("consents", "我的同意", "My consents", "read")
async def consents(ctx: Context, request: Nothing) -> tuple[OwnConsent, ...]:
    """Those that can still let something out first, the newest first."""
    subject, shelf = own_subject(ctx), shelf_of(ctx)

    def job(tx: Tx) -> list[OwnConsent]:
        others = records.all_purposes(tx)
        return [_view(tx, one, others, ctx.now) for one in records.consents_of(tx, subject)]

    read = await shelf.policy.read(job)
    over = await endings_of(ctx, [one.id for one in read if one.state not in ALIVE])
    told = (msgspec.structs.replace(one, **over.get(one.id, {})) for one in read)
    found = sorted(told, key=lambda one: one.asked_at, reverse=True)
    return tuple(sorted(found, key=lambda one: one.state not in ALIVE))


@_declared("pending", "等我回覆的請求", "Requests that wait for me", "read")
async def pending(ctx: Context, request: Nothing) -> tuple[OwnConsent, ...]:
    return tuple(one for one in await consents(ctx, request) if one.state == "requested")


@_declared("preview", "預覽會提供的內容", "See what would be let out", "read")
async def preview(ctx: Context, request: Named) -> Preview:
    """Through the gate, as the person's own affairs: the register decides whether it shows people their own data."""
    subject = own_subject(ctx)

    def job(tx: Tx) -> tuple[Consent, Declaration | None]:
        consent, purpose = _own(tx, request.consent, subject)
        return consent, records.declaration_by_id(tx, purpose.declaration)

    consent, declaration = await shelf_of(ctx).policy.read(job)
    assert declaration is not None, "a purpose names its declaration"
    try:
        answer = await _own_values(ctx, declaration.operation, consent.fields)
    except Problem:  # it is not for the person, or not here: then they are told the fields' names
        return Preview(consent.fields, {}, is_shown=False)
    plain = msgspec.to_builtins(answer)
    whole = plain if isinstance(plain, dict) else {}
    return Preview(consent.fields, {name: whole[name] for name in consent.fields if name in whole}, is_shown=True)


async def _own_values(ctx: Context, operation: str, fields: tuple[str, ...]) -> Any:
    """What the register holds about the person: only the fields in question, where it can be asked for some."""
    try:
        return await ctx.call(operation, {"fields": fields})
    except Invalid:
        return await ctx.call(operation, {})


@_declared("give", "同意", "Give consent", places=("counter",))
async def give(ctx: Context, request: Giving) -> Artefact:
    """Raises Conflict for fields beyond the request, needed ones left out, or a request that was answered or ended."""
    by = ctx.caller.by
    fields = tuple(dict.fromkeys(request.fields))
    consent, purpose = await _change(ctx, request.consent, lambda c, p: rules.give(c, p, fields, by, ctx.now))
    return Artefact(consent.id, await artefacts.made(ctx, shelf_of(ctx), consent, purpose))


@_declared("refuse", "拒絕", "Refuse")
async def refuse(ctx: Context, request: Named) -> OwnConsent:
    return await _changed(ctx, request.consent, lambda c, _: rules.refuse(c, ctx.now))


@_declared("pause", "暫停同意", "Pause a consent")
async def pause(ctx: Context, request: Named) -> OwnConsent:
    return await _changed(ctx, request.consent, lambda c, _: rules.pause(c, ctx.now))


@_declared("resume", "恢復同意", "Resume a consent")
async def resume(ctx: Context, request: Named) -> OwnConsent:
    return await _changed(ctx, request.consent, lambda c, _: rules.resume(c, ctx.now))


@_declared("extend", "展延同意", "Extend a consent", places=("counter",))
async def extend(ctx: Context, request: Named) -> OwnConsent:
    return await _changed(ctx, request.consent, lambda c, p: rules.extend(c, p, ctx.now))


@_declared("withdraw", "撤回同意", "Withdraw a consent")
async def withdraw(ctx: Context, request: Named) -> OwnConsent:
    """One click, no reason: the next use is refused. Tokens under it end, and the recipient is told by when to have
    deleted (an event without personal data: the consent's random id)."""
    shelf = shelf_of(ctx)
    view = await _changed(ctx, request.consent, lambda c, _: rules.withdraw(c, ctx.now))
    for ended in shelf.on_ended:
        await ended(view.id, own_subject(ctx))
    consent = await shelf.policy.read(lambda tx: _own(tx, view.id, own_subject(ctx))[0])
    delete_by = await note_ending(ctx, view.id, view.state, recipient=view.recipient, purpose=consent.purpose)
    told = {"consent": view.id, "recipient": view.recipient, "state": view.state, "delete_by": iso(delete_by)}
    await ctx.emit(Event("consent.ended", view.recipient, msgspec.Raw(msgspec.json.encode(told))))
    return view


@_declared("artefact", "同意的簽章檔", "The signed consent", "read")
async def artefact(ctx: Context, request: Named) -> Artefact:
    """Raises NotFound alike for another's, none, and one that was never given."""
    subject, shelf = own_subject(ctx), shelf_of(ctx)
    consent, purpose = await shelf.policy.read(lambda tx: _own(tx, request.consent, subject))
    if not consent.given_at:
        raise _none()
    return Artefact(consent.id, await artefacts.made(ctx, shelf, consent, purpose))


async def _changed(ctx: Context, id: str, act: Act) -> OwnConsent:
    """The consent after an act, which the log notes by its commitment when it had been given."""
    consent, _ = await _change(ctx, id, act)
    await artefacts.note(ctx, shelf_of(ctx), consent)
    return await shelf_of(ctx).policy.read(lambda tx: _view(tx, consent, [], ctx.now))


async def _change(ctx: Context, id: str, act: Act) -> tuple[Consent, Purpose]:
    subject = own_subject(ctx)

    def job(tx: Tx) -> tuple[Consent, Purpose]:
        consent, purpose = _own(tx, id, subject)
        after = settled(act(consent, purpose))
        records.put_consent(tx, after, purpose)
        return after, purpose

    return await shelf_of(ctx).policy.write(job)


def _own(tx: Tx, id: str, subject: str) -> tuple[Consent, Purpose]:
    """Raises NotFound alike for none and for another person's."""
    consent = records.consent_by_id(tx, id)
    purpose = records.purpose_by_id(tx, consent.purpose) if consent is not None else None
    if consent is None or purpose is None or consent.subject != subject:
        raise _none()
    return consent, purpose


def _none() -> NotFound:
    return NotFound(said("no_consent"), remedy=said("no_consent_remedy"))


def _view(tx: Tx, consent: Consent, others: list[Purpose], now: EpochS) -> OwnConsent:
    purpose = records.purpose_by_id(tx, consent.purpose)
    assert purpose is not None, "a consent names its purpose"
    declaration = records.declaration_by_id(tx, purpose.declaration)
    assert declaration is not None, "a purpose names its declaration"
    compared = rules.compare(purpose, others)
    words = vocabulary.PURPOSES.get(purpose.purpose, dict.fromkeys(LANGUAGES, purpose.purpose))
    return OwnConsent(
        id=consent.id,
        state=rules.state(consent, now),
        recipient=purpose.recipient,
        recipient_name=purpose.recipient_name,
        text=purpose.text,
        purpose=purpose.purpose,
        purpose_title=dict(words),
        data_title=declaration.title,
        content=declaration.content,
        needed=purpose.fields,
        more=purpose.more,
        fields=consent.fields[:MYDATA_FIELDS],
        asked_at=iso(consent.asked_at),
        until=iso(consent.until) if consent.given_at else "",
        days=purpose.days,
        per_day=purpose.per_day,
        retention_days=purpose.retention_days,
        similar=compared.similar,
        unusual=compared.unusual,
        by_other=bool(consent.by),
    )
