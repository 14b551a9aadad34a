"""Consents: a service declares what it wants, the citizen sees it, agrees, pauses, extends, withdraws; time ends it.

Decisions only, as in `orders.py`. States and words follow Estonia's consent service and the Data Privacy Vocabulary
(ConsentRequested, Given, Refused, Withdrawn, Expired, Invalidated); caps per purpose follow Sahamati's fair-use terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.judging import ConsentTerms

DAY_S: Final = 86_400.0
OTHERS: Final = "*"
"""A cap for every purpose without one of its own."""
State = Literal["requested", "given", "refused", "paused", "withdrawn", "expired", "invalidated", "used"]
Code = Literal[
    "purpose-closed",
    "fields-unknown",
    "too-long",
    "too-often",
    "not-requested",
    "not-given",
    "not-paused",
    "not-longer",
    "not-yours",
    "fields-more",
    "request-expired",
    "purpose-unapproved",
]
Represents = Literal["", "child", "guardian", "company"]
REQUEST_S: Final = 900.0
"""A request waits this long for the citizen; the link works once."""


class Refusal(msgspec.Struct, frozen=True):
    """Why an act on a consent does not stand; `over` are the fields it may not have."""

    code: Code
    over: tuple[str, ...] = ()


class Declaration(msgspec.Struct, frozen=True):
    """What a data provider offers: an operation's fields, and for how long a consent may run."""

    id: str
    provider: str
    operation: str
    title: Text
    content: Text
    fields: tuple[str, ...]
    most_days: int
    is_approved: bool = True
    """False while an app declared it and no officer of its agency has looked."""


class Purpose(msgspec.Struct, frozen=True, gc=False):
    """What a recipient wants them for. `fields` are needed, `more` may be left out. Closed purposes end their consents.

    `per_day` is how often it may read, `retention_days` how long it keeps; both within the cap of its code."""

    id: str
    recipient: str
    recipient_name: Text
    declaration: str
    purpose: str
    text: Text
    fields: tuple[str, ...]
    more: tuple[str, ...] = ()
    days: int = 0
    """0: for one time."""
    per_day: int = 1
    retention_days: int = 30
    is_open: bool = True
    is_approved: bool = True
    """False while an app declared it and no officer of its agency has looked: nobody can be asked."""


class PurposeTerms(msgspec.Struct, frozen=True, gc=False):
    """What is weighed of a purpose at every use; the rest of it is read when somebody asks for it."""

    id: str
    recipient: str
    purpose: str
    per_day: int = 1
    is_open: bool = True
    is_approved: bool = True


class Cap(msgspec.Struct, frozen=True):
    """Fair use: what any service may ask for under a purpose's code; `*` is for the others."""

    purpose: str
    most_days: int
    most_per_day: int
    most_retention_days: int


class Consent(msgspec.Struct, frozen=True, gc=False):
    """One person's word. `subject` is a pseudonym; `by` who gave it, when that is a representative."""

    id: str
    subject: str
    purpose: str
    fields: tuple[str, ...]
    state: State
    asked_at: EpochS
    given_at: EpochS = EpochS(0)
    until: EpochS = EpochS(0)
    is_once: bool = False
    by: str = ""
    represents: Represents = ""
    changed_at: EpochS = EpochS(0)


class Comparison(msgspec.Struct, frozen=True):
    """What the citizen is told beside a request: fields that most similar services do without."""

    similar: int
    unusual: tuple[str, ...]


def declared(purpose: Purpose, declaration: Declaration, caps: Sequence[Cap]) -> Purpose | Refusal:
    """A purpose enters the register only within what the provider offers and fair use allows."""
    over = tuple(sorted({*purpose.fields, *purpose.more} - set(declaration.fields)))
    if over or not purpose.fields:
        return Refusal("fields-unknown", over)
    if purpose.days > declaration.most_days:
        return Refusal("too-long")
    code = beyond(purpose, caps)
    return Refusal(code) if code is not None else purpose


def cap_of(purpose: Purpose, caps: Sequence[Cap]) -> Cap | None:
    """The cap that binds a purpose: its own code's, else that of the others."""
    own = next((one for one in caps if one.purpose == purpose.purpose), None)
    return own or next((one for one in caps if one.purpose == OTHERS), None)


def beyond(purpose: Purpose, caps: Sequence[Cap]) -> Code | None:
    """How a purpose asks for more than fair use allows; None when it does not."""
    cap = cap_of(purpose, caps)
    if cap is None:
        return None
    if purpose.days > cap.most_days or purpose.retention_days > cap.most_retention_days:
        return "too-long"
    return "too-often" if purpose.per_day > cap.most_per_day else None


