"""The one place that decides who may be told: people are reached with an `Actual`, test sinks with a `Drill`.

Whatever sends to people takes nothing but an `Actual`, and reads what to say from it; each reading judges the alert
anew, so one that was put together elsewhere, or changed since, says nothing. On 17 September 2025 a message of status
Test ("no work, no school") reached citizens by Taipei's app: the app had looked at everything but the status.
"""

from __future__ import annotations

from typing import Final, Literal

from banyan.service.alerts.life import is_grave
from banyan.service.alerts.model import Alert, Status, Version, digest_of

Fault = Literal["not_released", "not_proposed_so", "not_actual", "actual", "not_two", "not_there"]
_KEY: Final = object()


class NotActual(TypeError):
    """Something that must not reach people was about to. Programmer's error: it ends that dispatch, and says why."""


class _Said:
    """An alert and which of its messages is to be said."""

    __slots__ = ("_alert", "_number")
    _is_for_people: bool

    def __init__(self, key: object, alert: Alert, number: int) -> None:
        if key is not _KEY:
            raise NotActual("made by `admit` only")
        self._alert, self._number = alert, number

    @property
    def alert(self) -> Alert:
        """The whole object, judged."""
        self.version  # noqa: B018 - judging is what reading does
        return self._alert

    @property
    def version(self) -> Version:
        """The message to be said. Raises NotActual when it must not be said here."""
        wrong = fault(self._alert, self._number, for_people=self._is_for_people)
        if wrong is not None:
            raise NotActual(f"alert {self._alert.id} version {self._number}: {wrong}")
        return self._alert.chain[self._number - 1]


class Actual(_Said):
    """A released alert of status Actual: the only thing that people are told."""

    __slots__ = ()
    _is_for_people = True


class Drill(_Said):
    """A released exercise, test or draft: for test sinks, and marked on every surface."""

    __slots__ = ()
    _is_for_people = False


def admit(alert: Alert, number: int) -> Actual | Drill | Fault:
    """What message `number` of the chain may be sent as, or why it may not."""
    is_actual = alert.newest is not None and alert.newest.content.status == "Actual"
    wrong = fault(alert, number, for_people=is_actual)
    if wrong is not None:
        return wrong
    return Actual(_KEY, alert, number) if is_actual else Drill(_KEY, alert, number)


def fault(alert: Alert, number: int, *, for_people: bool) -> Fault | None:
    """Why message `number` must not be said to people (or not to a sink); None when it may.

    The whole chain counts, not only the newest: an update cannot make a drill real, nor a real one a drill.
    """
    if not 1 <= number <= len(alert.chain):
        return "not_there"
    for version in alert.chain[:number]:
        wrong = _fault_of(alert, version, for_people=for_people)
        if wrong is not None:
            return wrong
    return None


def _fault_of(alert: Alert, version: Version, *, for_people: bool) -> Fault | None:
    status: Status = version.content.status
    if for_people and status != "Actual":
        return "not_actual"
    if not for_people and status == "Actual":
        return "actual"
    if version.stage != "released" or version.released_by is None or not version.sent:
        return "not_released"
    if version.digest != digest_of(version):
        return "not_proposed_so"
    if version.kind == "Cancel":
        is_fit = version.released_by.agency in (alert.agency, alert.second)
    elif is_grave(version.content):
        by, author = version.released_by, version.author
        is_fit = by.agency == alert.second != author.agency and by.id != author.id
    else:
        is_fit = version.released_by.agency in (alert.agency, alert.second)
    return None if is_fit else "not_two"
