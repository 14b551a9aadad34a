"""Service hours (看診星期): 21 characters, 7 mornings from Monday, 7 afternoons, 7 evenings; N open, Y closed.

Source: 全民健康保險特約院所固定服務時段 (A21030000I-D21006-001); the meaning of N and Y was checked against worded
hours (SOURCES.md of the supplies data: "NNNNNNNNNNNNNYNNNNNNY" is closed on Sunday afternoon and evening).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from banyan.kernel.events.clock import EpochS

TAIPEI: Final = timezone(timedelta(hours=8))
SLOTS: Final = 21
UNKNOWN: Final = -1
AFTERNOON_MINUTE: Final = 12 * 60
EVENING_MINUTE: Final = 18 * 60
"""Usual bounds of 上午診, 下午診 and 夜間診; the register gives no clock times."""


@lru_cache(1_024)
def slots_of(hours: str) -> int:
    """Bit i is set when slot i is open; UNKNOWN when the code is not 21 characters of N and Y."""
    if len(hours) != SLOTS or set(hours) - {"N", "Y"}:
        return UNKNOWN
    return sum(1 << place for place, mark in enumerate(hours) if mark == "N")


def slot_at(now: EpochS) -> int:
    """The slot of a moment: weekday (Monday 0) in the morning, +7 in the afternoon, +14 in the evening."""
    at = datetime.fromtimestamp(now, UTC).astimezone(TAIPEI)
    minute = at.hour * 60 + at.minute
    part = 2 if minute >= EVENING_MINUTE else 1 if minute >= AFTERNOON_MINUTE else 0
    return part * 7 + at.weekday()


def minute_at(now: EpochS) -> int:
    """The minute of Taiwan's day."""
    at = datetime.fromtimestamp(now, UTC).astimezone(TAIPEI)
    return at.hour * 60 + at.minute


def is_open(slots: int, slot: int) -> bool | None:
    """Whether the slot is open; None when the hours are not known."""
    return None if slots < 0 else bool(slots >> slot & 1)
