"""What a use takes from the policy's records, in the commit that writes it down: a consent for one time is used up, the
day's counts go on, a review is opened. What ended or was used up since the use was weighed undoes it: two calls at once
cannot both have the last one.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import consents, orders, records
from banyan.kernel.policy.explaining import MESSAGES
from banyan.kernel.policy.orders import Officer
from banyan.kernel.policy.records import Footing
from banyan.kernel.storage.store import Tx

LEVELS = {"aal1": 1, "aal2": 2, "aal3": 3}
"""Assurance as the policy counts it; a sign-in of no known level counts as none (NIST SP 800-63B)."""


class Settling(msgspec.Struct, frozen=True, gc=False):
    """A use that was let through: of `subject` (a pseudonym) by `caller`, for `purpose`; what it rests on and what
    bounds it. `per_day` 0: the basis sets no bound. `is_secondary`: the subject may stop it."""

    subject: str
    operation: str
    purpose: str
    fields: tuple[str, ...]
    caller: Caller
    now: EpochS
    consent: str = ""
    footing: Footing | None = None
    """What a standing consent rested on when it was weighed; in the turns it was read in it rests there still, and is
    not read again."""
    order: str = ""
    reason: str = ""
    per_day: int = 0
    is_secondary: bool = False
    is_reviewed_daily: bool = False
    """Of the uses of a day under an order, one review is opened."""

    @property
    def is_needed(self) -> bool:
        return bool(self.consent or self.order or self.per_day or self.is_secondary)


def settle_all(tx: Tx, uses: Sequence[tuple[int, Settling]]) -> None:
    """Take what the uses, each at its index of the ledger, take. Raises Conflict when it is not there for one of them,
    and then nothing stands."""
    standing = {use.subject: use.footing.turns for _, use in uses if use.footing is not None}
    turns = records.turns(tx, standing) if standing else {}
    counted: list[tuple[str, Footing, EpochS]] = []
    for index, use in uses:
        if use.is_secondary and records.has_opted_out(tx, use.subject, use.operation, use.purpose):
            raise _conflict("opted_out", "opt-out")
        if use.order:
            _use_order(tx, index, use)
        if use.footing is not None and use.footing.turns == turns[use.subject]:
            counted.append((use.subject, use.footing, use.now))
        elif use.consent:
            _use_consent(tx, use)
        named = (use.subject, use.caller.agency, use.operation)
        if use.per_day and not records.count_use(tx, *named, most=use.per_day, now=use.now):
            raise _conflict("often", "frequency")
    if counted and not records.count_purpose_uses(tx, counted):
        raise _conflict("often", "fair-use")


def officer_of(caller: Caller) -> Officer:
    """The caller as the rules of orders know officers."""
    return Officer(caller.id, caller.agency, LEVELS.get(caller.assurance, 0))


def _use_order(tx: Tx, index: int, use: Settling) -> None:
    order = records.order_by_id(tx, use.order)
    assert order is not None, "an order that lets a use through is on record"
    opened = orders.opened(order, officer_of(use.caller), index, use.reason, use.now)
    if isinstance(opened, orders.Refusal):
        raise _conflict("order_over", opened.code)
    records.used_under_order(tx, opened, use.now, is_daily=use.is_reviewed_daily)


def _use_consent(tx: Tx, use: Settling) -> None:
    """The provider's own look, at the source and at the last moment: whose, to whom, what for, which fields, when."""
    found = records.consent_and_purpose(tx, use.consent)
    if found is None or not _stands(*found, use):
        raise _conflict("consent_over", "consent-over")
    consent, purpose = found
    after = consents.used(consent, use.now)
    if isinstance(after, consents.Refusal):
        raise _conflict("consent_over", "consent-over")
    if not records.count_purpose_use(tx, use.subject, purpose, use.now):
        raise _conflict("often", "fair-use")
    if after != consent:
        records.put_consent(tx, after, purpose)


def _stands(consent: consents.Consent, purpose: consents.Purpose, use: Settling) -> bool:
    found = consents.terms(consent, purpose, use.now)
    return (
        found.is_active
        and use.now < found.until
        and consent.subject == use.subject
        and found.recipient == use.caller.agency
        and found.purpose == use.purpose
        and set(use.fields) <= set(found.fields)
    )


def _conflict(key: str, kind: str) -> Conflict:
    said, remedy = MESSAGES.text(key, "zh-Hant"), MESSAGES.text(f"{key}_remedy", "zh-Hant")
    return Conflict(said, remedy=remedy, kind=kind)
