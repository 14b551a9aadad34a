"""The life of an alert against a plain model of it, steps in any order (hypothesis); and each refusal by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.service.alerts.values import AUTHOR, CONTENT, OTHER, SECOND, STRANGER, WORDS

from banyan.kernel.events.clock import EpochS
from banyan.service.alerts import life
from banyan.service.alerts.actual import Actual, Drill, admit
from banyan.service.alerts.life import Refusal
from banyan.service.alerts.model import Alert, Content

NOW = EpochS(1_795_438_800.0)
OFFICERS = (AUTHOR, OTHER, SECOND, STRANGER)


def content(**changes: Any) -> Content:
    return msgspec.structs.replace(CONTENT, onset=NOW, expires=EpochS(NOW + 3_600), **changes)


class Life(RuleBasedStateMachine):
    """The model: a status that never changes, which agencies act, whether two are needed, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.alert: Alert | None = None
        self.out: list[tuple[str, str]] = []
        """What went out: its kind and the releaser's agency."""
        self.pending = ""
        self.pending_grave = self.out_grave = False
        self.status = ""
        self.ends = NOW
        self.pending_ends = NOW
        self.pending_by = ""
        self.is_withdrawn = False

    @property
    def is_over(self) -> bool:
        return bool(self.out) and (self.out[-1][0] == "Cancel" or self.now >= self.ends)

    def _took(self, after: Alert | Refusal, is_expected: bool) -> bool:
        assert isinstance(after, Alert) == is_expected, after
        if isinstance(after, Alert):
            self.alert = after
        return isinstance(after, Alert)

    @precondition(lambda self: self.alert is None)
    @rule(status=st.sampled_from(["Actual", "Exercise", "Test"]), severity=st.sampled_from(["Extreme", "Minor"]))
    def draft(self, status: str, severity: str) -> None:
        made = content(status=status, severity=severity, level="notice")
        after = life.draft("tw-x-1234567890", made, author=AUTHOR, second=SECOND.agency, now=self.now)
        if self._took(after, is_expected=self.now < NOW + 3_600):
            self.status, self.pending, self.pending_by = status, "draft", AUTHOR.id
            self.pending_grave, self.pending_ends = severity == "Extreme", EpochS(NOW + 3_600)

    @precondition(lambda self: self.alert is not None)
    @rule(
        who=st.sampled_from(OFFICERS), status=st.sampled_from(["Actual", "Exercise", "Test"]),
        severity=st.sampled_from(["Extreme", "Minor"]), hours=st.integers(1, 5),
    )  # fmt: skip
    def edit(self, who: Any, status: str, severity: str, hours: int) -> None:
        ends = EpochS(NOW + hours * 3_600)
        made = msgspec.structs.replace(content(status=status, severity=severity, level="notice"), expires=ends)
        assert self.alert is not None
        is_fit = who.agency == AUTHOR.agency and not self.is_withdrawn and self.now < ends
        is_fit &= not self.out or (not self.is_over and status == self.status and len(self.out) + 1 < 15)
        if self._took(life.edit(self.alert, made, author=who, now=self.now), is_expected=is_fit):
            self.pending, self.pending_grave, self.pending_ends = "draft", severity == "Extreme", ends
            self.pending_by = who.id
            self.status = self.status if self.out else status

    @precondition(lambda self: self.alert is not None)
    @rule(who=st.sampled_from(OFFICERS))
    def propose(self, who: Any) -> None:
        assert self.alert is not None
        is_fit = self.pending == "draft" and who.agency == AUTHOR.agency and not self.is_over
        is_fit &= self.now < self.pending_ends
        if self._took(life.propose(self.alert, author=who, now=self.now), is_expected=is_fit):
            self.pending, self.pending_by = "proposed", who.id

    @precondition(lambda self: self.alert is not None)
    @rule(who=st.sampled_from(OFFICERS))
    def hand_back(self, who: Any) -> None:
        assert self.alert is not None
        is_fit = self.pending == "proposed" and who.agency in (AUTHOR.agency, SECOND.agency)
        if self._took(life.hand_back(self.alert, officer=who), is_expected=is_fit):
            self.pending = "draft"

    @precondition(lambda self: self.alert is not None)
    @rule(who=st.sampled_from(OFFICERS), is_seen=st.booleans())
    def release(self, who: Any, is_seen: bool) -> None:
        assert self.alert is not None
        digest = self.alert.pending.digest if is_seen and self.alert.pending is not None else "0" * 64
        needs_two = self.pending_grave or (bool(self.out) and self.out_grave)
        allowed = (SECOND.agency,) if needs_two else (AUTHOR.agency, SECOND.agency)
        is_fit = self.pending == "proposed" and is_seen and who.agency in allowed and not self.is_over
        is_fit &= self.now < self.pending_ends
        if self._took(life.release(self.alert, digest, officer=who, now=self.now), is_expected=is_fit):
            assert not needs_two or who.id != self.pending_by
            self.out.append(("Update" if self.out else "Alert", who.agency))
            self.out_grave, self.ends, self.pending = self.pending_grave, self.pending_ends, ""

    @precondition(lambda self: self.alert is not None)
    @rule(who=st.sampled_from(OFFICERS))
    def cancel(self, who: Any) -> None:
        assert self.alert is not None
        said = self.alert.newest.content if self.alert.newest is not None else CONTENT
        said = msgspec.structs.replace(said, words=WORDS)
        is_fit = bool(self.out) and not self.is_over and who.agency in (AUTHOR.agency, SECOND.agency)
        if self._took(life.cancel(self.alert, said, officer=who, now=self.now), is_expected=is_fit):
            self.out.append(("Cancel", who.agency))
            self.pending = ""

    @precondition(lambda self: self.alert is not None)
    @rule(who=st.sampled_from(OFFICERS))
    def withdraw(self, who: Any) -> None:
        assert self.alert is not None
        is_fit = bool(self.pending) and who.agency == AUTHOR.agency
        if self._took(life.withdraw(self.alert, author=who), is_expected=is_fit):
            self.pending, self.is_withdrawn = "", not self.out

    @rule(seconds=st.integers(1, 2_000))
    def wait(self, seconds: int) -> None:
        self.now = EpochS(self.now + seconds)

    @invariant()
    def what_went_out_is_the_models(self) -> None:
        if self.alert is None:
            return
        chain = self.alert.chain
        assert [(one.kind, one.released_by.agency) for one in chain if one.released_by] == self.out
        assert [one.number for one in chain] == list(range(1, len(self.out) + 1))
        assert all(one.content.status == self.status for one in chain)
        assert len({one.sent for one in chain}) == len(chain)
        assert (self.alert.pending.stage if self.alert.pending else "") == self.pending

    @invariant()
    def only_an_actual_goes_to_people(self) -> None:
        if self.alert is not None:
            for number in range(1, len(self.alert.chain) + 1):
                assert type(admit(self.alert, number)) is (Actual if self.status == "Actual" else Drill)

    @invariant()
    def its_state_is_the_models(self) -> None:
        if self.alert is None:
            return
        state = life.state_of(self.alert, self.now)
        if not self.out:
            assert state == ("withdrawn" if self.is_withdrawn else self.pending or "draft")
        elif self.out[-1][0] == "Cancel":
            assert state == "cancelled"
        else:
            assert state == ("expired" if self.now >= self.ends else "in_force")


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase


