"""The clock, passed in everywhere; tests freeze it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, cast

from banyan.epoch import EpochS

__all__ = ["Clock", "EpochS", "iso", "system_clock"]

Clock = Callable[[], EpochS]


system_clock: Final = cast(Clock, time.time)
"""The function itself: a call on the road asks it a dozen times."""


def iso(at: EpochS) -> str:
    """RFC 3339 in UTC with seconds: `2026-11-23T13:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
