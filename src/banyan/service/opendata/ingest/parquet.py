"""Read Parquet: its own schema decides the types; nested values become JSON text."""

from __future__ import annotations

from pathlib import Path

import duckdb

from banyan.limits import COLUMNS, TABLE_ROWS
from banyan.service.opendata.ingest.delimited import Staged
from banyan.service.opendata.ingest.header import Head, unique_names
from banyan.service.opendata.ingest.refusal import beyond, invalid
from banyan.service.opendata.ingest.stage import Stage, identifier, literal
from banyan.service.opendata.model import ColumnType

TYPES: dict[str, ColumnType] = {
    "BOOLEAN": "boolean", "TINYINT": "integer", "SMALLINT": "integer", "INTEGER": "integer", "BIGINT": "integer",
    "UTINYINT": "integer", "USMALLINT": "integer", "UINTEGER": "integer", "UBIGINT": "integer", "FLOAT": "number",
    "DOUBLE": "number", "DATE": "date", "TIME": "time", "TIMESTAMP": "datetime", "TIMESTAMP_S": "datetime",
    "TIMESTAMP_MS": "datetime", "TIMESTAMP_NS": "datetime", "TIMESTAMP WITH TIME ZONE": "datetime",
}  # fmt: skip


def stage_parquet(stage: Stage, path: Path) -> Staged:
    """Fill the stage from a Parquet file. Raises Invalid when it is damaged, Limit when it claims too much."""
    table = f"read_parquet({literal(str(path))})"
    try:
        columns = [(str(row[0]), str(row[1])) for row in stage.run(f"describe select * from {table}")]
        rows = stage.count(
            f"select coalesce(sum(num_rows), 0)::bigint from parquet_file_metadata({literal(str(path))})"
        )
        if rows > TABLE_ROWS:
            raise beyond("table-rows", bound=TABLE_ROWS)
        if len(columns) > COLUMNS:
            raise beyond("columns", count=len(columns), bound=COLUMNS)
        chosen = ", ".join(f"{_as_text(name, kind)} as c{place}" for place, (name, kind) in enumerate(columns))
        stage.run(f"create table stage as select {chosen} from {table}", phase="read")
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise invalid(
            "parquet-damaged", detail=str(error).splitlines()[0].replace(str(path), path.name)[:200]
        ) from error
    headers = tuple(name for name, _ in columns)
    names, mended = unique_names(headers)
    declared = {name: _type_of(kind) for name, (_, kind) in zip(names, columns, strict=True)}
    blank = ("",) * len(names)
    return Staged(Head(names, headers, blank, blank, 0, 0, 0), findings=tuple(mended), declared=declared)


def _as_text(name: str, kind: str) -> str:
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({identifier(name)})::varchar"
    if kind == "BLOB":
        return f"hex({identifier(name)})"
    return f"nullif({identifier(name)}::varchar, '')"


def _type_of(kind: str) -> ColumnType:
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return "json"
    return "number" if kind.startswith("DECIMAL") else TYPES.get(kind, "text")
