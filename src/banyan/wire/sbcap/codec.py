"""SBc-AP between a cell broadcast centre and a mobility management entity of LTE. Source: TS 29.168 s4.4, in APER.

Write-replace and stop of warnings with their answers and indications. The transport is SCTP (port 29168, payload
protocol 24), which is the caller's: octets in, octets out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final, TypeVar

import msgspec

from banyan.wire.cbsp.cells import plmn_octets, plmn_text
from banyan.wire.cellbroadcast.pages import PAGE_OCTETS, PAGES, Malformed, Page
from banyan.wire.sbcap.aper import Reader, Writer

One = TypeVar("One")

PORT: Final = 29168
PAYLOAD_PROTOCOL: Final = 24
LIST: Final = 65_535
CONTENT: Final = 9_600


class Procedure(IntEnum):
    WRITE_REPLACE = 0
    STOP = 1
    ERROR = 2
    WRITE_REPLACE_INDICATION = 3
    STOP_INDICATION = 4


class Outcome(IntEnum):
    """Which message of a procedure: the request or indication, or its response."""

    INITIATING = 0
    SUCCESSFUL = 1


class Eutran(msgspec.Struct, frozen=True):
    """A cell of LTE: network (`466-92`) and 28 bits."""

    plmn: str
    cell: int


class TrackingArea(msgspec.Struct, frozen=True):
    """A tracking area of LTE: network and 16 bits."""

    plmn: str
    code: int


class Counted(msgspec.Struct, frozen=True):
    """How often a cell had sent it when it was stopped."""

    cell: Eutran
    broadcasts: int


class Sbcap(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `cells` or `warning_areas`, never both, narrow where it is sent; `areas` tell the MME whom to ask.

    `period_s` is in seconds here (CBSP counts in 1.883 s); `requested` 0 with a period: until it is stopped.
    """

    procedure: Procedure
    outcome: Outcome = Outcome.INITIATING
    message_id: int
    serial: int
    areas: tuple[TrackingArea, ...] = ()
    cells: tuple[Eutran, ...] = ()
    warning_areas: tuple[TrackingArea, ...] = ()
    period_s: int | None = None
    requested: int | None = None
    warning_type: int | None = None
    dcs: int | None = None
    pages: tuple[Page, ...] = ()
    is_concurrent: bool = False
    wants_indication: bool = False
    cause: int | None = None
    unknown_areas: tuple[TrackingArea, ...] = ()
    scheduled: tuple[Eutran, ...] = ()
    cancelled: tuple[Counted, ...] = ()


_CAUSE, _DCS, _MESSAGE_ID, _REQUESTED, _PERIOD, _SERIAL = 1, 3, 5, 7, 10, 11
_AREAS, _WARNING_AREA, _CONTENT, _WARNING_TYPE, _CONCURRENT = 14, 15, 16, 18, 20
_UNKNOWN_AREAS, _SCHEDULED, _INDICATE_WRITE, _CANCELLED, _INDICATE_STOP = 22, 23, 24, 25, 26
_REJECT, _IGNORE = 0, 1
_CRITICALITY: Final = {
    **dict.fromkeys((_MESSAGE_ID, _SERIAL, _AREAS, _PERIOD, _REQUESTED, _CONCURRENT, _CAUSE), _REJECT),
    **dict.fromkeys((_SCHEDULED, _CANCELLED), _REJECT),
}
_PROCEDURES: Final = {Procedure.WRITE_REPLACE: _REJECT, Procedure.STOP: _REJECT}


def encode(message: Sbcap) -> bytes:
    """The PDU. Raises Malformed when a list or a text is too long for one message, or cells and areas are given."""
    elements = _elements(message)
    body = Writer()
    body.bits(0, 2)  # no extension, no protocolExtensions
    body.number(len(elements), 0, LIST)
    for number, value in elements:
        body.number(number, 0, 65_535)
        body.bits(_CRITICALITY.get(number, _IGNORE), 2)
        body.open_type(_short(value))
    pdu = Writer()
    pdu.bits(0, 1)
    pdu.bits(message.outcome, 2)
    pdu.number(message.procedure, 0, 255)
    pdu.bits(_PROCEDURES.get(message.procedure, _IGNORE), 2)
    pdu.open_type(_short(body.done()))
    return pdu.done()


def decode(octets: bytes) -> Sbcap:
    """The message of one PDU; elements that are not read are passed over. Raises Malformed."""
    pdu = Reader(octets)
    if pdu.bits(1):
        raise Malformed("the PDU is of a later version")
    try:
        outcome, procedure = Outcome(pdu.bits(2)), Procedure(pdu.number(0, 255))
    except ValueError as error:
        raise Malformed("the procedure or its outcome is unknown") from error
    pdu.bits(2)
    body = Reader(pdu.open_type())
    body.extensions(bool(body.bits(1)), bool(body.bits(1)))
    found: dict[int, bytes] = {}
    for _ in range(body.number(0, LIST)):
        number = body.number(0, 65_535)
        body.bits(2)
        if number in found:
            raise Malformed(f"element {number} comes twice")
        found[number] = body.open_type()
    return _message(procedure, outcome, found)


