"""Cells as CBSP names them, singly and in lists. Source: TS 48.049 s8.2.6 and s8.2.10-12, cell identities TS 23.003 s4.

A list names all its cells in one way: by network, area and cell (CGI), by less, or all of a base station controller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from banyan.wire.cbsp.values import Cause, Counted, Discriminator
from banyan.wire.cellbroadcast.pages import Malformed

_TEXT: Final = re.compile(r"(\d{3})-(\d{2,3})-(\d{1,5})-(\d{1,5})", re.ASCII)
_SIZES: Final = {
    Discriminator.CGI: 7,
    Discriminator.LAC_CI: 4,
    Discriminator.CI: 2,
    Discriminator.LAI: 5,
    Discriminator.LAC: 2,
    Discriminator.ALL: 0,
}
LIST_OCTETS: Final = 0xFFFF


class Cell(msgspec.Struct, frozen=True):
    """One cell, or an area of them; what its discriminator leaves out is empty or -1. `plmn`: `466-92`."""

    plmn: str = ""
    area: int = -1
    cell: int = -1

    @classmethod
    def of(cls, text: str) -> Cell:
        """From `mcc-mnc-area-cell`. Raises Malformed: GSM has 16 bits each for area and cell."""
        found = _TEXT.fullmatch(text)
        if found is None or int(found[3]) > 0xFFFF or int(found[4]) > 0xFFFF:
            raise Malformed(f"cell {text[:40]!r} is not mcc-mnc-area-cell with 16 bits of area and cell")
        return cls(f"{found[1]}-{found[2]}", int(found[3]), int(found[4]))

    def __str__(self) -> str:
        parts = [self.plmn, "" if self.area < 0 else str(self.area), "" if self.cell < 0 else str(self.cell)]
        return "-".join(one for one in parts if one) or "*"


class CellList(msgspec.Struct, frozen=True):
    """Cells named in one way. `cells` is empty for `ALL`."""

    by: Discriminator
    cells: tuple[Cell, ...] = ()


ALL: Final = CellList(Discriminator.ALL)


class Completed(msgspec.Struct, frozen=True):
    """How often a cell has broadcast a message (s8.2.10)."""

    cell: Cell
    broadcasts: int
    counted: Counted = Counted.VALID


class CompletedList(msgspec.Struct, frozen=True):
    by: Discriminator
    cells: tuple[Completed, ...] = ()


class Failed(msgspec.Struct, frozen=True):
    """A cell that could not, and why (s8.2.11). `cause` may be a number that the standard does not have."""

    by: Discriminator
    cell: Cell
    cause: int = Cause.UNSPECIFIED


class Load(msgspec.Struct, frozen=True):
    """How full a cell's two broadcast channels are, in percent (s8.2.12)."""

    cell: Cell
    basic: int
    extended: int


class LoadList(msgspec.Struct, frozen=True):
    by: Discriminator
    cells: tuple[Load, ...] = ()


def cell_list(texts: Sequence[str]) -> CellList:
    """The shortest list that names `texts` (`mcc-mnc-area-cell`): without their network if they are all of one.

    Raises Malformed when a text is no cell of GSM, or they are more than one list holds.
    """
    cells = tuple(Cell.of(text) for text in texts)
    if len({cell.plmn for cell in cells}) > 1 or len(cells) * 7 < LIST_OCTETS:
        found = CellList(Discriminator.CGI, cells)
    else:
        found = CellList(Discriminator.LAC_CI, tuple(Cell("", cell.area, cell.cell) for cell in cells))
    if 1 + len(cells) * _SIZES[found.by] > LIST_OCTETS:
        raise Malformed(f"{len(cells)} cells are more than one list holds")
    return found


def encode_cell(by: Discriminator, cell: Cell) -> bytes:
    plmn = plmn_octets(cell.plmn) if by in (Discriminator.CGI, Discriminator.LAI) else b""
    area = b"" if by in (Discriminator.CI, Discriminator.ALL) else cell.area.to_bytes(2, "big")
    return plmn + area + (cell.cell.to_bytes(2, "big") if by <= Discriminator.CI else b"")


def encode_cells(found: CellList) -> bytes:
    return bytes([found.by]) + b"".join([encode_cell(found.by, cell) for cell in found.cells])


def encode_completed(found: CompletedList) -> bytes:
    return bytes([found.by]) + b"".join(
        encode_cell(found.by, one.cell) + one.broadcasts.to_bytes(2, "big") + bytes([one.counted])
        for one in found.cells
    )


