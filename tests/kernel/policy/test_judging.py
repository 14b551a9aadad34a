"""Judging a use of personal data: each rule refuses alone; nothing is allowed that a plain reading forbids."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute, register
from banyan.kernel.policy.judging import RULES, ConsentTerms, OrderTerms, Question, Use, ask_cedar, judge, policy_ids

NOW = EpochS(1_590_000_000.0)
CDC = Statute("L0050001", "39", {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"})
PDPA = Statute("I0050021", "16", {"zh-Hant": "個人資料保護法", "en": "Personal Data Protection Act"})
FLAG = LegalBasis(
    id="CDC-39-flag",
    title={"zh-Hant": "旅遊史註記", "en": "Travel flag"},
    kind="legal-obligation",
    statute=CDC,
    pdpa="16-1",
    operations=("travel.flag",),
    purposes=("012",),
    categories=("C034",),
    recipients=("TW/MED/H1",),
    fields=("flag", "rule"),
    valid_from=EpochS(NOW - 100),
    retention_days=28,
    sunset=EpochS(NOW + 1_000),
    per_subject_per_day=3,
    needs="order",
    reveal_after_days=2,
)
LOAN = LegalBasis(
    id="loan",
    title={"zh-Hant": "貸款", "en": "Loan"},
    kind="consent",
    statute=PDPA,
    pdpa="16-7",
    operations=("tax.*",),
    purposes=("088",),
    categories=("C081",),
    recipients=("*",),
    fields=("income", "year"),
    valid_from=EpochS(0),
    retention_days=90,
    needs="consent",
)
ORDER = OrderTerms("order-1", ("CDC-39-flag",), EpochS(NOW - 10), EpochS(NOW + 10), is_in_force=True)
CONSENT = ConsentTerms("c-1", "TW/COM/BANK", "088", ("income",), EpochS(NOW + 50), is_active=True)
BOOK = register([FLAG, LOAN])
VISIT = Use("travel.flag", "012", "TW/MED/H1", ("flag",), NOW, assurance=2, orders=(ORDER,))
ASK = Use("tax.income", "088", "TW/COM/BANK", ("income",), NOW, assurance=2, consents=(CONSENT,))


def changed(use: Use, **values: Any) -> Use:
    return msgspec.structs.replace(use, **values)


def test_an_order_and_a_consent_let_their_use_through() -> None:
    allowed = judge(BOOK, VISIT)
    assert (allowed.basis, allowed.reference, allowed.reveal_after) == (FLAG, "order-1", NOW + 2 * 86_400)
    agreed = judge(BOOK, ASK)
    assert (agreed.basis, agreed.reference, agreed.reveal_after) == (LOAN, "c-1", 0)


@pytest.mark.parametrize(
    ("use", "rules"),
    [
        (changed(VISIT, purpose="157"), ("basis",)),
        (changed(VISIT, recipient="TW/MED/H2"), ("basis",)),
        (changed(VISIT, operation="travel.path"), ("basis",)),
        (changed(VISIT, fields=("flag", "itinerary")), ("fields",)),
        (changed(VISIT, orders=()), ("order",)),
        (changed(VISIT, orders=(msgspec.structs.replace(ORDER, is_in_force=False),)), ("order",)),
        (changed(VISIT, orders=(msgspec.structs.replace(ORDER, until=NOW),)), ("order",)),
        (changed(VISIT, orders=(msgspec.structs.replace(ORDER, start=EpochS(NOW + 1)),)), ("order",)),
        (changed(VISIT, orders=(msgspec.structs.replace(ORDER, bases=("other",)),)), ("order",)),
        (changed(VISIT, orders=(msgspec.structs.replace(ORDER, suspended=("TW/MED/H1",)),)), ("suspended",)),
        (changed(VISIT, now=EpochS(NOW + 9), uses_today=3), ("frequency",)),
        (changed(VISIT, assurance=1), ("assurance",)),
        (changed(ASK, consents=()), ("consent",)),
        (changed(ASK, fields=("income", "year")), ("consent",)),
        (changed(ASK, recipient="TW/COM/OTHER"), ("consent",)),
        (changed(ASK, now=EpochS(NOW + 50)), ("consent",)),
        (changed(ASK, consents=(msgspec.structs.replace(CONSENT, is_active=False),)), ("consent",)),
        (changed(ASK, consents=(msgspec.structs.replace(CONSENT, purpose="090"),)), ("consent",)),
        (changed(ASK, consents=(msgspec.structs.replace(CONSENT, is_spent=True),)), ("fair-use",)),
    ],
)  # fmt: skip
def test_each_rule_refuses_alone(use: Use, rules: tuple[str, ...]) -> None:
    verdict = judge(BOOK, use)
    assert not verdict.is_allowed
    assert verdict.rules == rules


def test_the_sunset_strikes_at_its_second() -> None:
    order = msgspec.structs.replace(ORDER, until=EpochS(NOW + 5_000))
    last, over = EpochS(NOW + 999), EpochS(NOW + 1_000)
    assert judge(BOOK, changed(VISIT, now=last, orders=(order,))).is_allowed
    assert judge(BOOK, changed(VISIT, now=over, orders=(order,))).rules == ("sunset",)


def test_over_asking_names_the_fields_beyond_the_basis() -> None:
    verdict = judge(BOOK, changed(VISIT, fields=("flag", "itinerary", "seat")))
    assert verdict.over == ("itinerary", "seat")
    assert verdict.nearest == FLAG


def test_ones_own_right_is_for_oneself_alone() -> None:
    own = msgspec.structs.replace(LOAN, id="own", needs="self", kind="legal-obligation", recipients=("*",))
    book = register([own])
    use = changed(ASK, recipient="", consents=())
    assert judge(book, changed(use, is_self=True)).is_allowed
    assert judge(book, use).rules == ("self",)
    for agency in ("TW/COM/BANK", "TW/GOV/CDC"):
        assert judge(book, changed(use, recipient=agency, assurance=3)).rules == ("basis",)
    assert judge(book, changed(use, is_self=True, fields=("income", "secret"))).rules == ("fields",)
    assert judge(book, changed(use, is_self=True, assurance=1)).rules == ("assurance",)


def test_secondary_use_stops_for_who_opted_out() -> None:
    study = msgspec.structs.replace(
        LOAN, id="study", is_secondary=True, needs="", kind="public-interest", purposes=("157",)
    )
    book = register([study])
    use = changed(ASK, purpose="157", consents=())
    assert judge(book, use).is_allowed
    assert judge(book, changed(use, has_opted_out=True)).rules == ("opt-out",)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sunset": EpochS(0)}, "sunset"),
        ({"categories": ("C111",)}, "relief"),
        ({"purposes": ("999",)}, "purposes"),
        ({"categories": ("C999",)}, "categories"),
        ({"pdpa": "16-9"}, "pdpa"),
        ({"fields": ()}, "fields"),
        ({"needs": "", "kind": "consent"}, "needs"),
        ({"retention_days": 0}, "retention_days"),
    ],
)
def test_a_basis_that_the_law_does_not_know_is_not_registered(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        register([msgspec.structs.replace(FLAG, **change)])
    assert refused.value.fields[0].field == field


def plain(use: Use) -> bool:
    """The law in plain Python, for FLAG alone."""
    orders = [one for one in use.orders if FLAG.id in one.bases]
    order = orders[0] if orders else None
    return (
        use.recipient in FLAG.recipients
        and set(use.fields) <= set(FLAG.fields)
        and order is not None
        and order.is_in_force
        and order.start <= use.now < order.until
        and use.recipient not in order.suspended
        and FLAG.valid_from <= use.now < FLAG.sunset
        and use.assurance >= FLAG.assurance
        and use.uses_today < FLAG.per_subject_per_day
    )


@settings(max_examples=300, deadline=None)
@given(
    fields=st.lists(st.sampled_from(["flag", "rule", "itinerary"]), min_size=1, max_size=3, unique=True),
    now=st.integers(-200, 1_200),
    assurance=st.integers(0, 3),
    uses=st.integers(0, 4),
    start=st.integers(-50, 50),
    length=st.integers(0, 2_000),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_no_story_is_allowed_that_a_plain_reading_forbids(**told: Any) -> None:
    in_force, is_suspended, is_there = told["flags"]
    order = OrderTerms(
        "o", (FLAG.id,), EpochS(NOW + told["start"]), EpochS(NOW + told["start"] + told["length"]), in_force,
        ("TW/MED/H1",) if is_suspended else (),
    )  # fmt: skip
    use = Use(
        "travel.flag", "012", "TW/MED/H1", tuple(told["fields"]), EpochS(NOW + told["now"]), told["assurance"],
        orders=(order,) if is_there else (), uses_today=told["uses"],
    )  # fmt: skip
    assert judge(BOOK, use).is_allowed == plain(use)


def test_every_policy_is_a_rule_with_a_name() -> None:
    assert sorted(policy_ids()) == sorted({"lawful", *RULES} - {"basis"})


def test_an_order_that_waits_does_not_hide_one_in_force() -> None:
    waiting = OrderTerms("order-2", ("CDC-39-flag",), EpochS(NOW + 500), EpochS(NOW + 900), is_in_force=False)
    assert judge(BOOK, changed(VISIT, orders=(waiting, ORDER))).reference == "order-1"


def test_the_rules_know_a_moment_only_by_what_a_remembered_answer_is_kept_by() -> None:
    """A rule that compares the time with anything else would need it in `Question.key`."""
    text = files("banyan.kernel.policy").joinpath("policies.cedar").read_text(encoding="utf-8")
    text = re.sub(r"//.*", "", text)
    compared = re.findall(r"(\S+) (<=?|>=?|==|!=) context\.now|context\.now (<=?|>=?|==|!=) (\S+)", text)
    assert {(before or after).strip("};&") for before, _, _, after in compared} == {
        "resource.valid_from", "resource.sunset", "context.order.start", "context.order.until", "context.consent.until",
    }  # fmt: skip
    assert len(compared) == text.count("context.now")
    known = {"now", "fields", "assurance", "uses_today", "has_opted_out", "is_self", "consent", "order"}
    assert set(re.findall(r"context\.(\w+)", text)) <= known
    assert set(re.findall(r"principal\b.|action\b.", text)) == {"principal,", "action,"}, "who asks is in no rule"
    assert set(re.findall(r"resource\b([^,)].{3})", text)) == {"." + name[:3] for name in ENTITY}, "nor a basis by name"


ENTITY = ("fields", "needs", "valid_from", "sunset", "is_special", "relief", "assurance", "per_day", "is_secondary")


@settings(max_examples=300, deadline=None)
@given(
    moment=st.floats(-20, 60),
    uses=st.integers(0, 9),
    assurance=st.integers(0, 3),
    fields=st.sampled_from([("income",), ("income", "year"), ("year",), ("name",)]),
    agreed=st.sampled_from([("income",), ("income", "year"), ()]),
    until=st.integers(-20, 60),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_a_remembered_answer_is_cedars_own(**told: Any) -> None:
    """Whatever was asked before: the same rules as when Cedar is asked afresh."""
    is_active, is_other, is_counted, is_spent = told["flags"]
    recipient = "TW/COM/OTHER" if is_other else "TW/COM/BANK"
    basis = msgspec.structs.replace(LOAN, per_subject_per_day=3 if is_counted else 0)
    until = EpochS(NOW + told["until"])
    consent = ConsentTerms("c", "TW/COM/BANK", "088", told["agreed"], until, is_active, is_spent)
    use = changed(
        ASK, now=EpochS(NOW + told["moment"]), recipient=recipient, fields=told["fields"], uses_today=told["uses"],
        assurance=told["assurance"], consents=(consent,),
    )  # fmt: skip
    verdict = judge(register([basis]), use)
    assert (None if verdict.is_allowed else set(verdict.rules)) == ask_cedar(Question(basis, use, consent))


def test_a_hundred_thousand_bases_are_four_looks() -> None:
    many = [
        msgspec.structs.replace(LOAN, id=f"loan-{number}", recipients=(f"TW/COM/{number}",)) for number in range(500)
    ]
    book = register([*many, LOAN])
    assert [one.id for one in book.candidates("tax.income", "088", "TW/COM/7")] == ["loan-7", "loan"]
    assert [one.id for one in book.candidates("tax.income", "088", "TW/COM/500")] == ["loan"]
    assert book.candidates("tax.income", "090", "TW/COM/7") == []
