"""Calendar days in Taipei, which rules count in: windows of days, weekdays, ages."""

from __future__ import annotations

from datetime import date
from typing import Final

from banyan.kernel.events.clock import EpochS

DAY_S: Final = 86_400
TAIPEI_S: Final = 8 * 3_600
"""Taiwan keeps UTC+8 the year round (since 1979); a rule's day begins at its midnight."""
LAST_DAY: Final = (1 << 16) - 1
"""Days are kept in 16 bits: until 2149."""
_EPOCH: Final = date(1970, 1, 1).toordinal()


def day_of(at: float) -> int:
    """The day in Taipei, counted from 1970-01-01."""
    return int((at + TAIPEI_S) // DAY_S)


def day_number(day: date) -> int:
    return day.toordinal() - _EPOCH


def date_of(day: int) -> date:
    return date.fromordinal(day + _EPOCH)


def start_of(day: int) -> EpochS:
    """The midnight it begins with."""
    return EpochS(float(day * DAY_S - TAIPEI_S))


def latest_birth(day: date, age: int) -> date:
    """Born on that day or before: `age` years old or more on `day`. Who is born on 29 February is older from 1 March on
    in common years."""
    year = max(day.year - age, 1)
    if day.month == 2 and day.day == 29 and not _is_leap(year):
        return date(year, 2, 28)
    return day.replace(year=year)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
