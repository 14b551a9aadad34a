"""The records of policy on both engines: what is written is what the judge weighs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import pytest
from tests.kernel.policy.test_consents import CAPS, LOAN, OFFER, given
from tests.kernel.policy.test_judging import ASK, BOOK, FLAG, NOW, VISIT
from tests.kernel.policy.test_judging import LOAN as LOAN_BASIS
from tests.kernel.policy.test_orders import CDC, NHI, ORDER

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import orders, records
from banyan.kernel.policy.judging import ConsentTerms, judge
from banyan.kernel.policy.orders import Review
from banyan.kernel.policy.records import OrderUses, ReviewStanding
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Tx

T = TypeVar("T")


@pytest.fixture
def write(open_store: Callable[[], SchemaStore]) -> Callable[[Callable[[Tx], T]], T]:
    store = open_store()
    migrate(store, "banyan.kernel.policy", load_steps("banyan.kernel.policy"), at=0.0)
    return lambda job: asyncio.run(store.write(job))


Write = Callable[[Callable[[Tx], T]], T]


def test_the_register_and_the_text_that_was_in_force(write: Write) -> None:
    for basis in (FLAG, LOAN_BASIS):
        write(lambda tx, b=basis: records.put_basis(tx, b, NOW))
    assert write(records.read_register) == BOOK
    newer = msgspec.structs.replace(FLAG, retention_days=14)
    write(lambda tx: records.put_basis(tx, newer, NOW))
    assert write(records.read_register).by_id[FLAG.id] == newer
    assert write(lambda tx: records.basis_of_version(tx, FLAG.version)) == FLAG


def test_an_order_and_its_overdue_review(write: Write) -> None:
    approved = orders.approve(ORDER, NHI, NOW)
    assert isinstance(approved, orders.Order)
    write(lambda tx: records.put_order(tx, approved))
    assert write(lambda tx: records.order_by_id(tx, ORDER.id)) == approved
    told = write(lambda tx: records.order_terms(tx, NOW))
    hospital = orders.Officer("h", "TW/MED/H1", 2)
    assert judge(BOOK, msgspec.structs.replace(VISIT, orders=told)).is_allowed
    used = orders.opened(approved, hospital, 7, "急診", NOW)
    assert isinstance(used, orders.Review)
    overdue = msgspec.structs.replace(used, due=NOW)
    write(lambda tx: records.put_review(tx, overdue))
    told = write(lambda tx: records.order_terms(tx, NOW))
    assert judge(BOOK, msgspec.structs.replace(VISIT, orders=told)).rules == ("suspended",)
    done = orders.review(overdue, orders.Officer("h2", "TW/MED/H1", 2), is_justified=True)
    assert isinstance(done, orders.Review)
    write(lambda tx: records.put_review(tx, done))
    assert write(records.open_reviews) == []
    told = write(lambda tx: records.order_terms(tx, NOW))
    assert judge(BOOK, msgspec.structs.replace(VISIT, orders=told)).is_allowed
    assert CDC.agency not in {one.agency for one in (used, done)}


def test_consents_as_the_judge_weighs_them(write: Write) -> None:
    now = EpochS(NOW + 2)
    write(lambda tx: records.put_declaration(tx, OFFER))
    write(lambda tx: records.put_purpose(tx, LOAN))
    for cap in CAPS:
        write(lambda tx, c=cap: records.put_cap(tx, c))
    write(lambda tx: records.put_consent(tx, given(), LOAN))
    assert write(lambda tx: records.consents_of(tx, "s")) == [given()]
    assert write(records.all_caps) == sorted(CAPS, key=lambda cap: cap.purpose)
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", now))
    assert judge(BOOK, msgspec.structs.replace(ASK, now=now, consents=told)).is_allowed
    for subject, recipient, code in (
        ("t", "TW/COM/BANK", "088"),
        ("s", "TW/COM/X", "088"),
        ("s", "TW/COM/BANK", "090"),
    ):
        assert write(lambda tx, s=subject, r=recipient, c=code: records.consent_terms(tx, s, r, c, now)) == ()
    closed = msgspec.structs.replace(LOAN, is_open=False)
    write(lambda tx: records.put_purpose(tx, closed))
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", now))
    assert not told[0].is_active, "closed at once, before its consents are looked at"
    (ended,) = write(lambda tx: records.end_consents(tx, closed, now, after="", most=5))
    assert ended.state == "invalidated"
    assert write(lambda tx: records.end_consents(tx, closed, now, after=ended.id, most=5)) == []
    assert write(lambda tx: records.end_consents(tx, closed, EpochS(now + 9), after="", most=5)) == [ended]
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", now))
    assert judge(BOOK, msgspec.structs.replace(ASK, now=now, consents=told)).rules == ("consent",)


def test_what_was_written_since_it_was_weighed_is_another_turn(write: Write) -> None:
    """Whatever is written of a consent or of any purpose: the turn it was weighed in is over."""
    agreed, shelf = given(), records.PurposeShelf()
    write(lambda tx: (records.put_purpose(tx, LOAN), records.put_consent(tx, agreed, LOAN)))

    def weighed() -> tuple[ConsentTerms, records.Footing]:
        named = (agreed.subject, LOAN.recipient, LOAN.purpose)
        (found,) = write(lambda tx: records.consents_weighed(tx, shelf, *named, now=agreed.given_at))
        return found

    def is_on(footing: records.Footing, others: Sequence[str] = ()) -> bool:
        return write(lambda tx: records.turns(tx, [agreed.subject, *others]))[agreed.subject] == footing.turns

    terms, footing = weighed()
    assert terms.is_active
    assert (footing.purpose, footing.per_day, footing.is_once) == (LOAN.id, LOAN.per_day, False)
    many = [f"{n:02x}" for n in range(records.FEW_PARTS)]
    assert is_on(footing)
    assert is_on(footing, many)
    other = msgspec.structs.replace(agreed, id="c-9", subject="zz")
    write(lambda tx: records.put_consent(tx, other, LOAN))
    assert is_on(footing), "another part's consents"
    write(lambda tx: records.put_consent(tx, agreed, LOAN))
    assert not is_on(footing)
    assert not is_on(footing, many)
    _, footing = weighed()
    assert is_on(footing, many)
    closed = msgspec.structs.replace(LOAN, is_open=False)
    write(lambda tx: records.put_purpose(tx, closed))
    assert not is_on(footing)
    terms, _ = weighed()
    assert not terms.is_active, "the shelf goes with the records"
    write(lambda tx: records.put_purpose(tx, msgspec.structs.replace(LOAN, id="other", per_day=7)))
    write(lambda tx: records.put_purpose(tx, LOAN))
    terms, footing = weighed()
    assert terms.is_active
    assert is_on(footing)


def test_uses_are_counted_together_up_to_what_a_purpose_may(write: Write) -> None:
    footing = records.Footing(LOAN.id, 2, is_once=False, turns=(0, 0))
    three = [("s", footing, NOW), ("t", footing, NOW), ("s", footing, NOW)]
    assert write(lambda tx: records.count_purpose_uses(tx, three))
    assert not write(lambda tx: records.count_purpose_uses(tx, [("t", footing, NOW), ("s", footing, NOW)]))
    tomorrow = EpochS(NOW + 86_400)
    assert write(lambda tx: records.count_purpose_uses(tx, [("s", footing, tomorrow)]))


def test_opt_outs_and_counts_of_a_day(write: Write) -> None:
    write(lambda tx: records.opt_out(tx, "s", "nhi.study", NOW))
    write(lambda tx: records.opt_out(tx, "s", "nhi.study", NOW))
    assert write(lambda tx: records.has_opted_out(tx, "s", "nhi.study"))
    assert not write(lambda tx: records.has_opted_out(tx, "s", "nhi.other"))
    assert not write(lambda tx: records.has_opted_out(tx, "t", "nhi.study"))
    write(lambda tx: records.opt_out(tx, "t", "*", NOW))
    assert write(lambda tx: records.has_opted_out(tx, "t", "nhi.other"))
    write(lambda tx: records.opt_in(tx, "t", "*"))
    assert not write(lambda tx: records.has_opted_out(tx, "t", "nhi.other"))
    for _ in range(3):
        write(lambda tx: records.count_use(tx, "s", "TW/MED/H1", "travel.flag", most=9, now=NOW))
    tomorrow = EpochS(NOW + 86_400)
    assert write(lambda tx: records.uses_today(tx, "s", "TW/MED/H1", "travel.flag", NOW)) == 3
    assert write(lambda tx: records.uses_today(tx, "s", "TW/MED/H1", "travel.flag", tomorrow)) == 0


def test_uses_under_orders_are_counted_with_their_reviews(write: Write) -> None:
    for use, agency in ((1, "TW/MED/H1"), (2, "TW/MED/H1"), (3, "TW/MED/H2")):
        one = Review(use, ORDER.id, agency, "o", "why", EpochS(NOW + use))
        write(lambda tx, one=one: records.used_under_order(tx, one, NOW))
    tomorrow = EpochS(NOW + 86_400)
    write(lambda tx: records.used_under_order(tx, Review(4, ORDER.id, "TW/MED/H1", "o", "why", NOW), tomorrow))
    day = records.day_of(NOW)
    assert write(lambda tx: records.order_uses(tx, 10)) == [
        OrderUses(ORDER.id, "TW/MED/H1", day + 1, 1),
        OrderUses(ORDER.id, "TW/MED/H1", day, 2),
        OrderUses(ORDER.id, "TW/MED/H2", day, 1),
    ]
    mine = write(lambda tx: records.open_reviews_of(tx, "TW/MED/H1"))
    assert [one.use for one in mine] == [4, 1, 2]


def test_the_last_use_of_a_day_is_counted_once(write: Write) -> None:
    counted = [
        write(lambda tx: records.count_use(tx, "s", "TW/MED/H1", "travel.flag", most=2, now=NOW)) for _ in range(3)
    ]
    assert counted == [True, True, False]
    assert write(lambda tx: records.uses_today(tx, "s", "TW/MED/H1", "travel.flag", NOW)) == 2


def test_fair_use_of_a_purpose_is_weighed_and_counted(write: Write) -> None:
    agreed = given()
    now = agreed.given_at
    write(lambda tx: (records.put_purpose(tx, LOAN), records.put_consent(tx, agreed, LOAN)))
    counted = [write(lambda tx: records.count_purpose_use(tx, "s", LOAN, now)) for _ in range(LOAN.per_day + 1)]
    assert counted == [True] * LOAN.per_day + [False]
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", now))
    assert judge(BOOK, msgspec.structs.replace(ASK, now=now, consents=told)).rules == ("fair-use",)
    tomorrow = EpochS(now + 86_400)
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", tomorrow))
    assert judge(BOOK, msgspec.structs.replace(ASK, now=tomorrow, consents=told)).is_allowed
    write(lambda tx: records.forget_counts(tx, tomorrow))
    told = write(lambda tx: records.consent_terms(tx, "s", "TW/COM/BANK", "088", now))
    assert not told[0].is_spent


def test_how_each_agency_stands_with_its_reviews(write: Write) -> None:
    for use, agency, due in ((1, "TW/MED/H1", NOW), (2, "TW/MED/H1", NOW + 1), (3, "TW/MED/H2", NOW + 5)):
        waiting = Review(use, ORDER.id, agency, "o", "why", EpochS(due))
        write(lambda tx, one=waiting: records.put_review(tx, one))
    done = Review(4, ORDER.id, "TW/MED/H3", "o", "why", NOW, "p", is_justified=True)
    write(lambda tx: records.put_review(tx, done))
    assert write(lambda tx: records.review_standing(tx, NOW)) == [
        ReviewStanding("TW/MED/H1", 2, 1, NOW),
        ReviewStanding("TW/MED/H2", 1, 0, EpochS(NOW + 5)),
    ]
