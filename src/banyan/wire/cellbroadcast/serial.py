"""The serial number of a cell broadcast: where it is new, which it is, which edition. Source: TS 23.041 s9.4.1.2.1."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from banyan.wire.cellbroadcast.pages import Malformed


class Scope(IntEnum):
    """Within which area a phone that has shown it once does not show it again; `CELL_NOW` also opens it at once."""

    CELL_NOW = 0
    PLMN = 1
    AREA = 2
    CELL = 3


class Serial(msgspec.Struct, frozen=True):
    """`code` (0-1023) tells messages of one identifier apart, `update` (0-15) the editions of one message."""

    scope: Scope
    code: int
    update: int = 0


def pack(serial: Serial) -> int:
    """The 16 bits. Raises Malformed when a part is out of its range."""
    if not 0 <= serial.code < 1024:
        raise Malformed(f"message code {serial.code} is not 0-1023")
    if not 0 <= serial.update < 16:
        raise Malformed(f"update number {serial.update} is not 0-15")
    return serial.scope << 14 | serial.code << 4 | serial.update


def unpack(value: int) -> Serial:
    """The parts of 16 bits."""
    if not 0 <= value < 1 << 16:
        raise Malformed(f"serial number {value} has more than 16 bits")
    return Serial(Scope(value >> 14), (value >> 4) & 0x3FF, value & 0xF)
