"""The numbers of CBSP. Source: TS 48.049 s8.2, by section."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

PORT: Final = 48049


class Kind(IntEnum):
    """Message types (s8.2.2)."""

    WRITE_REPLACE = 0x01
    WRITE_REPLACE_COMPLETE = 0x02
    WRITE_REPLACE_FAILURE = 0x03
    KILL = 0x04
    KILL_COMPLETE = 0x05
    KILL_FAILURE = 0x06
    LOAD_QUERY = 0x07
    LOAD_QUERY_COMPLETE = 0x08
    LOAD_QUERY_FAILURE = 0x09
    STATUS_QUERY = 0x0A
    STATUS_QUERY_COMPLETE = 0x0B
    STATUS_QUERY_FAILURE = 0x0C
    SET_DRX = 0x0D
    SET_DRX_COMPLETE = 0x0E
    SET_DRX_FAILURE = 0x0F
    RESET = 0x10
    RESET_COMPLETE = 0x11
    RESET_FAILURE = 0x12
    RESTART = 0x13
    FAILURE = 0x14
    ERROR_INDICATION = 0x15
    KEEP_ALIVE = 0x16
    KEEP_ALIVE_COMPLETE = 0x17


class Element(IntEnum):
    """Information elements (s8.2.1)."""

    CONTENT = 0x01
    OLD_SERIAL = 0x02
    NEW_SERIAL = 0x03
    CELLS = 0x04
    CATEGORY = 0x05
    PERIOD = 0x06
    REQUESTED = 0x07
    COMPLETED = 0x08
    FAILURES = 0x09
    LOADS = 0x0A
    CAUSE = 0x0B
    DCS = 0x0C
    RECOVERY = 0x0D
    MESSAGE_ID = 0x0E
    EMERGENCY = 0x0F
    WARNING_TYPE = 0x10
    WARNING_SECURITY = 0x11
    CHANNEL = 0x12
    PAGES = 0x13
    SCHEDULE = 0x14
    SLOTS = 0x15
    BROADCAST_TYPE = 0x16
    WARNING_PERIOD = 0x17
    KEEP_ALIVE_PERIOD = 0x18


class Discriminator(IntEnum):
    """How cells are named (s8.2.6)."""

    CGI = 0
    LAC_CI = 1
    CI = 2
    LAI = 4
    LAC = 5
    ALL = 6


class Category(IntEnum):
    """s8.2.7."""

    HIGH = 0
    BACKGROUND = 1
    NORMAL = 2


class Channel(IntEnum):
    """s8.2.20: of the two cell broadcast channels of a GSM cell."""

    BASIC = 0
    EXTENDED = 1


class Counted(IntEnum):
    """s8.2.9: what the number of broadcasts is worth."""

    VALID = 0
    OVERFLOW = 1
    UNKNOWN = 2


class Recovery(IntEnum):
    """s8.2.15: does a cell still have its messages?"""

    AVAILABLE = 0
    LOST = 1


class BroadcastType(IntEnum):
    """s8.2.24."""

    CBS = 0
    EMERGENCY = 1


class Cause(IntEnum):
    """s8.2.13."""

    PARAMETER_NOT_RECOGNISED = 0x00
    PARAMETER_VALUE_INVALID = 0x01
    REFERENCE_NOT_IDENTIFIED = 0x02
    CELL_NOT_VALID = 0x03
    UNRECOGNISED_MESSAGE = 0x04
    MISSING_ELEMENT = 0x05
    BSC_CAPACITY_EXCEEDED = 0x06
    CELL_MEMORY_EXCEEDED = 0x07
    BSC_MEMORY_EXCEEDED = 0x08
    NOT_SUPPORTED = 0x09
    NOT_OPERATIONAL = 0x0A
    INCOMPATIBLE_DRX = 0x0B
    EXTENDED_NOT_SUPPORTED = 0x0C
    REFERENCE_ALREADY_USED = 0x0D
    UNSPECIFIED = 0x0E
    AREA_NOT_VALID = 0x0F


ONE_OCTET: Final = frozenset(
    {
        Element.CATEGORY,
        Element.CAUSE,
        Element.DCS,
        Element.RECOVERY,
        Element.EMERGENCY,
        Element.CHANNEL,
        Element.PAGES,
        Element.SCHEDULE,
        Element.SLOTS,
        Element.BROADCAST_TYPE,
        Element.WARNING_PERIOD,
        Element.KEEP_ALIVE_PERIOD,
    }
)
FIXED: Final = {
    **dict.fromkeys(ONE_OCTET, 1),
    Element.CONTENT: 83,
    Element.OLD_SERIAL: 2,
    Element.NEW_SERIAL: 2,
    Element.PERIOD: 2,
    Element.REQUESTED: 2,
    Element.MESSAGE_ID: 2,
    Element.WARNING_TYPE: 2,
    Element.WARNING_SECURITY: 50,
}
"""Octets of an element that says no length; the others begin with two octets of length."""

_STEPS: Final = ((10, 10, 1), (20, 30, 2), (38, 120, 5), (86, 600, 10), (186, 3600, 30))
"""s8.2.25: up to this code, up to these seconds, in steps of so many."""


def period_code(seconds: int) -> int:
    """The code of a warning or keep-alive period, rounded up; 0 is without end, 3,600 s the longest."""
    assert 0 <= seconds <= 3600, f"{seconds} s is no period"
    start_code = start = 0
    for code, until, step in _STEPS:
        if seconds <= until:
            return start_code + -(-(seconds - start) // step)
        start_code, start = code, until
    return start_code


def period_seconds(code: int) -> int | None:
    """The seconds of a period's code; None for a reserved one."""
    start_code = start = 0
    for last, until, step in _STEPS:
        if code <= last:
            return start + (code - start_code) * step
        start_code, start = last, until
    return None