def pages_octets(pages: Sequence[Page]) -> bytes:
    """Warning-Message-Content: a count, then 82 octets and the used ones of each page (TS 23.041 s9.4.2.2.5)."""
    return bytes([len(pages)]) + b"".join(page.octets + bytes([page.used]) for page in pages)


def pages_of(octets: bytes) -> tuple[Page, ...]:
    """The pages of a Warning-Message-Content. Raises Malformed."""
    size = PAGE_OCTETS + 1
    if not octets or not 1 <= octets[0] <= PAGES or len(octets) != 1 + octets[0] * size:
        raise Malformed("the warning message content is no pages of 82 octets")
    parts = [octets[at : at + size] for at in range(1, len(octets), size)]
    if any(part[-1] > PAGE_OCTETS for part in parts):
        raise Malformed("a page says that more than its 82 octets are used")
    return tuple(Page(part[:-1], part[-1]) for part in parts)


def _elements(message: Sbcap) -> list[tuple[int, bytes]]:
    indicate = _INDICATE_STOP if message.procedure is Procedure.STOP else _INDICATE_WRITE
    found: list[tuple[int, bytes | None]] = [
        (_MESSAGE_ID, _fixed(message.message_id, 16)),
        (_SERIAL, _fixed(message.serial, 16)),
        (_CAUSE, _numbered(message.cause, 0, 255)),
        (_UNKNOWN_AREAS, _list_of_areas(message.unknown_areas)),
        (_AREAS, _list_of_areas(message.areas)),
        (_WARNING_AREA, _warning_area(message)),
        (_PERIOD, _numbered(message.period_s, 0, 4096)),
        (_REQUESTED, _numbered(message.requested, 0, 65_535)),
        (_WARNING_TYPE, None if message.warning_type is None else message.warning_type.to_bytes(2, "big")),
        (_DCS, None if message.dcs is None else bytes([message.dcs])),
        (_CONTENT, _content(message.pages)),
        (_CONCURRENT, b"\x00" if message.is_concurrent else None),
        (indicate, b"\x00" if message.wants_indication else None),
        (_SCHEDULED, _scheduled(message.scheduled)),
        (_CANCELLED, _cancelled(message.cancelled)),
    ]
    return [(number, value) for number, value in found if value is not None]


def _message(procedure: Procedure, outcome: Outcome, found: dict[int, bytes]) -> Sbcap:
    if _MESSAGE_ID not in found or _SERIAL not in found:
        raise Malformed("the message identifier or the serial number is missing")

    def read(number: int, get: Callable[[Reader], int]) -> int | None:
        return get(Reader(found[number])) if number in found else None

    cells, warning_areas = _read_warning_area(Reader(found[_WARNING_AREA])) if _WARNING_AREA in found else ((), ())
    return Sbcap(
        procedure=procedure,
        outcome=outcome,
        message_id=Reader(found[_MESSAGE_ID]).bit_string(16),
        serial=Reader(found[_SERIAL]).bit_string(16),
        areas=_read_areas(found.get(_AREAS)),
        cells=cells,
        warning_areas=warning_areas,
        period_s=read(_PERIOD, lambda value: value.number(0, 4096)),
        requested=read(_REQUESTED, lambda value: value.number(0, 65_535)),
        warning_type=read(_WARNING_TYPE, lambda value: int.from_bytes(value.octet_string(2, 2), "big")),
        dcs=read(_DCS, lambda value: value.bit_string(8)),
        pages=pages_of(Reader(found[_CONTENT]).octet_string(1, CONTENT)) if _CONTENT in found else (),
        is_concurrent=_CONCURRENT in found,
        wants_indication=_INDICATE_WRITE in found or _INDICATE_STOP in found,
        cause=read(_CAUSE, lambda value: value.number(0, 255)),
        unknown_areas=_read_areas(found.get(_UNKNOWN_AREAS)),
        scheduled=_read_list_of_cells(found.get(_SCHEDULED), _read_cell),
        cancelled=_read_list_of_cells(found.get(_CANCELLED), _read_counted),
    )


def _fixed(value: int, width: int) -> bytes:
    writer = Writer()
    writer.bit_string(value, width)
    return writer.done()


def _numbered(value: int | None, least: int, most: int) -> bytes | None:
    if value is None:
        return None
    writer = Writer()
    writer.number(value, least, most)
    return writer.done()


