"""XLSX downloads: one sheet, rows written as they come, memory constant. Texts stay texts: no cell is a formula."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from banyan.limits import EXPORT_ROWS_A_CHUNK, XLSX_CELL_CHARACTERS
from banyan.service.opendata.tables.query import Cell
from banyan.service.opendata.tables.workers import Connection

_EXACT = 2**53
"""Beyond this a spreadsheet's float changes an integer: it is written as text."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "default_date_format": "yyyy-mm-dd",
}


def write_xlsx(connection: Connection, sql: str, values: Sequence[Cell], names: Sequence[str], path: Path) -> None:
    """Run `sql` and write its rows under a header of `names` to `path`."""
    found = connection.execute(sql, list(values))
    book = xlsxwriter.Workbook(str(path), _OPTIONS | {"tmpdir": str(path.parent)})
    sheet = book.add_worksheet("data")
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for index, name in enumerate(names):
        sheet.write_string(0, index, name[:XLSX_CELL_CHARACTERS])
    sheet.freeze_panes(1, 0)
    number = 1
    while rows := found.fetchmany(EXPORT_ROWS_A_CHUNK):
        for row in rows:
            for index, cell in enumerate(row):
                _write(sheet, number, index, cell, moment)
            number += 1
    book.close()


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, moment: object) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | float) and math.isfinite(cell) and abs(cell) < _EXACT:
        sheet.write_number(row, column, cell)
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, column, cell, moment) if cell.year >= 1900 else _text(sheet, row, column, cell)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell) if cell.year >= 1900 else _text(sheet, row, column, cell)
    else:
        _text(sheet, row, column, cell)


def _text(sheet: Worksheet, row: int, column: int, cell: Cell) -> None:
    said = cell.isoformat() if isinstance(cell, date | time) else str(cell)
    sheet.write_string(row, column, said[:XLSX_CELL_CHARACTERS])
