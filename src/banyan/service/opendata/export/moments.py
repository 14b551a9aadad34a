"""Dates as the standards write them, from the texts agencies write and the clock's seconds."""

from __future__ import annotations

import re
from datetime import date, datetime

from banyan.kernel.events.clock import EpochS, iso

_PART = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?")
_TAIPEI = "+08:00"
"""The national standard's times carry no zone; they are Taiwan's."""


def iso_of(text: str) -> str:
    """ISO 8601 of a stated date (`2015`, `2015-01`, `2015-01-01`, `2015-01-01 23:59:59`); empty when it is none."""
    text = text.strip()
    if _PART.fullmatch(text):
        return text
    try:
        if len(text) == 10:
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    stated = moment.isoformat(timespec="seconds")
    return stated if moment.tzinfo else stated + _TAIPEI


def national_of(at: EpochS) -> str:
    """`2015-01-01 23:59:59` in Taiwan's time, as the national standard writes it; empty for 0."""
    return iso(EpochS(at + 8 * 3600))[:19].replace("T", " ") if at else ""