def encode_failures(failures: Sequence[Failed]) -> bytes:
    return b"".join(bytes([one.by]) + encode_cell(one.by, one.cell) + bytes([one.cause]) for one in failures)


def encode_loads(found: LoadList) -> bytes:
    return bytes([found.by]) + b"".join(
        encode_cell(found.by, one.cell) + bytes([one.basic, one.extended]) for one in found.cells
    )


def decode_cells(octets: bytes) -> CellList:
    by = _discriminator(octets)
    return CellList(by, tuple(_items(octets, by, 0, lambda cell, _: cell)))


def decode_completed(octets: bytes) -> CompletedList:
    by = _discriminator(octets)

    def one(cell: Cell, rest: bytes) -> Completed:
        try:
            counted = Counted(rest[2] & 0x0F)
        except ValueError:
            counted = Counted.UNKNOWN
        return Completed(cell, int.from_bytes(rest[:2], "big"), counted)

    return CompletedList(by, tuple(_items(octets, by, 3, one)))


def decode_loads(octets: bytes) -> LoadList:
    by = _discriminator(octets)
    return LoadList(by, tuple(_items(octets, by, 2, lambda cell, rest: Load(cell, rest[0], rest[1]))))


def decode_failures(octets: bytes) -> tuple[Failed, ...]:
    found, at = [], 0
    while at < len(octets):
        by = _discriminator(octets[at:])
        end = at + 1 + _SIZES[by]
        if end >= len(octets):
            raise Malformed("a failure list ends within a cell")
        found.append(Failed(by, _decode_cell(by, octets[at + 1 : end]), octets[end]))
        at = end + 1
    return tuple(found)


_Item = TypeVar("_Item")


def _items(octets: bytes, by: Discriminator, behind: int, make: Callable[[Cell, bytes], _Item]) -> list[_Item]:
    """The entries of a list with one discriminator, each a cell and `behind` octets more."""
    size = _SIZES[by] + behind
    rest = len(octets) - 1
    if size == 0:
        if rest:
            raise Malformed("a list of all cells names cells")
        return []
    if rest % size:
        raise Malformed("a cell list ends within a cell")
    return [
        make(_decode_cell(by, octets[at : at + _SIZES[by]]), octets[at + _SIZES[by] : at + size])
        for at in range(1, len(octets), size)
    ]


def _discriminator(octets: bytes) -> Discriminator:
    if not octets:
        raise Malformed("a cell list is empty: its discriminator is missing")
    try:
        return Discriminator(octets[0] & 0x0F)
    except ValueError as error:
        raise Malformed(f"cell discriminator {octets[0] & 0x0F} is unknown") from error


def _decode_cell(by: Discriminator, octets: bytes) -> Cell:
    plmn = ""
    if by in (Discriminator.CGI, Discriminator.LAI):
        plmn, octets = plmn_text(octets[:3]), octets[3:]
    if by is Discriminator.ALL:
        return Cell()
    if by is Discriminator.CI:
        return Cell("", -1, int.from_bytes(octets, "big"))
    return Cell(plmn, int.from_bytes(octets[:2], "big"), int.from_bytes(octets[2:], "big") if octets[2:] else -1)


def plmn_octets(text: str) -> bytes:
    """TS 24.008 s10.5.1.3: 466-92 is 64 f6 29."""
    mcc, _, mnc = text.partition("-")
    if not (len(mcc) == 3 and 2 <= len(mnc) <= 3 and (mcc + mnc).isdecimal() and text.isascii()):
        raise Malformed(f"network {text[:20]!r} is not mcc-mnc")
    one, two, three = (int(digit) for digit in mcc)
    first, second = int(mnc[0]), int(mnc[1])
    third = int(mnc[2]) if len(mnc) == 3 else 0xF
    return bytes([two << 4 | one, third << 4 | three, second << 4 | first])


def plmn_text(octets: bytes) -> str:
    digits = [octets[0] & 15, octets[0] >> 4, octets[1] & 15, octets[2] & 15, octets[2] >> 4, octets[1] >> 4]
    if any(digit > 9 for digit in digits[:5]) or (digits[5] > 9 and digits[5] != 15):
        raise Malformed("a network's code has a digit above 9")
    mnc = digits[3:5] if digits[5] == 15 else digits[3:]
    return "".join(map(str, digits[:3])) + "-" + "".join(map(str, mnc))