def request(id: str, subject: str, purpose: Purpose, now: EpochS, caps: Sequence[Cap] = ()) -> Consent | Refusal:
    """A service asks; nothing is released. A purpose that a later cap makes unfair asks nobody any more."""
    if not purpose.is_open:
        return Refusal("purpose-closed")
    if (code := beyond(purpose, caps)) is not None:
        return Refusal(code)
    if not purpose.is_approved:
        return Refusal("purpose-unapproved")
    wanted = (*purpose.fields, *purpose.more)
    return Consent(id, subject, purpose.id, wanted, "requested", now, is_once=not purpose.days)


def give(consent: Consent, purpose: Purpose, fields: Sequence[str], by: str, now: EpochS) -> Consent | Refusal:
    """The person agrees to `fields`: all that are needed, and those of the others that they want to give."""
    if consent.state != "requested":
        return Refusal("not-requested")
    if not purpose.is_open:
        return Refusal("purpose-closed")
    if now >= consent.asked_at + REQUEST_S:
        return Refusal("request-expired")
    if over := tuple(sorted(set(fields) - set(consent.fields))):
        return Refusal("fields-more", over)
    if missing := tuple(sorted(set(purpose.fields) - set(fields))):
        return Refusal("fields-unknown", missing)
    until = EpochS(now + (purpose.days * DAY_S if purpose.days else REQUEST_S))
    return msgspec.structs.replace(
        consent, state="given", fields=tuple(fields), given_at=now, until=until, by=by, changed_at=now
    )


def refuse(consent: Consent, now: EpochS) -> Consent | Refusal:
    if consent.state != "requested":
        return Refusal("not-requested")
    return msgspec.structs.replace(consent, state="refused", changed_at=now)


def pause(consent: Consent, now: EpochS) -> Consent | Refusal:
    """No use until it is resumed; the term runs on."""
    if state(consent, now) != "given":
        return Refusal("not-given")
    return msgspec.structs.replace(consent, state="paused", changed_at=now)


def resume(consent: Consent, now: EpochS) -> Consent | Refusal:
    if state(consent, now) != "paused":
        return Refusal("not-paused")
    return msgspec.structs.replace(consent, state="given", changed_at=now)


def extend(consent: Consent, purpose: Purpose, now: EpochS) -> Consent | Refusal:
    """The person lets a standing consent run for the purpose's term from now."""
    if state(consent, now) != "given" or consent.is_once:
        return Refusal("not-given")
    if not purpose.is_open:
        return Refusal("purpose-closed")
    until = EpochS(now + purpose.days * DAY_S)
    if until <= consent.until:
        return Refusal("not-longer")
    return msgspec.structs.replace(consent, until=until, changed_at=now)


def withdraw(consent: Consent, now: EpochS) -> Consent | Refusal:
    """One click, no reason, from any state that could still release something; for ever."""
    if state(consent, now) not in ("requested", "given", "paused"):
        return Refusal("not-given")
    return msgspec.structs.replace(consent, state="withdrawn", changed_at=now)


def used(consent: Consent, now: EpochS) -> Consent | Refusal:
    """A release happened. A consent for one time is used up by it."""
    if state(consent, now) != "given":
        return Refusal("not-given")
    return msgspec.structs.replace(consent, state="used", changed_at=now) if consent.is_once else consent


def invalidate(consent: Consent, now: EpochS) -> Consent:
    """The purpose was closed: what stood under it ends."""
    alive = state(consent, now) in ("requested", "given", "paused")
    return msgspec.structs.replace(consent, state="invalidated", changed_at=now) if alive else consent


def state(consent: Consent, now: EpochS) -> State:
    """The state at a moment: time ends what nobody ended."""
    if consent.state in ("given", "paused") and now >= consent.until:
        return "expired"
    if consent.state == "requested" and now >= consent.asked_at + REQUEST_S:
        return "expired"
    return consent.state


def terms(consent: Consent, purpose: Purpose | PurposeTerms, now: EpochS, uses_today: int = 0) -> ConsentTerms:
    """The consent as the judge weighs it; `uses_today` for its purpose."""
    is_active = state(consent, now) == "given" and purpose.is_open and purpose.is_approved
    is_spent = uses_today >= purpose.per_day
    named = (consent.id, purpose.recipient, purpose.purpose, consent.fields)
    return ConsentTerms(*named, consent.until, is_active, is_spent)


def compare(purpose: Purpose, others: Sequence[Purpose]) -> Comparison:
    """Fields that fewer than half of the other services under the same code and offer ask for."""
    similar = [one for one in others if one.purpose == purpose.purpose and one.declaration == purpose.declaration
               and one.recipient != purpose.recipient]  # fmt: skip
    asked = [{*one.fields, *one.more} for one in similar]
    unusual = tuple(
        field for field in (*purpose.fields, *purpose.more) if 2 * sum(field in fields for fields in asked) < len(asked)
    )
    return Comparison(len(similar), unusual)
