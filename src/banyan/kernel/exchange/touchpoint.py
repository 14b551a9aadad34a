"""Touchpoint events: somebody met the government through a channel, and how it ended. No input, answer or person."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec

from banyan.kernel.events.clock import EpochS, iso
from banyan.limits import TOUCHPOINTS_KEPT
from banyan.wire.cloudevents import CloudEvent

TouchOutcome = Literal["answered", "refused", "invalid", "failed"]


class Touchpoint(msgspec.Struct, frozen=True, gc=False):
    """`operation` is its id, `channel` web/api/chat/…; `duration_us` is the time in the gate in microseconds."""

    operation: str
    channel: str
    outcome: TouchOutcome
    duration_us: int
    at: EpochS
    number: int


class _Data(msgspec.Struct, frozen=True):
    operation: str
    channel: str
    outcome: TouchOutcome
    duration_us: int


def cloud_event(touch: Touchpoint, member: str) -> CloudEvent:
    """A touchpoint as CloudEvents 1.0."""
    data = _Data(touch.operation, touch.channel, touch.outcome, touch.duration_us)
    return CloudEvent(
        id=f"touch.{int(touch.at)}.{touch.number}",
        source=f"/{member}",
        type="tw.banyan.touchpoint.v1",
        subject=touch.operation,
        time=iso(touch.at),
        datacontenttype="application/json",
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


class Touchpoints:
    """The last touchpoints of this process, newest last, bounded; older ones are in the access record."""

    def __init__(self) -> None:
        self._recent: deque[Touchpoint] = deque(maxlen=TOUCHPOINTS_KEPT)
        self._number = 0

    def add(self, operation: str, channel: str, outcome: TouchOutcome, *, duration_us: int, at: EpochS) -> None:
        self._number += 1
        self._recent.append(Touchpoint(operation, channel, outcome, duration_us, at, self._number))

    def recent(self, after: int = 0) -> list[Touchpoint]:
        """Those with a number above `after`, oldest first."""
        return [touch for touch in self._recent if touch.number > after]
