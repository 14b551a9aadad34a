"""Times as CKAN and Solr write them: naive ISO in UTC with microseconds; `NOW-7DAYS/DAY` in queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MATH = re.compile(r"NOW(?P<steps>([+-]\d{1,6}(SECOND|MINUTE|HOUR|DAY|MONTH|YEAR)S?|/(HOUR|DAY|MONTH|YEAR))*)")
_STEP = re.compile(r"([+-]\d+|/)(SECOND|MINUTE|HOUR|DAY|MONTH|YEAR)")
_DAYS = {"SECOND": 1 / 86_400, "MINUTE": 1 / 1_440, "HOUR": 1 / 24, "DAY": 1.0, "MONTH": 30.0, "YEAR": 365.0}
"""Months and years count as 30 and 365 days: search ranges need no calendar."""


def moment_text(at: float) -> str:
    """`2026-11-23T09:41:38.067546`: CKAN's timestamps carry no zone and mean UTC."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def read_moment(text: str, now: float) -> float:
    """Seconds since 1970 UTC of an ISO date or time (no zone means UTC) or of Solr date math. Errors: ValueError."""
    found = _MATH.fullmatch(text)
    if not found:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    at = datetime.fromtimestamp(now, UTC)
    try:
        for amount, unit in _STEP.findall(found["steps"]):
            at = _start(at, unit) if amount == "/" else at + timedelta(days=int(amount) * _DAYS[unit])
    except OverflowError as error:
        raise ValueError(f"{text} is out of range") from error
    return at.timestamp()


def _start(at: datetime, unit: str) -> datetime:
    """The beginning of the unit that holds `at`."""
    at = at.replace(minute=0, second=0, microsecond=0)
    at = at if unit == "HOUR" else at.replace(hour=0)
    at = at.replace(day=1) if unit in ("MONTH", "YEAR") else at
    return at.replace(month=1) if unit == "YEAR" else at
