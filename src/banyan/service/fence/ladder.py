"""The ladder of an alarm (告警階梯), pure: from a silent re-ping to a visit, a step at a time, and back by one answer.

left:    re-ping -> "are you home?" -> (strong and no answer, or "no") case worker -> police and civil affairs
silent:  re-ping -> call (an empty battery is the usual cause) -> case worker -> police and civil affairs
entered: message to leave, case worker at once -> police and civil affairs

An outage of the network stops what no person has taken up yet. An alarm is an aid and no proof: whoever was told of it
closes it with what was found. Source: field notes s2 (the 2020 system called four offices for one empty battery).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Kind = Literal["left", "silent", "entered"]
Stage = Literal["repinged", "asked", "called", "worker", "police", "paused", "closed"]
Cause = Literal["home", "battery", "shopping", "left", "hospital", "network", "other"]
Sign = Literal["weak", "strong", "clear", "outage", "restored"]
"""What the positions say: beyond the lower or the higher threshold, back at home (or heard again), and of the network
itself that it is down or up again."""
Deed = Literal["reping", "ask", "call", "leave", "worker", "police"]
Code = Literal["closed", "claimed", "not-yours", "answered"]
RANKS: Final[dict[Stage, int]] = {
    "paused": 0,
    "repinged": 1,
    "asked": 2,
    "called": 2,
    "worker": 3,
    "police": 4,
    "closed": 5,
}
BY_ITSELF: Final[tuple[Stage, ...]] = ("repinged", "asked", "called", "paused")
"""Stages that no officer was told of: they may end without one."""
CAUSES: Final[tuple[Cause, ...]] = ("home", "battery", "shopping", "left", "hospital", "network", "other")


class Waits(msgspec.Struct, frozen=True):
    """Seconds of each step, as published (`terms.py`)."""

    reping_s: float = 120.0
    answer_s: float = 600.0
    weak_s: float = 3_600.0
    call_s: float = 900.0
    police_s: float = 1_200.0
    claim_s: float = 1_800.0


class Ladder(msgspec.Struct, frozen=True):
    """One alarm as it stands. `due` is when it goes on by itself, 0: not by itself. `asked_at` 0: nobody asked her.
    `claimed_by` is an officer's pseudonym. `is_clear`: the positions are as they should be again."""

    kind: Kind
    stage: Stage
    opened: float
    since: float
    due: float
    is_strong: bool = False
    asked_at: float = 0.0
    answer: Literal["", "home", "away"] = ""
    claimed_by: str = ""
    is_clear: bool = False
    cause: Literal["", "home", "battery", "shopping", "left", "hospital", "network", "other"] = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why an act on an alarm does not stand."""

    code: Code


Stepped = tuple[Ladder, tuple[Deed, ...]]


def begin(kind: Kind, now: float, waits: Waits, *, is_strong: bool = False) -> Stepped:
    """A new alarm, and what is done at once."""
    if kind == "entered":
        return Ladder(kind, "worker", now, now, now + waits.police_s, is_strong=True), ("leave", "worker")
    fresh = Ladder(kind, "repinged", now, now, now + waits.reping_s, is_strong=is_strong)
    return fresh, ("reping",)


def sensed(alarm: Ladder, sign: Sign, now: float, waits: Waits) -> Stepped:
    """What the positions say of an open alarm; of a closed one nothing changes."""
    if alarm.stage == "closed":
        return alarm, ()
    if sign == "clear":
        return _cleared(alarm, now), ()
    if sign == "outage":
        return (_at(alarm, "paused", now, due=0.0), ()) if _is_unattended(alarm) else (alarm, ())
    if sign == "restored":
        return (
            (_at(alarm, "repinged", now, due=now + waits.reping_s), ("reping",))
            if alarm.stage == "paused"
            else (alarm, ())
        )
    alarm = msgspec.structs.replace(alarm, is_clear=False, is_strong=alarm.is_strong or sign == "strong")
    if alarm.stage == "worker" and not alarm.due:  # it had cleared, and is out again
        return msgspec.structs.replace(alarm, due=now + waits.police_s), ()
    if sign == "weak" or alarm.kind != "left" or alarm.stage not in ("asked", "called"):
        return alarm, ()
    if alarm.answer or now >= alarm.asked_at + waits.answer_s:
        return _to_worker(alarm, now, waits)
    return msgspec.structs.replace(alarm, due=alarm.asked_at + waits.answer_s), ()


def waited(alarm: Ladder, now: float, waits: Waits) -> Stepped:
    """The clock: what is due goes on, everything else stays, however often it is asked."""
    if not alarm.due or now < alarm.due:
        return alarm, ()
    if alarm.stage == "repinged":
        if alarm.kind == "silent":
            return _at(alarm, "called", now, due=now + waits.call_s, asked_at=now), ("call", "ask")
        if alarm.asked_at:  # asked before the network paused it
            return (
                _to_worker(alarm, now, waits)
                if alarm.is_strong
                else (_at(alarm, "asked", now, due=now + waits.weak_s), ())
            )
        return _at(alarm, "asked", now, due=now + waits.answer_s, asked_at=now), ("ask",)
    if alarm.stage == "asked" and not alarm.is_strong and now < alarm.asked_at + waits.weak_s:
        return _at(alarm, "called", alarm.since, due=alarm.asked_at + waits.weak_s), ("call",)
    if alarm.stage in ("asked", "called"):
        return _to_worker(alarm, now, waits)
    assert alarm.stage == "worker", "only these stages go on by themselves"
    return _at(alarm, "police", now, due=0.0), ("police",)


def answered(alarm: Ladder, answer: Literal["home", "away"], now: float, waits: Waits) -> Stepped | Refusal:
    """Her own answer, once: she is home, or she is not."""
    if alarm.stage == "closed":
        return Refusal("closed")
    if alarm.answer:
        return Refusal("answered")
    alarm = msgspec.structs.replace(alarm, answer=answer)
    if RANKS[alarm.stage] >= RANKS["worker"]:
        return alarm, ()
    if answer == "away" or (alarm.kind == "left" and alarm.is_strong):
        return _to_worker(alarm, now, waits)
    if alarm.kind == "silent":  # she was heard: it was the phone
        return _at(alarm, "closed", now, due=0.0, cause="battery"), ()
    return msgspec.structs.replace(alarm, due=0.0 if alarm.stage in ("asked", "called") else alarm.due), ()


def wants_call(alarm: Ladder, waits: Waits) -> Stepped:
    """She asks to be called: onto the call list, and no answer yet; what was due stays due."""
    if alarm.stage != "asked":
        return alarm, ()
    wait_s = waits.answer_s if alarm.is_strong else waits.weak_s
    return _at(alarm, "called", alarm.since, due=alarm.asked_at + wait_s if not alarm.answer else alarm.due), ("call",)


def claimed(alarm: Ladder, officer: str, now: float, waits: Waits) -> Stepped | Refusal:
    """One officer takes it; others see who has it. The police are told only if it stays open much longer."""
    if alarm.stage == "closed":
        return Refusal("closed")
    if alarm.claimed_by and alarm.claimed_by != officer:
        return Refusal("claimed")
    if alarm.claimed_by:
        return alarm, ()
    taken = msgspec.structs.replace(alarm, claimed_by=officer)
    if alarm.stage in BY_ITSELF:
        return _at(taken, "worker", now, due=0.0 if alarm.is_clear else now + waits.claim_s), ()
    return (msgspec.structs.replace(taken, due=now + waits.claim_s) if taken.due else taken), ()


def released(alarm: Ladder, officer: str, now: float, waits: Waits) -> Stepped | Refusal:
    """The shift is over: whoever comes next takes it, with the case worker's own time before the police."""
    if alarm.stage == "closed":
        return Refusal("closed")
    if alarm.claimed_by != officer:
        return Refusal("not-yours")
    due = now + waits.police_s if alarm.due else 0.0
    return msgspec.structs.replace(alarm, claimed_by="", due=due), ()


