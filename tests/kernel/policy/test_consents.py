"""Consents: a state machine over what the citizen, the service and time can do; nothing is released without a word."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.kernel.policy.test_judging import ASK, BOOK, NOW

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import consents
from banyan.kernel.policy.consents import Cap, Consent, Declaration, Purpose, Refusal
from banyan.kernel.policy.judging import judge

OFFER = Declaration(
    "tax-income", "TW/GOV/TAX", "tax.income", {"zh-Hant": "所得", "en": "Income"},
    {"zh-Hant": "年度所得", "en": "Income of a year"}, ("income", "year", "employer"), 365,
)  # fmt: skip
LOAN = Purpose(
    "loan-1", "TW/COM/BANK", {"zh-Hant": "示範銀行", "en": "Example Bank"}, "tax-income", "088",
    {"zh-Hant": "房貸審核", "en": "Mortgage check"}, ("income",), ("year",), days=30,
)  # fmt: skip
CAPS = (Cap("088", 90, 2, 60), Cap("*", 30, 1, 30))


def given() -> Consent:
    asked = consents.request("c-1", "s", LOAN, NOW)
    assert isinstance(asked, Consent)
    agreed = consents.give(asked, LOAN, ("income",), "s", EpochS(NOW + 1))
    assert isinstance(agreed, Consent)
    return agreed


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fields": ("income", "address")}, "fields-unknown"),
        ({"more": ("debts",)}, "fields-unknown"),
        ({"fields": ()}, "fields-unknown"),
        ({"days": 91}, "too-long"),
        ({"retention_days": 61}, "too-long"),
        ({"per_day": 3}, "too-often"),
        ({"purpose": "090", "days": 31}, "too-long"),
        ({"purpose": "090", "days": 30, "per_day": 2}, "too-often"),
    ],
)  # fmt: skip
def test_purposes_beyond_the_offer_or_fair_use(change: dict[str, object], code: str) -> None:
    found = consents.declared(msgspec.structs.replace(LOAN, **change), OFFER, CAPS)
    assert isinstance(found, Refusal)
    assert found.code == code
    assert consents.declared(LOAN, OFFER, CAPS) == LOAN


def test_only_what_was_asked_and_all_that_is_needed() -> None:
    asked = consents.request("c-1", "s", LOAN, NOW)
    assert isinstance(asked, Consent)
    assert consents.give(asked, LOAN, ("income", "employer"), "s", NOW) == Refusal("fields-more", ("employer",))
    assert consents.give(asked, LOAN, ("year",), "s", NOW) == Refusal("fields-unknown", ("income",))
    late = EpochS(NOW + consents.REQUEST_S)
    assert consents.give(asked, LOAN, ("income",), "s", late) == Refusal("request-expired")


def test_a_consent_for_one_time_is_used_up() -> None:
    once = msgspec.structs.replace(LOAN, days=0)
    asked = consents.request("c-2", "s", once, NOW)
    assert isinstance(asked, Consent)
    agreed = consents.give(asked, once, ("income",), "s", NOW)
    assert isinstance(agreed, Consent)
    after = consents.used(agreed, EpochS(NOW + 5))
    assert isinstance(after, Consent)
    assert consents.used(after, EpochS(NOW + 6)) == Refusal("not-given")
    assert consents.extend(agreed, once, EpochS(NOW + 5)) == Refusal("not-given")


def test_a_closed_purpose_ends_its_consents() -> None:
    closed = msgspec.structs.replace(LOAN, is_open=False)
    assert not consents.terms(given(), closed, EpochS(NOW + 2)).is_active
    assert consents.invalidate(given(), EpochS(NOW + 2)).state == "invalidated"
    assert consents.request("c-3", "s", closed, NOW) == Refusal("purpose-closed")


def test_what_similar_services_do_without() -> None:
    others = [msgspec.structs.replace(LOAN, id=f"p{n}", recipient=f"TW/COM/B{n}", more=()) for n in range(3)]
    greedy = msgspec.structs.replace(LOAN, fields=("income", "employer"), more=("year",))
    assert consents.compare(greedy, others) == consents.Comparison(3, ("employer", "year"))
    assert consents.compare(greedy, []) == consents.Comparison(0, ())


class ConsentLife(RuleBasedStateMachine):
    """Anybody acts at any time; a release is possible exactly while the person's word stands."""

    @initialize()
    def begin(self) -> None:
        self.now = float(NOW)
        asked = consents.request("c-1", "s", LOAN, EpochS(self.now))
        assert isinstance(asked, Consent)
        self.consent, self.until, self.stands = asked, 0.0, False

    def take(self, found: Consent | Refusal, *, stands: bool) -> None:
        if isinstance(found, Consent):
            self.consent, self.stands = found, stands

    @rule(days=st.floats(0.001, 20))
    def time_passes(self, days: float) -> None:
        self.now += days * 86_400

    @rule()
    def the_person_agrees(self) -> None:
        found = consents.give(self.consent, LOAN, ("income",), "s", EpochS(self.now))
        if isinstance(found, Consent):
            self.until = self.now + 30 * 86_400
        self.take(found, stands=True)

    @rule()
    def the_person_pauses(self) -> None:
        self.take(consents.pause(self.consent, EpochS(self.now)), stands=False)

    @rule()
    def the_person_resumes(self) -> None:
        self.take(consents.resume(self.consent, EpochS(self.now)), stands=True)

    @rule()
    def the_person_extends(self) -> None:
        found = consents.extend(self.consent, LOAN, EpochS(self.now))
        if isinstance(found, Consent):
            self.until = self.now + 30 * 86_400
        self.take(found, stands=True)

    @rule()
    def the_person_refuses(self) -> None:
        self.take(consents.refuse(self.consent, EpochS(self.now)), stands=False)

    @rule()
    def the_person_withdraws(self) -> None:
        before = consents.state(self.consent, EpochS(self.now))
        found = consents.withdraw(self.consent, EpochS(self.now))
        assert isinstance(found, Consent) == (before in ("requested", "given", "paused"))
        self.take(found, stands=False)

    @invariant()
    def a_release_needs_the_word_that_stands(self) -> None:
        told = consents.terms(self.consent, LOAN, EpochS(self.now))
        use = msgspec.structs.replace(ASK, now=EpochS(self.now), consents=(told,))
        assert judge(BOOK, use).is_allowed == (self.stands and self.now < self.until)


TestConsentLife = ConsentLife.TestCase
TestConsentLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