def _content(pages: Sequence[Page]) -> bytes | None:
    if not pages:
        return None
    writer = Writer()
    writer.octet_string(pages_octets(pages), 1, CONTENT)
    return writer.done()


def _list_of_areas(areas: Sequence[TrackingArea]) -> bytes | None:
    """A sequence of sequences of one area each, none of which may be extended."""
    if not areas:
        return None
    writer = Writer()
    writer.number(len(areas), 1, LIST)
    for area in areas:
        _write_area(writer, area)
    return writer.done()


def _read_areas(octets: bytes | None) -> tuple[TrackingArea, ...]:
    if octets is None:
        return ()
    reader = Reader(octets)
    return tuple(_read_area(reader) for _ in range(reader.number(1, LIST)))


def _write_area(writer: Writer, area: TrackingArea) -> None:
    writer.bits(0, 1)  # no iE-Extensions; TAI has no extension mark
    writer.octet_string(plmn_octets(area.plmn), 3, 3)
    writer.octet_string(area.code.to_bytes(2, "big"), 2, 2)


def _read_area(reader: Reader) -> TrackingArea:
    reader.extensions(False, bool(reader.bits(1)))
    plmn = plmn_text(reader.octet_string(3, 3))
    return TrackingArea(plmn, int.from_bytes(reader.octet_string(2, 2), "big"))


def _write_cell(writer: Writer, cell: Eutran) -> None:
    writer.bits(0, 2)  # no extension, no iE-Extensions
    writer.octet_string(plmn_octets(cell.plmn), 3, 3)
    writer.bit_string(cell.cell, 28)


def _read_cell(reader: Reader) -> Eutran:
    reader.extensions(bool(reader.bits(1)), bool(reader.bits(1)))
    plmn = plmn_text(reader.octet_string(3, 3))
    return Eutran(plmn, reader.bit_string(28))


def _warning_area(message: Sbcap) -> bytes | None:
    if not message.cells and not message.warning_areas:
        return None
    if message.cells and message.warning_areas:
        raise Malformed("a Warning-Area-List is cells or tracking areas (TS 29.168 s4.4): send one of them")
    writer = Writer()
    writer.bits(0, 1)
    writer.bits(0 if message.cells else 1, 2)
    if message.cells:
        writer.number(len(message.cells), 1, LIST)
        for cell in message.cells:
            _write_cell(writer, cell)
    else:
        writer.number(len(message.warning_areas), 1, LIST)
        for area in message.warning_areas:
            _write_area(writer, area)
    return writer.done()


def _read_warning_area(reader: Reader) -> tuple[tuple[Eutran, ...], tuple[TrackingArea, ...]]:
    kind = 3 if reader.bits(1) else reader.bits(2)
    if kind > 1:
        raise Malformed("the warning area is neither cells nor tracking areas")
    count = reader.number(1, LIST)
    if kind == 0:
        return tuple(_read_cell(reader) for _ in range(count)), ()
    return (), tuple(_read_area(reader) for _ in range(count))


def _scheduled(cells: Sequence[Eutran]) -> bytes | None:
    return _list_of_cells(cells, _write_cell)


def _cancelled(cells: Sequence[Counted]) -> bytes | None:
    return _list_of_cells(cells, _write_counted)


def _write_counted(writer: Writer, one: Counted) -> None:
    _write_cell(writer, one.cell)
    writer.number(one.broadcasts, 0, 65_535)


def _read_counted(reader: Reader) -> Counted:
    return Counted(_read_cell(reader), reader.number(0, 65_535))


def _list_of_cells(cells: Sequence[One], write: Callable[[Writer, One], None]) -> bytes | None:
    if not cells:
        return None
    writer = Writer()
    writer.bits(0b01000, 5)  # no extension; of four optional parts only the list of cells
    writer.number(len(cells), 1, LIST)
    for one in cells:
        writer.bits(0, 2)
        write(writer, one)
    return writer.done()


def _read_list_of_cells(octets: bytes | None, read: Callable[[Reader], One]) -> tuple[One, ...]:
    if octets is None:
        return ()
    reader = Reader(octets)
    if not _has_only_cells(reader):
        return ()
    found = []
    for _ in range(reader.number(1, LIST)):
        reader.extensions(bool(reader.bits(1)), bool(reader.bits(1)))
        found.append(read(reader))
    return tuple(found)


def _has_only_cells(reader: Reader) -> bool:
    """The list of cells comes first; lists by tracking or emergency area behind it are not read."""
    is_extended = bool(reader.bits(1))
    has_cells = bool(reader.bits(1))
    reader.bits(3)
    return has_cells and not is_extended


def _short(value: bytes) -> bytes:
    if len(value) >= 16_384:
        raise Malformed("more than 16 KiB in one element: name fewer cells or areas, in several messages")
    return value
