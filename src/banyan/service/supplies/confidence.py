"""How far a shown number can be trusted now. A rule a person can be told, not a score nobody can check."""

from __future__ import annotations

from typing import Final

from banyan.service.supplies.model import Confidence, Located, Status

FRESH_S: Final = 600.0
"""The official list came every 10 minutes at first, every 30 s later; older than one round is not fresh."""
OLD_S: Final = 3_600.0
"""In an hour of 14 February 2020 half of the outlets changed."""


def confidence(age_s: float, status: Status, located: Located, *, is_open: bool | None) -> Confidence:
    """`low` when the outlet is off the list, the number is over an hour old, or two geocodings differ (people would be
    sent to a wrong place); `medium` when it is over 10 minutes old, nearly out, or outside its hours; else `high`."""
    if status in ("not_listed", "unknown") or age_s > OLD_S or located == "differ":
        return "low"
    if age_s > FRESH_S or status == "few" or is_open is False:
        return "medium"
    return "high"
