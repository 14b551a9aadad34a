"""The columns of one stored version: names, aliases and types, and values read into those types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time

import msgspec

from banyan.service.opendata.model import Column, Version
from banyan.service.opendata.tables.query import Cell, Field, Scalar
from banyan.service.opendata.tables.refusals import unknown_field, wrong_value

ROW_ID = "_id"
_CKAN_BY_DUCK = {
    "VARCHAR": "text",
    "BIGINT": "int8",
    "HUGEINT": "int8",
    "UBIGINT": "int8",
    "UHUGEINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int4",
    "TINYINT": "int4",
    "UINTEGER": "int8",
    "USMALLINT": "int4",
    "UTINYINT": "int4",
    "DOUBLE": "float8",
    "FLOAT": "float8",
    "BOOLEAN": "bool",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIME": "time",
    "JSON": "json",
    "INTERVAL": "interval",
}
_TRUE = frozenset({"true", "t", "1", "yes", "on", "是"})
_FALSE = frozenset({"false", "f", "0", "no", "off", "否"})
_INT4 = range(-(2**31), 2**31)


def quoted(name: str) -> str:
    """A DuckDB identifier. The only way a data-dependent name enters an SQL text."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A DuckDB string literal, for the places that take no parameter (a file's path)."""
    return "'" + text.replace("'", "''") + "'"


def ckan_type(duck: str) -> str:
    """The type word CKAN's clients expect for a DuckDB type: `BIGINT` -> `int8`, `DECIMAL(18,3)` -> `numeric`."""
    if duck.startswith("DECIMAL"):
        return "numeric"
    return _CKAN_BY_DUCK.get(duck, "json" if duck.endswith("[]") or duck.startswith("STRUCT") else "text")


class Stored(msgspec.Struct, frozen=True):
    """One column as it lies in Parquet: published, raw text, derived (`_lon`) or the row number."""

    name: str
    duck: str
    ckan: str
    public: bool
    """Published by its agency. Others are given only to who names them."""

    @property
    def is_text(self) -> bool:
        return self.duck == "VARCHAR"


class Shape(msgspec.Struct, frozen=True):
    """What a version's Parquet file holds, and every name that leads to a column."""

    stored: tuple[Stored, ...]
    names: dict[str, Stored]

    def column(self, name: str, place: str) -> Stored:
        """The column called `name`, now or before. Raises Invalid at `place` (`filters`, `sort`, `fields`)."""
        found = self.names.get(name)
        if found is None:
            raise unknown_field(place, name, tuple(column.name for column in self.public))
        return found

    @property
    def public(self) -> tuple[Stored, ...]:
        return tuple(column for column in self.stored if column.public)

    @property
    def shown(self) -> tuple[Stored, ...]:
        """What a search without `fields` gives: the row number and the published columns."""
        return tuple(column for column in self.stored if column.public or column.name == ROW_ID)

    @property
    def texts(self) -> tuple[Stored, ...]:
        return tuple(column for column in self.public if column.is_text)


def shape(version: Version, schema: Mapping[str, str]) -> Shape:
    """Join what the version declares with the Parquet `schema` (name -> DuckDB type)."""
    declared = {column.name: column for column in version.columns}
    missing = declared.keys() - schema.keys()
    assert not missing, f"{version.parquet} lacks declared columns {sorted(missing)}"
    stored = tuple(
        Stored(name, duck, _word(name, duck, declared.get(name)), public=name in declared)
        for name, duck in schema.items()
    )
    names = {column.name: column for column in stored}
    for column in version.columns:
        for alias in column.aliases:
            names.setdefault(alias, names[column.name])
    return Shape(stored, names)


def _word(name: str, duck: str, column: Column | None) -> str:
    if name == ROW_ID:
        return "int"
    if column is not None and column.type == "json":
        return "json"
    if column is not None and column.type == "integer" and _fits_int4(column):
        return "int4"
    return ckan_type(duck)


def _fits_int4(column: Column) -> bool:
    try:
        return int(column.minimum) in _INT4 and int(column.maximum) in _INT4
    except ValueError:
        return False


def as_fields(columns: tuple[Stored, ...]) -> tuple[Field, ...]:
    return tuple(Field(column.name, column.ckan) for column in columns)


def coerce(column: Stored, value: Scalar, place: str) -> Cell:
    """Read a question's value as the column's type. Raises Invalid at `place` when it cannot be one."""
    if value is None:
        return None
    reader = _READERS.get(column.duck, _text)
    try:
        return reader(value)
    except (ValueError, OverflowError):
        raise wrong_value(place, f'invalid input for {column.ckan} "{column.name}": "{value}"') from None


def _text(value: Scalar) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _integer(value: Scalar) -> Cell:
    if isinstance(value, int):
        return _in_range(int(value))
    text = str(value).strip()
    try:
        return _in_range(int(text))
    except ValueError:
        return float(text)


def _in_range(value: int) -> int | float:
    return value if -(2**63) <= value < 2**63 else float(value)


def _number(value: Scalar) -> Cell:
    return float(value) if value is not None else None


def _boolean(value: Scalar) -> Cell:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(text)


def _date(value: Scalar) -> Cell:
    text = str(value).strip().replace("/", "-")
    if len(text) == len("2020-03"):
        text += "-01"
    return date.fromisoformat(text[:10]) if "T" in text else date.fromisoformat(text)


def _timestamp(value: Scalar) -> Cell:
    at = datetime.fromisoformat(str(value).strip().replace("/", "-"))
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _time(value: Scalar) -> Cell:
    return time.fromisoformat(str(value).strip())


_READERS: dict[str, Callable[[Scalar], Cell]] = {
    "BIGINT": _integer,
    "INTEGER": _integer,
    "DOUBLE": _number,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIME": _time,
}
