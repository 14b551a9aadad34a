"""Joining logs by the exchange's id: what one side has and the other should have.

Who asked logs an exchange when the answer is there, who answered before it goes out, both under the same id and with
the same hashes of the same two signatures. So an entry with the other side's signature behind it and without that
side's own entry is a call that was left out there. Values in, values out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from banyan.kernel.exchange.messages.record import GATEWAY, KIND, MINUTE_S, Entry
from banyan.limits_road import AUDIT_SLACK_S

Found = Literal["hidden", "differs", "attempt", "unreceived"]
"""`hidden`: a side lacks an exchange that bears its own signature. `differs`: both have it, and not the same request or
answer. Two are no fault: `attempt`, who answered has another request under the same id (the connection broke and the
call was sent again), and `unreceived`, it was answered and whoever asked says that no answer came."""


class Finding(msgspec.Struct, frozen=True):
    """`at` is the minute's first second; `held` and `lacking` are origins; `what` says which part differs."""

    found: Found
    xid: str
    at: int
    client: str
    provider: str
    held: str
    lacking: str
    what: str = ""


class Joined(msgspec.Struct, frozen=True):
    """What the logs say of each other; `notes` are no fault. `pairs`: exchanges that both sides have alike. `pending`:
    too new to judge. `unheard`: asked without an answer, and the other side has nothing: it may never have arrived.
    `outside`: with members whose logs are not here."""

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    pairs: int = 0
    pending: int = 0
    unheard: int = 0
    outside: int = 0


class Side(msgspec.Struct, frozen=True):
    """A log to be joined: `at` is the time of its checkpoint."""

    origin: str
    at: int
    entries: Sequence[Entry]


class _Counts(msgspec.Struct):
    pairs: int = 0
    pending: int = 0
    unheard: int = 0
    outside: int = 0


_Held = tuple[str, Entry]
_Key = tuple[str, str, str]


def join(sides: Sequence[Side], *, slack_s: float = AUDIT_SLACK_S) -> Joined:
    """Compare all sides. Give all logs of a member that has several gateways: each holds a part of its exchanges."""
    since = _members(sides)
    asked, answered = _by_key(sides, "client"), _by_key(sides, "provider")
    complete_until = {side.origin: side.at - slack_s for side in sides}
    found: list[Finding] = []
    counts = _Counts()
    for key in {**asked, **answered}:
        ours, theirs = asked.get(key, []), answered.get(key, [])
        if ours and theirs:
            found += _compared(ours, theirs, counts)
        else:
            for held in ours or theirs:
                found += _alone(held, since, complete_until, counts)
    found.sort(key=lambda one: (one.at, one.xid, one.found))
    notes = tuple(one for one in found if one.found in ("attempt", "unreceived"))
    findings = tuple(one for one in found if one.found in ("hidden", "differs"))
    return Joined(findings, notes, **msgspec.structs.asdict(counts))


def _alone(held: _Held, since: dict[str, dict[str, int]], until: dict[str, float], counts: _Counts) -> list[Finding]:
    """An exchange that only one side has: is it owed by a log that is here, and by now?"""
    origin, entry = held
    other = entry.provider if entry.role == "client" else entry.client
    owing = [name for name, begun in since.get(other, {}).items() if begun <= entry.at]
    if not owing:
        counts.outside += 1
        return []
    if (entry.at + 1) * MINUTE_S > min(until[name] for name in owing):
        counts.pending += 1
        return []
    if entry.role == "client" and not entry.answer:
        counts.unheard += 1
        return []
    if not entry.request and not entry.answer:
        counts.unheard += 1  # refused before anybody had signed: nobody can be held to it
        return []
    return [_finding("hidden", entry, origin, ", ".join(owing))]


def _compared(ours: Sequence[_Held], theirs: Sequence[_Held], counts: _Counts) -> list[Finding]:
    """An exchange that both sides have: each entry of who asked with the entry of the same request."""
    found: list[Finding] = []
    left = list(theirs)
    for asker, asked in ours:
        same = next((one for one in left if one[1].request == asked.request), None)
        answerer, answered = same or theirs[0]
        if same is None:
            found.append(_finding("differs", asked, asker, answerer, what="request"))
            continue
        left.remove(same)
        if asked.answer and asked.answer != answered.answer:
            found.append(_finding("differs", asked, asker, answerer, what="answer"))
        elif answered.answer and not asked.answer:
            found.append(_finding("unreceived", answered, answerer, asker))
        else:
            counts.pairs += 1
    is_paired = len(left) < len(theirs)
    return found + [_finding("attempt", entry, origin, ours[0][0]) for origin, entry in left if is_paired]


def _by_key(sides: Iterable[Side], role: str) -> dict[_Key, list[_Held]]:
    found: defaultdict[_Key, list[_Held]] = defaultdict(list)
    for side in sides:
        for entry in side.entries:
            if entry.kind == KIND and entry.role == role:
                found[entry.xid, entry.client, entry.provider].append((side.origin, entry))
    return found


def _members(sides: Iterable[Side]) -> dict[str, dict[str, int]]:
    """Member -> the logs that hold its exchanges -> from which minute on."""
    since: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for side in sides:
        for entry in side.entries:
            if entry.kind != GATEWAY:
                continue
            for member in entry.members:
                since[_owner(member)].setdefault(side.origin, entry.at)
    return since


def _owner(member: str) -> str:
    return "/".join(member.split("/")[:3])


def _finding(found: Found, entry: Entry, held: str, lacking: str, *, what: str = "") -> Finding:
    return Finding(found, entry.xid, entry.at * MINUTE_S, entry.client, entry.provider, held, lacking, what)