def closed(alarm: Ladder, officer: str, cause: Cause, now: float) -> Stepped | Refusal:
    """Whoever took it says what it was."""
    if alarm.stage == "closed":
        return Refusal("closed")
    if alarm.claimed_by != officer:
        return Refusal("not-yours")
    return _at(alarm, "closed", now, due=0.0, cause=cause), ()


def passed_on(alarm: Ladder, now: float, waits: Waits) -> Stepped:
    """A call went wrong (missed twice, away, unwell): the case worker, at once."""
    return _to_worker(alarm, now, waits) if alarm.stage in BY_ITSELF else (alarm, ())


def ended(alarm: Ladder, now: float) -> Ladder:
    """Her quarantine is over, or she is in hospital: nothing is left to find out."""
    return alarm if alarm.stage == "closed" else _at(alarm, "closed", now, due=0.0, cause="other")


def _is_unattended(alarm: Ladder) -> bool:
    return alarm.stage in BY_ITSELF and not alarm.claimed_by


def _cleared(alarm: Ladder, now: float) -> Ladder:
    if alarm.kind == "entered" or alarm.stage not in BY_ITSELF:
        return msgspec.structs.replace(alarm, is_clear=True, due=0.0)
    return _at(alarm, "closed", now, due=0.0, cause="battery" if alarm.kind == "silent" else "network", is_clear=True)


def _to_worker(alarm: Ladder, now: float, waits: Waits) -> Stepped:
    return _at(alarm, "worker", now, due=now + waits.police_s), ("worker",)


def _at(alarm: Ladder, stage: Stage, now: float, **changes: object) -> Ladder:
    return msgspec.structs.replace(alarm, stage=stage, since=now, **changes)
