"""Numbers in an area, from an operator's own table: Parquet or CSV, read by DuckDB in one pass with bounded memory.

Columns: `number` (E.164, with or without its plus sign), and `cell` (mcc-mnc-area-cell, as the table of cells names it)
or `area` (a town's or village's code, 8 or 11 digits); `lang` where it is known (zh…, or another: English). Each row is
one telephone in one place; the same number may stand in several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from banyan.errors import Invalid, Limit
from banyan.kernel.storage.statements import load_statements
from banyan.limits_alerts import AREA_NUMBERS, AREA_TABLE_BYTES, AREA_TABLE_MEMORY

if TYPE_CHECKING:
    import duckdb

SQL: Final = load_statements("banyan.craft.subscribers", "table.sql", is_portable=False)
Key = Literal["cell", "area"]
Language = Literal["zh-Hant", "en"]
SUFFIXES: Final = (".csv", ".gz", ".parquet")
BOUNDS: Final = {
    "threads": "1", "memory_limit": AREA_TABLE_MEMORY, "temp_directory": "", "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}  # fmt: skip


class Table(msgspec.Struct, frozen=True):
    """A file that can be read, and by what it is looked in."""

    path: Path
    key: Key
    has_lang: bool


class Wanted(msgspec.Struct, frozen=True):
    """Who is meant: who is in one of these cells; or in one of these places (codes of counties, towns or villages), or
    in a town that one of the villages is in, for such a row says no more."""

    cells: Sequence[str] = ()
    codes: Sequence[str] = ()


def table_at(path: Path, field: str) -> Table:
    """Look at a file's head. Raises Invalid naming the field, or Limit for one too large."""
    with _opened(path, field) as engine:
        names = {str(row[0]) for row in engine.execute(SQL["head"].text).fetchall()}
    if "number" not in names:
        raise Invalid.at(field, f"{path.name} has no column `number`")
    keys = names & {"cell", "area"}
    if len(keys) != 1:
        raise Invalid.at(field, f"{path.name} needs a column `cell` or a column `area`, one of the two")
    return Table(path, "cell" if "cell" in keys else "area", "lang" in names)


def numbers_in(table: Table, wanted: Wanted, *, rows: int) -> Iterator[list[tuple[str, Language]]]:
    """Number and language of whom it has there, `rows` at a time. Rows whose number is none are left out.

    Raises Invalid for a file that is gone or damaged, Limit beyond AREA_NUMBERS.
    """
    import duckdb

    given = 0
    with _opened(table.path, "table") as engine:
        try:
            engine.execute(SQL["with_lang" if table.has_lang else "without_lang"].text)
            if table.key == "cell":
                engine.execute(SQL["wanted_cells"].text, {"cells": list(wanted.cells)})
            else:
                engine.execute(SQL["wanted_codes"].text, {"codes": list(wanted.codes)})
            cursor = engine.execute(SQL[f"by_{table.key}"].text)
            while found := cursor.fetchmany(rows):
                given += len(found)
                if given > AREA_NUMBERS:
                    raise Limit("AREA_NUMBERS", remedy="Warn a smaller area.")
                yield [(str(number), "en" if lang == "en" else "zh-Hant") for number, lang in found]
        except duckdb.Error:  # its message may hold a row
            raise _damaged(table) from None


def wrong_rows(table: Table) -> int:
    """How many rows will be passed over, for their number or place is none. Raises Invalid as `numbers_in`."""
    import duckdb

    with _opened(table.path, "table") as engine:
        try:
            row = engine.execute(SQL[f"wrong_{table.key}"].text).fetchone()
        except duckdb.Error:
            raise _damaged(table) from None
    return int(row[0]) if row is not None else 0


def _damaged(table: Table) -> Invalid:
    return Invalid.at("table", f"{table.path.name} cannot be read to its end; write it anew")


@contextmanager
def _opened(path: Path, field: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own over one file, as the view `given`."""
    import duckdb

    if path.suffix not in SUFFIXES:
        raise Invalid.at(field, f"{path.name}: give a file that ends in .parquet, .csv or .csv.gz")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Invalid.at(field, f"{path}: {error.strerror}") from error
    if size > AREA_TABLE_BYTES:
        raise Limit(f"{path.name} has more than {AREA_TABLE_BYTES} bytes (AREA_TABLE_BYTES).", remedy="Split it.")
    engine = duckdb.connect(config=dict(BOUNDS))
    try:
        try:
            if path.suffix == ".parquet":
                engine.read_parquet(str(path)).create_view("given")
            else:
                engine.read_csv(str(path), header=True, all_varchar=True).create_view("given")
        except duckdb.Error:  # its message may hold a row
            raise Invalid.at(field, f"{path.name} is no table that can be read") from None
        yield engine
    finally:
        engine.close()
