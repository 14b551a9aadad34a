"""Times as apps write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

TAIPEI: Final = timezone(timedelta(hours=8))
_OFFICIAL: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")
EPOCH_MS: Final = 1e11
"""A number above this counts milliseconds: in seconds it would be the year 5138."""


def epoch_of(text: str) -> float | None:
    """Epoch seconds of RFC 3339, of the official list's local time (Taiwan's, where no zone is written), or of a bare
    number of seconds or milliseconds; None for anything else."""
    text = text.strip()
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        number = float(text)
        return number / 1_000 if number > EPOCH_MS else number
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        parts = _OFFICIAL.fullmatch(text)
        if parts is None:
            return None
        year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups())
        try:
            found = datetime(year, month, day, hour, minute, second, tzinfo=TAIPEI)
        except ValueError:
            return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=TAIPEI)).timestamp()


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
