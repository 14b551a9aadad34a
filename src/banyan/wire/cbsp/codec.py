"""CBSP messages between a cell broadcast centre and a base station controller. Source: TS 48.049 s8.1 (messages), s8.2.

A frame: one octet of type, three of length, then elements. `Cbsp` has every element that any message has; `encode`
writes those that are set, `decode` refuses a message that lacks one its type must have.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, TypeVar

import msgspec

from banyan.wire.cbsp import cells as lists
from banyan.wire.cbsp.cells import CellList, CompletedList, Failed, LoadList
from banyan.wire.cbsp.values import (
    FIXED,
    BroadcastType,
    Category,
    Cause,
    Channel,
    Element,
    Kind,
    Recovery,
    period_code,
    period_seconds,
)
from banyan.wire.cellbroadcast.pages import PAGE_OCTETS, PAGES, Malformed, Page

HEAD_OCTETS: Final = 4


class Wrong(Malformed):
    """A frame that the standard does not have; `cause` is what an ERROR INDICATION says of it."""

    def __init__(self, cause: Cause, what: str) -> None:
        super().__init__(what)
        self.cause = cause


class Cbsp(msgspec.Struct, frozen=True, kw_only=True):
    """One message. Periods are in seconds, `period` in units of 1.883 s; `keep_alive_s` 0 has no end."""

    kind: Kind
    message_id: int | None = None
    new_serial: int | None = None
    old_serial: int | None = None
    cells: CellList | None = None
    channel: Channel | None = None
    category: Category | None = None
    period: int | None = None
    requested: int | None = None
    completed: CompletedList | None = None
    failures: tuple[Failed, ...] = ()
    loads: LoadList | None = None
    cause: int | None = None
    dcs: int | None = None
    pages: tuple[Page, ...] = ()
    recovery: Recovery | None = None
    is_emergency: bool = False
    warning_type: int | None = None
    warning_security: bytes | None = None
    warning_s: int | None = None
    broadcast_type: BroadcastType | None = None
    schedule: int | None = None
    slots: int | None = None
    keep_alive_s: int | None = None


_E = Element
_IDS: Final = (_E.MESSAGE_ID, _E.NEW_SERIAL)
_OLD: Final = (_E.MESSAGE_ID, _E.OLD_SERIAL)
MANDATORY: Final[dict[Kind, tuple[Element, ...]]] = {
    Kind.WRITE_REPLACE: (*_IDS, _E.CELLS),
    Kind.WRITE_REPLACE_COMPLETE: _IDS,
    Kind.WRITE_REPLACE_FAILURE: (*_IDS, _E.FAILURES),
    Kind.KILL: (*_OLD, _E.CELLS),
    Kind.KILL_COMPLETE: _OLD,
    Kind.KILL_FAILURE: (*_OLD, _E.FAILURES),
    Kind.LOAD_QUERY: (_E.CELLS, _E.CHANNEL),
    Kind.LOAD_QUERY_COMPLETE: (_E.LOADS, _E.CHANNEL),
    Kind.LOAD_QUERY_FAILURE: (_E.FAILURES, _E.CHANNEL),
    Kind.STATUS_QUERY: (*_OLD, _E.CELLS, _E.CHANNEL),
    Kind.STATUS_QUERY_COMPLETE: (*_OLD, _E.COMPLETED, _E.CHANNEL),
    Kind.STATUS_QUERY_FAILURE: (*_OLD, _E.FAILURES, _E.CHANNEL),
    Kind.SET_DRX: (_E.CELLS, _E.CHANNEL),
    Kind.SET_DRX_COMPLETE: (_E.CELLS, _E.CHANNEL),
    Kind.SET_DRX_FAILURE: (_E.FAILURES, _E.CHANNEL),
    Kind.RESET: (_E.CELLS,),
    Kind.RESET_COMPLETE: (_E.CELLS,),
    Kind.RESET_FAILURE: (_E.FAILURES,),
    Kind.RESTART: (_E.CELLS, _E.BROADCAST_TYPE, _E.RECOVERY),
    Kind.FAILURE: (_E.FAILURES, _E.BROADCAST_TYPE),
    Kind.ERROR_INDICATION: (_E.CAUSE,),
    Kind.KEEP_ALIVE: (_E.KEEP_ALIVE_PERIOD,),
    Kind.KEEP_ALIVE_COMPLETE: (),
}
_BROADCAST: Final = (_E.CHANNEL, _E.CATEGORY, _E.PERIOD, _E.REQUESTED, _E.PAGES, _E.DCS, _E.CONTENT)
_WARNING: Final = (_E.EMERGENCY, _E.WARNING_TYPE, _E.WARNING_PERIOD)


def encode(message: Cbsp) -> bytes:
    """The frame. Its elements stand in the order of s8.1."""
    body = b"".join(_elements(message))
    return bytes([message.kind]) + len(body).to_bytes(3, "big") + body


def decode(frame: bytes) -> Cbsp:
    """The message of one whole frame. Raises Wrong."""
    if len(frame) < HEAD_OCTETS or int.from_bytes(frame[1:4], "big") != len(frame) - HEAD_OCTETS:
        raise Wrong(Cause.PARAMETER_VALUE_INVALID, "the frame's length is not its own")
    try:
        kind = Kind(frame[0])
    except ValueError as error:
        raise Wrong(Cause.UNRECOGNISED_MESSAGE, f"message type {frame[0]} is unknown") from error
    fields: dict[str, Any] = {}
    pages: list[Page] = []
    expected = None
    for element, octets in _split(frame):
        if element is _E.CONTENT:
            pages.append(_page(octets, len(pages)))
        elif element is _E.PAGES:
            expected = octets[0]
        elif element not in _NAMES:
            raise Wrong(Cause.PARAMETER_NOT_RECOGNISED, f"element {element.name} is not read")
        else:
            name = _NAMES[element]
            if name in fields:
                raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"element {element.name} comes twice")
            fields[name] = _value(element, octets)
    if expected is not None and expected != len(pages):
        raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"{expected} pages are announced, {len(pages)} follow")
    message = Cbsp(kind=kind, pages=tuple(pages), **fields)
    _refuse_missing(message, fields, expected)
    return message


def _refuse_missing(message: Cbsp, fields: dict[str, Any], expected: int | None) -> None:
    needed: tuple[Element, ...] = MANDATORY[message.kind]
    if message.kind is Kind.WRITE_REPLACE:
        needed += _WARNING if message.is_emergency else _BROADCAST
    for element in needed:
        if element is _E.CONTENT:
            is_there = bool(message.pages)
        elif element is _E.PAGES:
            is_there = expected is not None
        else:
            is_there = _NAMES[element] in fields
        if not is_there:
            raise Wrong(Cause.MISSING_ELEMENT, f"{message.kind.name} lacks its element {element.name}")


def _split(frame: bytes) -> list[tuple[Element, bytes]]:
    found, at = [], HEAD_OCTETS
    while at < len(frame):
        try:
            element = Element(frame[at])
        except ValueError as error:
            raise Wrong(Cause.PARAMETER_NOT_RECOGNISED, f"element {frame[at]} is unknown") from error
        at += 1
        size = FIXED.get(element)
        if size is None:
            size = int.from_bytes(frame[at : at + 2], "big")
            at += 2
        if at + size > len(frame):
            raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"the frame ends within element {element.name}")
        found.append((element, frame[at : at + size]))
        at += size
    return found


def _page(octets: bytes, before: int) -> Page:
    if octets[0] > PAGE_OCTETS or before == PAGES:
        raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"page {before + 1} says that {octets[0]} of its 82 octets are used")
    return Page(octets[1:], octets[0])


_NAMES: Final = {
    _E.MESSAGE_ID: "message_id",
    _E.NEW_SERIAL: "new_serial",
    _E.OLD_SERIAL: "old_serial",
    _E.CELLS: "cells",
    _E.CHANNEL: "channel",
    _E.CATEGORY: "category",
    _E.PERIOD: "period",
    _E.REQUESTED: "requested",
    _E.COMPLETED: "completed",
    _E.FAILURES: "failures",
    _E.LOADS: "loads",
    _E.CAUSE: "cause",
    _E.DCS: "dcs",
    _E.RECOVERY: "recovery",
    _E.EMERGENCY: "is_emergency",
    _E.WARNING_TYPE: "warning_type",
    _E.WARNING_SECURITY: "warning_security",
    _E.WARNING_PERIOD: "warning_s",
    _E.BROADCAST_TYPE: "broadcast_type",
    _E.SCHEDULE: "schedule",
    _E.SLOTS: "slots",
    _E.KEEP_ALIVE_PERIOD: "keep_alive_s",
}
_ENUMS: Final[dict[Element, type[IntEnum]]] = {
    _E.CHANNEL: Channel,
    _E.CATEGORY: Category,
    _E.RECOVERY: Recovery,
    _E.BROADCAST_TYPE: BroadcastType,
}
_LISTS: Final[dict[Element, Callable[[bytes], object]]] = {
    _E.CELLS: lists.decode_cells,
    _E.COMPLETED: lists.decode_completed,
    _E.FAILURES: lists.decode_failures,
    _E.LOADS: lists.decode_loads,
}


def _value(element: Element, octets: bytes) -> object:
    if element in _LISTS:
        try:
            return _LISTS[element](octets)
        except Malformed as error:
            raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"element {element.name}: {error}") from error
    if element is _E.WARNING_SECURITY:
        return octets
    number = int.from_bytes(octets, "big")
    if element is _E.EMERGENCY:
        return number == 1
    if element in (_E.WARNING_PERIOD, _E.KEEP_ALIVE_PERIOD):
        seconds = period_seconds(number)
        if seconds is None:
            raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"period code {number} is reserved")
        return seconds
    kinds = _ENUMS.get(element)
    if kinds is None:
        return number
    try:
        return kinds(number & 0x0F)
    except ValueError as error:
        raise Wrong(Cause.PARAMETER_VALUE_INVALID, f"{element.name} {number} is unknown") from error


def _elements(message: Cbsp) -> list[bytes]:
    one, two = _fixed_of(1), _fixed_of(2)
    found = [
        two(_E.MESSAGE_ID, message.message_id),
        two(_E.NEW_SERIAL, message.new_serial),
        two(_E.OLD_SERIAL, message.old_serial),
        _long(_E.FAILURES, message.failures or None, lists.encode_failures),
        _long(_E.COMPLETED, message.completed, lists.encode_completed),
        _long(_E.LOADS, message.loads, lists.encode_loads),
        _long(_E.CELLS, message.cells, lists.encode_cells),
        one(_E.BROADCAST_TYPE, message.broadcast_type),
        one(_E.RECOVERY, message.recovery),
        one(_E.CAUSE, message.cause),
        one(_E.CHANNEL, message.channel),
        one(_E.CATEGORY, message.category),
        two(_E.PERIOD, message.period),
        two(_E.REQUESTED, message.requested),
        one(_E.PAGES, len(message.pages) or None),
        one(_E.DCS, message.dcs),
        *(bytes([_E.CONTENT, page.used]) + page.octets for page in message.pages),
        one(_E.EMERGENCY, 1 if message.is_emergency else None),
        two(_E.WARNING_TYPE, message.warning_type),
        b"" if message.warning_security is None else bytes([_E.WARNING_SECURITY]) + message.warning_security,
        one(_E.WARNING_PERIOD, None if message.warning_s is None else period_code(message.warning_s)),
        one(_E.SCHEDULE, message.schedule),
        one(_E.SLOTS, message.slots),
        one(_E.KEEP_ALIVE_PERIOD, None if message.keep_alive_s is None else period_code(message.keep_alive_s)),
    ]
    return [element for element in found if element]


def _fixed_of(size: int) -> Callable[[Element, int | None], bytes]:
    return lambda element, value: b"" if value is None else bytes([element]) + value.to_bytes(size, "big")


_List = TypeVar("_List")


def _long(element: Element, value: _List | None, encode_value: Callable[[_List], bytes]) -> bytes:
    if value is None:
        return b""
    octets = encode_value(value)
    return bytes([element]) + len(octets).to_bytes(2, "big") + octets
