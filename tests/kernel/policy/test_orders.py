"""Orders: a state machine over everything officers can try; two agencies or nothing, and never a second too long."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.kernel.policy.test_judging import BOOK, FLAG, LOAN, NOW, VISIT

from banyan.kernel.events.clock import EpochS
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


class OrderLife(RuleBasedStateMachine):
    """Anybody tries anything at any time; the judge lets a use through only as the plain history says."""

    @initialize()
    def begin(self) -> None:
        self.now, self.until = float(NOW), float(NOW + 500)
        self.order, self.is_approved, self.is_ended = ORDER, False, False

    @rule(step=st.integers(1, 300))
    def time_passes(self, step: int) -> None:
        self.now += step

    @rule(officer=st.sampled_from([CDC, NHI, COURT]))
    def somebody_approves(self, officer: Officer) -> None:
        found = approve(self.order, officer, EpochS(self.now))
        lawful = officer.agency != CDC.agency and not self.is_approved and not self.is_ended and self.now < self.until
        assert isinstance(found, Order) == lawful
        if isinstance(found, Order):
            self.order, self.is_approved, self.approver = found, True, officer

    @rule(officer=st.sampled_from([CDC, NHI, COURT]), more=st.integers(1, 800))
    def somebody_extends(self, officer: Officer, more: int) -> None:
        until = self.now + more
        found = extend(self.order, EpochS(until), officer, BOOK, EpochS(self.now))
        alive = self.is_approved and not self.is_ended and self.now < self.until
        lawful = (
            alive and officer.agency not in (CDC.agency, self.approver.agency) and self.until < until <= FLAG.sunset
        )
        assert isinstance(found, Order) == lawful
        if isinstance(found, Order):
            self.order, self.until = found, until

    @rule()
    def it_is_ended(self) -> None:
        found = end(self.order, EpochS(self.now))
        if isinstance(found, Order):
            self.order, self.is_ended = found, True

    @invariant()
    def a_use_is_allowed_only_in_force(self) -> None:
        use = msgspec.structs.replace(
            VISIT, now=EpochS(self.now), orders=(terms(self.order, (), EpochS(self.now)),), recipient="TW/MED/H1"
        )
        in_force = self.is_approved and not self.is_ended and self.now < min(self.until, FLAG.sunset)
        assert judge(BOOK, use).is_allowed == in_force


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
