"""Orders: a state machine over everything officers can try; two agencies or nothing, and never a second too long."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.kernel.policy.test_judging import BOOK, FLAG, LOAN, NOW, VISIT

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import register
from banyan.kernel.policy.judging import judge
from banyan.kernel.policy.orders import (
    DAY_S,
    Officer,
    Order,
    Refusal,
    Review,
    approve,
    declare,
    end,
    extend,
    opened,
    review,
    suspended,
    terms,
)
from banyan.limits import ORDER_DAYS, ORDER_REVIEW_DAYS

CDC, NHI, COURT = (Officer(f"{name}-1", f"TW/GOV/{name}", 2) for name in ("CDC", "NHI", "COURT"))
ORDER = Order(
    "o-1", {"zh-Hant": "邊境檢疫", "en": "Border quarantine"}, "2020-01-21", "境外移入", (FLAG.id,), EpochS(NOW),
    EpochS(NOW + 500), CDC, EpochS(NOW),
)  # fmt: skip


def replaced(order: Order, **values: object) -> Order:
    return msgspec.structs.replace(order, **values)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (replaced(ORDER, bases=()), "basis-unknown"),
        (replaced(ORDER, bases=("none",)), "basis-unknown"),
        (replaced(ORDER, bases=(LOAN.id,)), "basis-ordinary"),
        (replaced(ORDER, until=EpochS(NOW)), "past"),
        (replaced(ORDER, until=EpochS(NOW + 1_001)), "beyond-sunset"),
        (replaced(ORDER, until=EpochS(NOW + ORDER_DAYS * DAY_S + 1)), "too-long"),
        (replaced(ORDER, declared_by=Officer("x", "TW/GOV/CDC", 1)), "assurance"),
        (replaced(ORDER, reason=" "), "no-reason"),
    ],
)
def test_orders_that_cannot_be_declared(order: Order, code: str) -> None:
    assert declare(order, BOOK, EpochS(NOW)) == Refusal(code)  # type: ignore[arg-type]


def test_two_officers_of_two_agencies() -> None:
    same = Officer("CDC-2", "TW/GOV/CDC", 3)
    assert approve(ORDER, CDC, NOW) == Refusal("same-officer")
    assert approve(ORDER, same, NOW) == Refusal("same-agency")
    assert approve(ORDER, Officer("n", "TW/GOV/NHI", 1), NOW) == Refusal("assurance")
    approved = approve(ORDER, NHI, NOW)
    assert isinstance(approved, Order)
    assert approve(approved, NHI, NOW) == Refusal("not-pending")
    for own in (CDC, NHI, same):
        assert extend(approved, EpochS(NOW + 600), own, BOOK, NOW) == Refusal("own-extension")
    longer = extend(approved, EpochS(NOW + 600), COURT, BOOK, NOW)
    assert isinstance(longer, Order)
    assert longer.last_second == NOW + 600
    assert extend(longer, EpochS(NOW + 600), COURT, BOOK, NOW) == Refusal("not-longer")
    assert extend(longer, EpochS(NOW + 2_000), COURT, BOOK, NOW) == Refusal("beyond-sunset")


def test_an_unreviewed_use_suspends_the_agency_and_no_other() -> None:
    order = approve(ORDER, NHI, NOW)
    assert isinstance(order, Order)
    assert opened(order, NHI, 7, " ", NOW) == Refusal("no-reason")
    used = opened(order, NHI, 7, "病患昏迷", NOW)
    assert isinstance(used, Review)
    due = EpochS(NOW + ORDER_REVIEW_DAYS * DAY_S)
    assert suspended((used,), EpochS(due - 1)) == ()
    assert suspended((used,), due) == (NHI.agency,)
    assert review(used, NHI, is_justified=True) == Refusal("own-review")
    assert review(used, CDC, is_justified=True) == Refusal("own-review")
    done = review(used, Officer("NHI-2", NHI.agency, 2), is_justified=False)
    assert isinstance(done, Review)
    assert suspended((done,), due) == ()
    assert review(done, Officer("NHI-2", NHI.agency, 2), is_justified=True) == Refusal("review-closed")


DOCTOR, COLLEAGUE, OTHER = (Officer(name, "TW/MED/H1", 2) for name in ("H1-1", "H1-2", "H1-3"))
NURSE = Officer("H2-1", "TW/MED/H2", 2)
LONG = msgspec.structs.replace(FLAG, sunset=EpochS(NOW + 45 * DAY_S))
LONG_BOOK = register([LONG, LOAN])
"""A law that stands long enough for reviews to fall due within an order."""


class OrderLife(RuleBasedStateMachine):
    """Anybody tries anything at any time: declare, approve, extend, use, review, end; and time, which suspends who did
    not review, and lapses. The judge lets a use through only as the plain history says, at every second.

    The model: by whom it was approved, until when it was let run, whether it was ended, and which uses wait since when.
    """

    @initialize(days=st.sampled_from([0, 20, 30]), officer=st.sampled_from([NHI, COURT]))
    def begin(self, days: int, officer: Officer) -> None:
        """From nothing, or from an order in force: by chance alone few get so far."""
        self.now, self.until = float(NOW), float(NOW)
        self.order: Order | None = None
        self.approver, self.is_ended, self.uses = "", False, 0
        self.reviews: dict[int, Review] = {}
        self.waiting: dict[int, tuple[str, str, float]] = {}
        if days:
            self.somebody_declares("境外移入", days * int(DAY_S))
            self.somebody_approves(officer)
            assert self.in_force

    @property
    def in_force(self) -> bool:
        return bool(self.approver) and not self.is_ended and self.now < self.until

    @property
    def late(self) -> set[str]:
        """Agencies with a use that nobody reviewed in time."""
        return {agency for agency, _, due in self.waiting.values() if due <= self.now}

    @rule(step=st.sampled_from([1, 3_600, int(ORDER_REVIEW_DAYS * DAY_S / 2), int(ORDER_REVIEW_DAYS * DAY_S)]))
    def time_passes(self, step: int) -> None:
        self.now += step

    @rule(
        reason=st.sampled_from(["境外移入", " "]),
        length=st.sampled_from([-1, 500, *(days * int(DAY_S) for days in (10, 20, 31, 50))]),
    )
    def somebody_tries_to_declare(self, reason: str, length: int) -> None:
        self.somebody_declares(reason, length)

    def somebody_declares(self, reason: str, length: int) -> None:
        if self.order is not None:
            return
        made = replaced(ORDER, reason=reason, start=EpochS(self.now), until=EpochS(self.now + length))
        found = declare(made, LONG_BOOK, EpochS(self.now))
        lawful = bool(reason.strip()) and 0 < length <= ORDER_DAYS * DAY_S and self.now + length <= LONG.sunset
        assert isinstance(found, Order) == lawful
        if isinstance(found, Order):
            self.order, self.until = found, self.now + length

    @rule(officer=st.sampled_from([CDC, NHI, COURT, Officer("CDC-2", CDC.agency, 3), Officer("weak", "TW/GOV/X", 1)]))
    def somebody_tries_to_approve(self, officer: Officer) -> None:
        self.somebody_approves(officer)

    def somebody_approves(self, officer: Officer) -> None:
        if self.order is None:
            return
        found = approve(self.order, officer, EpochS(self.now))
        fit = officer.agency != CDC.agency and officer.assurance >= 2
        lawful = fit and not self.approver and not self.is_ended and self.now < self.until
        assert isinstance(found, Order) == lawful
        if isinstance(found, Order):
            self.order, self.approver = found, officer.agency

    @rule(officer=st.sampled_from([CDC, NHI, COURT]), days=st.sampled_from([1, 22, 26, 30, 31]))
    def somebody_extends(self, officer: Officer, days: int) -> None:
        if self.order is None:
            return
        until = self.now + days * DAY_S
        found = extend(self.order, EpochS(until), officer, LONG_BOOK, EpochS(self.now))
        is_third = officer.agency not in (CDC.agency, self.approver)
        fits = self.until < until <= LONG.sunset and days <= ORDER_DAYS
        assert isinstance(found, Order) == (self.in_force and is_third and fits)
        if isinstance(found, Order):
            self.order, self.until = found, until

    @rule()
    def it_is_ended(self) -> None:
        if self.order is None:
            return
        found = end(self.order, EpochS(self.now))
        assert isinstance(found, Order) == (not self.is_ended and self.now < self.until)
        if isinstance(found, Order):
            self.order, self.is_ended, self.until = found, True, self.now

    @rule(officer=st.sampled_from([DOCTOR, COLLEAGUE, NURSE]), reason=st.sampled_from(["病患昏迷", ""]))
    def somebody_uses_it(self, officer: Officer, reason: str) -> None:
        if self.order is None:
            return
        found = opened(self.order, officer, self.uses, reason, EpochS(self.now))
        assert isinstance(found, Review) == (self.in_force and bool(reason))
        if isinstance(found, Review):
            due = self.now + ORDER_REVIEW_DAYS * DAY_S
            assert (found.agency, found.due) == (officer.agency, due)
            self.reviews[self.uses], self.waiting[self.uses] = found, (officer.agency, officer.id, due)
            self.uses += 1

    @rule(
        pick=st.integers(0, 20),
        officer=st.sampled_from([DOCTOR, COLLEAGUE, OTHER, NURSE, CDC]),
        is_justified=st.booleans(),
    )
    def somebody_reviews(self, pick: int, officer: Officer, *, is_justified: bool) -> None:
        """Also after the order is over: a use is answered for until somebody has looked."""
        if not self.reviews:
            return
        use = pick % len(self.reviews)
        found = review(self.reviews[use], officer, is_justified=is_justified)
        agency, user, _ = self.waiting.get(use, ("", "", 0.0))
        assert isinstance(found, Review) == (use in self.waiting and officer.agency == agency and officer.id != user)
        if isinstance(found, Review):
            assert found.is_justified is is_justified
            self.reviews[use] = found
            del self.waiting[use]

    @invariant()
    def who_left_a_use_unreviewed_is_suspended_and_nobody_else(self) -> None:
        assert set(suspended(tuple(self.reviews.values()), EpochS(self.now))) == self.late

    @invariant()
    def a_use_is_allowed_only_in_force_and_not_suspended(self) -> None:
        reviews = tuple(self.reviews.values())
        known = () if self.order is None else (terms(self.order, reviews, EpochS(self.now)),)
        use = msgspec.structs.replace(VISIT, now=EpochS(self.now), orders=known, recipient="TW/MED/H1")
        allowed = self.in_force and self.now < LONG.sunset and "TW/MED/H1" not in self.late
        assert judge(LONG_BOOK, use).is_allowed == allowed

    @invariant()
    def its_last_second_is_the_last(self) -> None:
        """Whatever anybody did, it has lapsed at that second, and never comes back."""
        if self.order is None:
            return
        assert self.order.last_second == self.until
        assert self.order.state(EpochS(self.until)) == "ended"
        assert self.until <= LONG.sunset


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
