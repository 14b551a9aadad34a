"""Orders: powers beyond ordinary law, declared by two officers of different agencies, ended by the clock (law 1).

Decisions only: an order in, an order or a refusal out. A refusal is a value with a code, not an exception.
Model: COVID-19 special act articles 7 and 19: a commander may act, the power lapses, and another authority extends it.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Register
from banyan.kernel.policy.judging import OrderTerms
from banyan.limits import ORDER_DAYS, ORDER_REVIEW_DAYS

DAY_S: Final = 86_400.0
TAIWAN_S: Final = 8 * 3_600.0
"""Taiwan's day begins so long before UTC's."""
Code = Literal[
    "basis-unknown",
    "basis-ordinary",
    "too-long",
    "past",
    "beyond-sunset",
    "same-officer",
    "same-agency",
    "not-pending",
    "not-in-force",
    "not-longer",
    "own-extension",
    "assurance",
    "no-reason",
    "review-closed",
    "own-review",
]
State = Literal["declared", "in-force", "ended"]


class Refusal(msgspec.Struct, frozen=True):
    """Why an act on an order does not stand."""

    code: Code


class Officer(msgspec.Struct, frozen=True):
    """Who acts: a pseudonym fit for a log, the agency's member id, the assurance of the login (0-3)."""

    id: str
    agency: str
    assurance: int


class Extension(msgspec.Struct, frozen=True):
    """Until when another authority let the order run, and who."""

    until: EpochS
    by: Officer
    at: EpochS


class Order(msgspec.Struct, frozen=True):
    """One order. It is in force from `start` (not before its second officer) until `until`, unless it was ended."""

    id: str
    title: Text
    incident: str
    reason: str
    bases: tuple[str, ...]
    start: EpochS
    until: EpochS
    declared_by: Officer
    declared_at: EpochS
    approved_by: Officer | None = None
    approved_at: EpochS = EpochS(0.0)
    extensions: tuple[Extension, ...] = ()
    ended_at: EpochS = EpochS(0.0)

    @property
    def last_second(self) -> EpochS:
        """When it lapses as things stand."""
        until = max((self.until, *(one.until for one in self.extensions)))
        return min(until, self.ended_at) if self.ended_at else until

    def state(self, now: EpochS) -> State:
        if self.approved_by is None:
            return "ended" if self.ended_at or now >= self.until else "declared"
        return "ended" if now >= self.last_second else "in-force" if now >= self.start else "declared"


class Review(msgspec.Struct, frozen=True):
    """What each use under an order opens: somebody else of the agency says afterwards whether it was right."""

    use: int
    """The use's entry in the ledger."""
    order: str
    agency: str
    used_by: str
    reason: str
    due: EpochS
    reviewed_by: str = ""
    is_justified: bool | None = None


def declare(order: Order, register: Register, now: EpochS) -> Order | Refusal:
    """The first officer declares; nothing is in force yet."""
    bases = [register.by_id.get(name) for name in order.bases]
    if not bases or None in bases:
        return Refusal("basis-unknown")
    powers = [basis for basis in bases if basis is not None]
    if any(basis.needs != "order" for basis in powers):
        return Refusal("basis-ordinary")
    if order.until <= max(now, order.start):
        return Refusal("past")
    if fault := _term_fault(powers, order.start, order.until):
        return Refusal(fault)
    if order.declared_by.assurance < 2:
        return Refusal("assurance")
    return order if order.reason.strip() else Refusal("no-reason")


def approve(order: Order, officer: Officer, now: EpochS) -> Order | Refusal:
    """The second officer, of another agency, puts it into force."""
    if order.state(now) != "declared" or order.approved_by is not None:
        return Refusal("not-pending")
    if officer.id == order.declared_by.id:
        return Refusal("same-officer")
    if officer.agency == order.declared_by.agency:
        return Refusal("same-agency")
    if officer.assurance < 2:
        return Refusal("assurance")
    return msgspec.structs.replace(order, approved_by=officer, approved_at=now)


def extend(order: Order, until: EpochS, officer: Officer, register: Register, now: EpochS) -> Order | Refusal:
    """Another authority than the two that made it lets it run on, within the law's own sunset."""
    if order.state(now) != "in-force":
        return Refusal("not-in-force")
    assert order.approved_by is not None, "an order in force was approved"
    if officer.agency in (order.declared_by.agency, order.approved_by.agency):
        return Refusal("own-extension")
    if officer.assurance < 2:
        return Refusal("assurance")
    if until <= order.last_second:
        return Refusal("not-longer")
    powers = [register.by_id[name] for name in order.bases if name in register.by_id]
    if fault := _term_fault(powers, now, until):
        return Refusal(fault)
    return msgspec.structs.replace(order, extensions=(*order.extensions, Extension(until, officer, now)))


def end(order: Order, now: EpochS) -> Order | Refusal:
    """Either agency may end it early; nobody may bring it back."""
    if order.state(now) == "ended":
        return Refusal("not-in-force")
    return msgspec.structs.replace(order, ended_at=now)


def opened(order: Order, officer: Officer, use: int, reason: str, now: EpochS) -> Review | Refusal:
    """The review that a use under the order opens; without a reason there is no use."""
    if order.state(now) != "in-force":
        return Refusal("not-in-force")
    if officer.assurance < 2:
        return Refusal("assurance")
    if not reason.strip():
        return Refusal("no-reason")
    due = EpochS(now + ORDER_REVIEW_DAYS * DAY_S)
    return Review(use, order.id, officer.agency, officer.id, reason, due)


def of_the_day(one: Review, now: EpochS) -> Review:
    """The review as that of its whole day in Taiwan: due as long after the day's end."""
    end = ((now + TAIWAN_S) // DAY_S + 1) * DAY_S - TAIWAN_S
    return msgspec.structs.replace(one, due=EpochS(end + ORDER_REVIEW_DAYS * DAY_S))


def review(open_one: Review, officer: Officer, *, is_justified: bool) -> Review | Refusal:
    """Somebody else of the same agency says whether the use was right."""
    if open_one.is_justified is not None:
        return Refusal("review-closed")
    if officer.id == open_one.used_by or officer.agency != open_one.agency:
        return Refusal("own-review")
    return msgspec.structs.replace(open_one, reviewed_by=officer.id, is_justified=is_justified)


def suspended(reviews: tuple[Review, ...], now: EpochS) -> tuple[str, ...]:
    """Agencies with a review that is overdue: their emergency use waits until it is done."""
    return tuple(sorted({one.agency for one in reviews if one.is_justified is None and one.due <= now}))


def terms(order: Order, reviews: tuple[Review, ...], now: EpochS) -> OrderTerms:
    """The order as the judge weighs it."""
    mine = tuple(one for one in reviews if one.order == order.id)
    start = max(order.start, order.approved_at)
    in_force = order.state(now) == "in-force"
    return OrderTerms(order.id, order.bases, start, order.last_second, in_force, suspended(mine, now))


def _term_fault(powers: list[LegalBasis], start: EpochS, until: EpochS) -> Code | None:
    if until - start > ORDER_DAYS * DAY_S:
        return "too-long"
    return "beyond-sunset" if any(basis.sunset and until > basis.sunset for basis in powers) else None