def drafted(**changes: Any) -> Alert:
    made = life.draft("tw-x-1234567890", content(**changes), author=AUTHOR, second=SECOND.agency, now=NOW)
    assert isinstance(made, Alert)
    return made


def proposed(**changes: Any) -> Alert:
    made = life.propose(drafted(**changes), author=AUTHOR, now=NOW)
    assert isinstance(made, Alert)
    return made


def refusal(after: Alert | Refusal) -> str:
    assert isinstance(after, Refusal), after
    return after.code


def test_a_grave_alert_takes_two_officers_of_two_agencies() -> None:
    alert = proposed(severity="Extreme", level="national")
    assert alert.pending is not None
    digest = alert.pending.digest
    assert refusal(life.release(alert, digest, officer=AUTHOR, now=NOW)) == "two_officers"
    assert refusal(life.release(alert, digest, officer=OTHER, now=NOW)) == "two_agencies"
    assert refusal(life.release(alert, digest, officer=STRANGER, now=NOW)) == "two_agencies"
    assert isinstance(life.release(alert, digest, officer=SECOND, now=NOW), Alert)


def test_a_second_agency_that_is_the_first_releases_nothing_grave() -> None:
    alert = msgspec.structs.replace(proposed(severity="Severe"), second=AUTHOR.agency)
    assert alert.pending is not None
    assert refusal(life.release(alert, alert.pending.digest, officer=OTHER, now=NOW)) == "second_missing"


def test_what_was_changed_after_it_was_seen_is_not_released() -> None:
    alert = proposed(severity="Minor", level="notice")
    assert alert.pending is not None
    louder = msgspec.structs.replace(alert.pending.content, severity="Extreme")
    swapped = msgspec.structs.replace(alert, pending=msgspec.structs.replace(alert.pending, content=louder))
    assert refusal(life.release(swapped, alert.pending.digest, officer=SECOND, now=NOW)) == "changed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"expires": NOW}, "times"), ({"expires": EpochS(NOW - 1)}, "times"), ({"onset": EpochS(NOW + 7_200)}, "times"),
     ({"expires": EpochS(NOW + 15 * 86_400)}, "too_long")],
)  # fmt: skip
def test_an_alert_ends_after_it_begins_and_within_a_fortnight(changes: dict[str, Any], code: str) -> None:
    made = msgspec.structs.replace(content(), **changes)
    assert refusal(life.draft("tw-x-1234567890", made, author=AUTHOR, second="TW/GOV/B", now=NOW)) == code
