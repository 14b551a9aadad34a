"""The ladder as a machine: whatever comes in whatever order, nobody is told out of turn, twice, or after the end."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from banyan.service.fence import ladder
from banyan.service.fence.ladder import BY_ITSELF, CAUSES, RANKS, Ladder, Refusal, Waits

WAITS = Waits()


def told(stepped: Any) -> tuple[Ladder, tuple[str, ...]]:
    assert not isinstance(stepped, Refusal), stepped
    return stepped  # type: ignore[no-any-return]


def test_strong_evidence_without_an_answer_goes_to_the_worker_and_then_to_the_police() -> None:
    alarm, deeds = ladder.begin("left", 0.0, WAITS)
    assert (alarm.stage, deeds) == ("repinged", ("reping",))
    alarm, deeds = ladder.waited(alarm, 119.0, WAITS)
    assert deeds == ()
    alarm, deeds = ladder.waited(alarm, 120.0, WAITS)
    assert (alarm.stage, deeds) == ("asked", ("ask",))
    alarm, deeds = ladder.sensed(alarm, "strong", 300.0, WAITS)
    assert (alarm.stage, deeds, alarm.due) == ("asked", (), 720.0)
    alarm, deeds = ladder.waited(alarm, 720.0, WAITS)
    assert (alarm.stage, deeds) == ("worker", ("worker",))
    alarm, deeds = ladder.waited(alarm, 720.0 + 1_200.0, WAITS)
    assert (alarm.stage, deeds, alarm.due) == ("police", ("police",), 0.0)


def test_weak_evidence_alone_is_a_call_and_never_the_police_at_once() -> None:
    alarm, _ = ladder.begin("left", 0.0, WAITS)
    alarm, _ = ladder.waited(alarm, 120.0, WAITS)
    alarm, deeds = ladder.waited(alarm, 720.0, WAITS)
    assert (alarm.stage, deeds) == ("called", ("call",))
    alarm, _ = told(ladder.answered(alarm, "home", 800.0, WAITS))
    assert alarm.due == 0.0
    alarm, deeds = ladder.sensed(alarm, "clear", 900.0, WAITS)
    assert (alarm.stage, alarm.cause, deeds) == ("closed", "network", ())


def test_an_empty_battery_is_called_first() -> None:
    alarm, _ = ladder.begin("silent", 0.0, WAITS)
    alarm, deeds = ladder.waited(alarm, 120.0, WAITS)
    assert (alarm.stage, deeds) == ("called", ("call", "ask"))
    assert told(ladder.answered(alarm, "home", 130.0, WAITS))[0].cause == "battery"
    alarm, deeds = ladder.waited(alarm, 120.0 + 900.0, WAITS)
    assert (alarm.stage, deeds) == ("worker", ("worker",))


def test_a_claim_gives_the_officer_time_and_a_second_claim_is_refused() -> None:
    alarm, _ = ladder.begin("entered", 0.0, WAITS)
    alarm, _ = told(ladder.claimed(alarm, "a", 100.0, WAITS))
    assert alarm.due == 100.0 + WAITS.claim_s
    assert ladder.claimed(alarm, "b", 110.0, WAITS) == Refusal("claimed")
    assert ladder.closed(alarm, "b", "left", 120.0) == Refusal("not-yours")
    assert told(ladder.closed(alarm, "a", "left", 120.0))[0].stage == "closed"


class Alarms(RuleBasedStateMachine):
    """Anything at any time; the books are kept beside it."""

    alarm: Ladder
    before: Ladder

    @initialize(kind=st.sampled_from(("left", "silent", "entered")), is_strong=st.booleans())
    def begin(self, kind: Any, is_strong: bool) -> None:
        self.now, self.deeds = 1_000.0, []
        self.alarm, deeds = ladder.begin(kind, self.now, WAITS, is_strong=is_strong)
        self.before = self.alarm
        self.deeds += deeds

    def take(self, stepped: Any) -> None:
        self.before = self.alarm
        if isinstance(stepped, Refusal):
            return
        self.alarm, deeds = stepped
        self.deeds += deeds
        if self.before.stage == "closed":
            assert self.alarm == self.before, "what is closed stays closed"
            assert not deeds, "what is closed does nothing"

    @rule(sign=st.sampled_from(("weak", "strong", "clear", "outage", "restored")))
    def sense(self, sign: Any) -> None:
        was = self.alarm
        self.take(ladder.sensed(self.alarm, sign, self.now, WAITS))
        if sign == "outage" and RANKS[was.stage] < RANKS["worker"] and not was.claimed_by:
            assert self.alarm.stage == "paused", "an outage is nobody's doing"

    @rule(seconds=st.sampled_from((1.0, 119.0, 120.0, 600.0, 1_200.0, 3_600.0)))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.take(ladder.waited(self.alarm, self.now, WAITS))
        again = ladder.waited(self.alarm, self.now, WAITS)
        assert again == (self.alarm, ()) or self.alarm.due <= self.now, "a timer that fires twice does nothing twice"

    @rule(said=st.sampled_from(("home", "away")))
    def answer(self, said: Any) -> None:
        had = self.alarm.answer
        self.take(ladder.answered(self.alarm, said, self.now, WAITS))
        assert not had or self.alarm.answer == had, "the first answer stands"

    @rule()
    def call_me(self) -> None:
        was = self.alarm
        self.take(ladder.wants_call(self.alarm, WAITS))
        assert (self.alarm.answer, self.alarm.claimed_by) == (was.answer, was.claimed_by), "it is no answer"
        assert not was.due or self.alarm.due, "and stops no clock"
        assert ladder.wants_call(self.alarm, WAITS) == (self.alarm, ()), "asked twice it does nothing twice"

    @rule(who=st.sampled_from(("a", "b")))
    def claim(self, who: str) -> None:
        had = self.alarm.claimed_by
        self.take(ladder.claimed(self.alarm, who, self.now, WAITS))
        assert not had or self.alarm.claimed_by == had, "one officer has it"

    @rule(who=st.sampled_from(("a", "b")))
    def release(self, who: str) -> None:
        self.take(ladder.released(self.alarm, who, self.now, WAITS))

    @rule(who=st.sampled_from(("a", "b")), cause=st.sampled_from(CAUSES))
    def close(self, who: str, cause: Any) -> None:
        had = self.alarm
        self.take(ladder.closed(self.alarm, who, cause, self.now))
        assert had.claimed_by == who or self.alarm == had, "only who took it closes it"

    @invariant()
    def each_is_told_once_and_in_turn(self) -> None:
        if not hasattr(self, "alarm"):
            return
        for deed in ("ask", "worker", "police", "leave"):
            assert self.deeds.count(deed) <= 1, (deed, self.deeds)
        if "police" in self.deeds:
            assert RANKS[self.before.stage] >= RANKS["worker"], "the police come after the case worker"
        if self.alarm.stage in ("police", "closed", "paused"):
            assert self.alarm.due == 0.0
        if self.alarm.stage == "worker" and not self.alarm.is_clear:
            assert self.alarm.due > 0.0, "nothing waits for ever at the case worker"
        if self.alarm.stage == "closed":
            assert self.alarm.cause
        if self.alarm.stage in BY_ITSELF:
            assert "police" not in self.deeds


TestAlarms = Alarms.TestCase
TestAlarms.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
