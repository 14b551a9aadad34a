"""A table written row by row: its columns, its rows, and how records change them. Pure.

The complaints are CKAN's and PostgreSQL's words, which its clients show to people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Literal

import msgspec

from banyan.limits import COLUMNS
from banyan.service.opendata.ckan.declared import word
from banyan.service.opendata.model import ColumnType
from banyan.wire.ckan.envelope import Json, validation_error
from banyan.wire.ckan.values import Reader

Record = dict[str, Json]
Method = Literal["insert", "upsert", "update"]
TYPES: Mapping[str, ColumnType] = {
    **dict.fromkeys(("int", "int2", "int4", "int8", "integer", "bigint", "smallint", "serial"), "integer"),
    **dict.fromkeys(("float", "float4", "float8", "numeric", "double precision", "real", "number"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz", "timestamp without time zone", "datetime"), "datetime"),
    **dict.fromkeys(("bool", "boolean"), "boolean"),
    **dict.fromkeys(("text", "varchar", "string"), "text"),
    **dict.fromkeys(("json", "jsonb", "nested"), "json"),
    "date": "date",
    "time": "time",
}
"""CKAN's and PostgreSQL's type words and ours."""


class Table(msgspec.Struct):
    """A table as it is to be: columns with their types, key columns, rows."""

    columns: dict[str, ColumnType]
    key: tuple[str, ...]
    records: list[Record]


def method_of(reader: Reader) -> Method:
    match reader.one_of("method", ("upsert", "insert", "update"), "upsert"):
        case "insert":
            return "insert"
        case "update":
            return "update"
        case _:
            return "upsert"


def columns_of(reader: Reader) -> dict[str, ColumnType]:
    """The declared fields, `_id` aside; an unknown type is refused in CKAN's words."""
    columns: dict[str, ColumnType] = {}
    for row in reader.rows("fields"):
        name, kind = str(row.get("id") or "").strip(), str(row.get("type") or "text").lower()
        if not name or (name.startswith("_") and name != "_id") or '"' in name:
            reader.wrong("fields", f'"{name}" is not a valid field name')
        elif kind not in TYPES:
            reader.wrong("fields", f'"{kind}" is not a valid field type')
        elif name in columns:
            reader.wrong("fields", "Duplicate column names")
        elif name != "_id":
            columns[name] = TYPES[kind]
    if len(columns) > COLUMNS:
        reader.wrong("fields", f"At most {COLUMNS} columns")
    return columns


def add_columns(table: Table, records: Iterable[Record]) -> None:
    """Columns that only the records have take the type of their first value."""
    for record in records:
        for name, value in record.items():
            if name != "_id" and name not in table.columns and value is not None:
                table.columns[name] = _type_of(value)


def _type_of(value: Json) -> ColumnType:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "text" if isinstance(value, str) else "json"


def check_key(table: Table) -> None:
    unknown = [name for name in table.key if name not in table.columns]
    if unknown:
        raise validation_error({"primary_key": [f'field "{name}" does not exist' for name in unknown]})


def check_records(table: Table, records: Sequence[Record], method: Method) -> None:
    if method != "insert" and not table.key:
        raise validation_error({"table": ["table does not have a unique key defined"]})
    for number, record in enumerate(records):
        unknown = sorted(record.keys() - table.columns.keys() - {"_id"})
        if unknown:
            raise validation_error({"records": [f'row "{number + 1}" has extra keys "{", ".join(unknown)}"']})
        missing = [name for name in table.key if record.get(name) is None]
        if missing:
            raise validation_error({"key": [f'fields "{", ".join(missing)}" are missing']})


def apply(table: Table, records: Sequence[Record], method: Method) -> None:
    """Put the records into the table. Raises CKAN's 409 for a double key and for an update without its row."""
    places = {_key(table, record): at for at, record in enumerate(table.records)} if table.key else {}
    for record in records:
        row = {name: record.get(name) for name in table.columns}
        at = places.get(_key(table, row)) if table.key else None
        if at is not None and method == "insert":
            raise validation_error({"records": ["duplicate key value violates unique constraint"]})
        if at is not None:
            table.records[at] |= {name: value for name, value in record.items() if name in table.columns}
        elif method == "update":
            raise validation_error({"key": [f'key "{_key(table, row)}" not found']})
        else:
            places[_key(table, row)] = len(table.records)
            table.records.append(row)


def _key(table: Table, record: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in table.key)


def lines(table: Table) -> bytes:
    """One JSON object a line; every column on every line, in order, so that none is lost."""
    return b"".join(
        msgspec.json.encode({name: record.get(name) for name in table.columns}) + b"\n" for record in table.records
    )


def typed(record: Record, columns: Mapping[str, ColumnType]) -> Record:
    """The record with each value as its column's type takes it; `_id` is ours to give."""
    return {name: _typed(name, value, columns) for name, value in record.items() if name != "_id"}


def _typed(name: str, value: Json, columns: Mapping[str, ColumnType]) -> Json:
    """The value as its column's type takes it. Raises CKAN's 409 for one that it cannot be."""
    kind = columns.get(name)
    if value is None or kind is None or (value == "" and kind != "text"):
        return None
    try:
        return _READERS[kind](value)
    except (ValueError, TypeError, OverflowError, KeyError):
        shown = str(value)[:100]
        raise validation_error({"records": [f'invalid input syntax for type {word(kind)}: "{shown}"']}) from None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _integer(value: Json) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int | str) or isinstance(value, bool) or not -(2**63) <= int(value) < 2**63:
        raise ValueError(value)
    return int(value)


def _number(value: Json) -> float:
    if not isinstance(value, int | float | str) or isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(value)
    return float(value)


def _boolean(value: Json) -> bool:
    texts = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    return value if isinstance(value, bool) else texts[str(value).strip().lower()]


def _moment(value: Json) -> str:
    at = datetime.fromisoformat(_text(value).strip())
    return (at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at).isoformat()


_READERS: Mapping[ColumnType, Callable[[Json], Json]] = {
    "text": _text,
    "json": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "datetime": _moment,
    "date": lambda value: date.fromisoformat(_text(value).strip()).isoformat(),
    "month": lambda value: date.fromisoformat(_text(value).strip()).isoformat(),
    "time": lambda value: time.fromisoformat(_text(value).strip()).isoformat(),
    "year": _integer,
}
