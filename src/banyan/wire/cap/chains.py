"""Which alerts are in force at a moment: Update and Cancel make one thread of the messages they name.

A pure function of the messages that were received, in whatever order they came. Only the same sender in the same status
changes an alert: nobody cancels another's, and a Test cancels no Actual. Source: CAP 1.2 s3.2.1 (msgType, references).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_REFERENCES, CAP_UNENDING_S
from banyan.wire.cap.model import Alert, MsgType
from banyan.wire.cap.values import Reference, epoch_s, name_of, references_of

Name = tuple[str, str, int]
"""(sender, identifier, sent as seconds since 1970): the same moment may be written with another offset."""


class State(StrEnum):
    IN_FORCE = "in-force"
    UPCOMING = "upcoming"
    """Sent, and effective later."""
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Standing(msgspec.Struct, frozen=True):
    """An Alert or Update and where it stands; `by` is the message that replaced or cancelled it."""

    alert: Alert
    state: State
    ends_s: int
    """Seconds since 1970: the latest `expires`, or CAP_UNENDING_S after `sent` where an alert gives none."""
    thread: Name
    """The name of the earliest message of its thread that is known."""
    by: Reference | None = None


class Standings(msgspec.Struct, frozen=True):
    """All that stand, newest first; `clashes` are names under which different messages came (the first one counts)."""

    standings: tuple[Standing, ...]
    clashes: tuple[Reference, ...] = ()

    @property
    def in_force(self) -> tuple[Alert, ...]:
        return tuple(each.alert for each in self.standings if each.state is State.IN_FORCE)


_STANDS: Final = (MsgType.ALERT, MsgType.UPDATE)
_CHANGES: Final = (MsgType.UPDATE, MsgType.CANCEL)


def standings(alerts: Iterable[Alert], *, at_s: int) -> Standings:
    """Where each Alert and Update sent by `at_s` (seconds since 1970) stands then. Alerts are as the reader gave them.

    Raises Invalid for a time that is none, which a reader lets through nowhere.
    """
    known: dict[Name, Alert] = {}
    clashes = []
    for alert in alerts:
        name = _name(name_of(alert))
        if known.setdefault(name, alert) != alert:
            clashes.append(name_of(alert))
    known = {name: alert for name, alert in known.items() if name[2] <= at_s}
    named = {name: _named(alert) for name, alert in known.items()}
    changed = _changed(known, named)
    threads = _threads(known, named)
    made = [
        _standing(alert, changed.get(name, ()), threads[name], at_s)
        for name, alert in known.items()
        if alert.msg_type in _STANDS
    ]
    made.sort(key=lambda each: (-epoch_s(each.alert.sent), name_of(each.alert)))
    return Standings(tuple(made), tuple(clashes))


def _standing(alert: Alert, changes: Sequence[Alert], thread: Name, at_s: int) -> Standing:
    ends = _ends_s(alert)
    cancels = [each for each in changes if each.msg_type is MsgType.CANCEL]
    last = max(cancels or changes, key=lambda each: epoch_s(each.sent), default=None)
    if last is not None:
        state = State.CANCELLED if cancels else State.SUPERSEDED
        return Standing(alert, state, ends, thread, name_of(last))
    begins = min((epoch_s(info.effective) for info in alert.info if info.effective), default=0)
    if ends <= at_s:
        return Standing(alert, State.EXPIRED, ends, thread)
    return Standing(alert, State.UPCOMING if begins > at_s else State.IN_FORCE, ends, thread)


def _ends_s(alert: Alert) -> int:
    unending = epoch_s(alert.sent) + CAP_UNENDING_S
    return max((epoch_s(info.expires) if info.expires else unending for info in alert.info), default=unending)


def _named(alert: Alert) -> tuple[Name, ...]:
    """The messages this one names, its own sender's and earlier ones; what cannot be read names nothing."""
    found = []
    try:
        references = references_of(alert.references)[:CAP_REFERENCES]
    except Invalid:
        return ()
    for each in references:
        try:
            name = _name(each)
        except Invalid:
            continue
        if each.sender == alert.sender and name[2] <= epoch_s(alert.sent) and name != _name(name_of(alert)):
            found.append(name)
    return tuple(found)


def _changed(known: Mapping[Name, Alert], named: Mapping[Name, tuple[Name, ...]]) -> Mapping[Name, list[Alert]]:
    found: dict[Name, list[Alert]] = {}
    for name, alert in known.items():
        if alert.msg_type not in _CHANGES:
            continue
        for earlier in named[name]:
            if earlier in known and known[earlier].status is alert.status:
                found.setdefault(earlier, []).append(alert)
    return found


def _threads(known: Mapping[Name, Alert], named: Mapping[Name, tuple[Name, ...]]) -> Mapping[Name, Name]:
    """The earliest known message of each one's thread; messages that name the same unknown one are one thread too."""
    parent: dict[Name, Name] = {}

    def root(name: Name) -> Name:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for name, alert in known.items():
        for earlier in named[name] if alert.msg_type in _CHANGES else ():
            first, second = sorted((root(name), root(earlier)), key=lambda each: (each[2], each))
            parent[second] = first
    earliest: dict[Name, Name] = {}
    for name in sorted(known, key=lambda each: (each[2], each)):
        earliest.setdefault(root(name), name)
    return {name: earliest[root(name)] for name in known}


def _name(reference: Reference) -> Name:
    return (reference.sender, reference.identifier, epoch_s(reference.sent))
