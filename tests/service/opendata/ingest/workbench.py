"""Builders for ingest tests: bytes in, tables and cells out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
from tests.make import shared_data

from banyan.service.opendata.ingest import Options, Table, ingest


def read(folder: Path, content: bytes | str, *, name: str = "data.csv", **options: Any) -> list[Table]:
    """Ingest these bytes under this name."""
    source = folder / "source"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    return ingest(source, name, options=Options(**options), work=folder / "work")


def read_one(folder: Path, content: bytes | str, *, name: str = "data.csv", **options: Any) -> Table:
    (table,) = read(folder, content, name=name, **options)
    return table


def read_real(folder: Path, path: str, **options: Any) -> Table:
    """A file of shared data that holds one table."""
    source = shared_data(path)
    (table,) = ingest(source, source.name, options=Options(**options), work=folder / "work")
    return table


def rows_of(table: Table, sql: str = "select * from t order by _id") -> list[tuple[Any, ...]]:
    """Rows of the Parquet file, as `t`."""
    with duckdb.connect() as con:
        con.execute(f"create view t as select * from read_parquet('{table.parquet}')")
        return con.execute(sql).fetchall()


def types_of(table: Table) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def codes_of(table: Table) -> set[tuple[str, str]]:
    """(finding, column) of every finding."""
    return {(one.code, one.column) for one in table.findings}


def finding(table: Table, code: str, column: str = "") -> Any:
    """The one finding of this code."""
    (found,) = [one for one in table.findings if one.code == code and (not column or one.column == column)]
    return found
