"""Read XLSX: every visible sheet with cells is a table, merged headers are filled.

The reader builds a sheet's whole rectangle in memory, and one cell at XFD1048576 makes that 17 thousand million cells:
so the XML is measured first. Entities in the XML are an attack and refused. Source: ECMA-376 part 1, s18.3.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import msgspec
import python_calamine

from banyan.limits import COLUMNS, MIB, WORKBOOK_BYTES, WORKBOOK_CELLS
from banyan.service.opendata.ingest.container import damage_as
from banyan.service.opendata.ingest.delimited import Staged, stage_rows
from banyan.service.opendata.ingest.dialect import Row
from banyan.service.opendata.ingest.header import find_head
from banyan.service.opendata.ingest.options import Options, Watch
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.stage import Stage
from banyan.service.opendata.model import Finding

BLOCK = 1 * MIB
REFERENCE = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
HEAD_ROWS = 200


class Sheet(msgspec.Struct, frozen=True):
    """One sheet's cells as text, rectangular, with merged cells of the top filled."""

    name: str
    rows: list[list[str]]
    merged: int


def sheets_of(path: Path, options: Options, watch: Watch) -> Iterator[Sheet]:
    """The sheets that hold something. Raises Invalid (damaged, entities, unknown sheet) and Limit (too large)."""
    _measure(path, watch)
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
        shown = [sheet.name for sheet in workbook.sheets_metadata if _is_visible(sheet)]
        if options.sheet and options.sheet not in workbook.sheet_names:
            raise invalid("sheet-unknown", "sheet", sheet=options.sheet, sheets="、".join(workbook.sheet_names[:20]))
        for name in [options.sheet] if options.sheet else shown:
            watch.step("read", unit="rows")
            if sheet := _sheet(workbook, name):
                yield sheet
    except (python_calamine.CalamineError, python_calamine.PasswordError, OSError, ValueError) as error:
        raise invalid("workbook-damaged", detail=str(error)[:200]) from error


def stage_sheet(stage: Stage, sheet: Sheet, options: Options) -> Staged:
    """Fill the stage from one sheet."""
    rows = [Row(cells, number) for number, cells in enumerate(sheet.rows[:HEAD_ROWS], 1)]
    head = find_head(rows, header_rows=options.header_rows, at_least=len(sheet.rows[0]))
    if len(head.names) > COLUMNS:
        raise beyond("columns", count=len(head.names), bound=COLUMNS)
    stage_rows(stage, sheet.rows[head.skip :], len(head.names))
    findings = (Finding("mended", "cells-merged", count=sheet.merged),) if sheet.merged else ()
    return Staged(head, findings=findings)


def _measure(path: Path, watch: Watch) -> None:
    """Unpacked size, entities, and the rectangle each sheet would need; nothing is believed but the cells."""
    try:
        with damage_as("workbook-damaged"), zipfile.ZipFile(path) as archive:
            total = 0
            for info in archive.infolist():
                if not info.filename.endswith((".xml", ".rels")):
                    continue
                total = _measure_part(archive, info, total, watch)
    except RuntimeError as error:  # a password, or a compression we do not have
        raise invalid("workbook-damaged", detail=str(error)[:200]) from error


def _measure_part(archive: zipfile.ZipFile, info: zipfile.ZipInfo, total: int, watch: Watch) -> int:
    is_sheet = info.filename.startswith("xl/worksheets/")
    right = bottom = 0
    tail = b""
    with archive.open(info) as part:
        while block := part.read(BLOCK):
            total += len(block)
            watch.step("unpack", total)
            if total > WORKBOOK_BYTES:
                raise beyond(
                    "workbook-large", found=f">{WORKBOOK_BYTES // MIB} MiB", bound=f"{WORKBOOK_BYTES // MIB} MiB"
                )
            text = tail + block
            if ENTITY.search(text):
                raise invalid("workbook-entity")
            if is_sheet:
                for letters, number in REFERENCE.findall(text):
                    right, bottom = max(right, _column(letters)), max(bottom, int(number))
            tail = text[-256:]
    if right * bottom > WORKBOOK_CELLS:
        raise beyond("workbook-large", found=f"{right} x {bottom}", bound=f"{WORKBOOK_CELLS:,}")
    return total


def _sheet(workbook: python_calamine.CalamineWorkbook, name: str) -> Sheet | None:
    sheet = workbook.get_sheet_by_name(name)
    cells = sheet.to_python(skip_empty_area=False)
    rows = [[_text(cell) for cell in row] for row in cells]
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((place for row in rows for place, cell in enumerate(row, 1) if cell), default=0)
    if not width:
        return None
    rows = [row[:width] for row in rows]
    return Sheet(name, rows, _fill_merged(rows, sheet.merged_cell_ranges or ()))


def _fill_merged(rows: list[list[str]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> int:
    """A merged cell's text stands in each of its cells: what the reader of the sheet sees."""
    filled = 0
    for (top, left), (bottom, right) in merged:
        if top >= len(rows) or left >= len(rows[top]) or not rows[top][left] or _spans_a_title(rows, top, left, right):
            continue
        for row in rows[top : bottom + 1]:
            for place in range(left, min(right + 1, len(row))):
                row[place] = row[place] or rows[top][left]
        filled += 1
    return filled


def _spans_a_title(rows: list[list[str]], top: int, left: int, right: int) -> bool:
    """A cell merged over the whole width is a title above the table; filled, it would look like a header."""
    return right - left + 1 >= max(2, len(rows[top]) - 1)


def _text(cell: object) -> str:
    """A cell as text that the inference reads back: whole floats as whole numbers, times as ISO 8601."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        midnight = (cell.hour, cell.minute, cell.second, cell.microsecond) == (0, 0, 0, 0)
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return f"{cell.total_seconds() / 3600:g}"
    return str(cell) if cell is not None else ""


def _column(letters: bytes) -> int:
    """A=1 … XFD=16384."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _is_visible(sheet: python_calamine.SheetMetadata) -> bool:
    return (
        sheet.visible == python_calamine.SheetVisibleEnum.Visible
        and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
    )
