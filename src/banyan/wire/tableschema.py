"""Table Schema of a data file: fields, types, keys, missing values. Source: https://specs.frictionlessdata.io/table-schema/
(v1, as frictionless 5 validates; every word here is also valid in v2).
"""

from __future__ import annotations

from typing import Literal

import msgspec

FieldType = Literal[
    "string", "integer", "number", "boolean", "date", "datetime", "time", "year", "yearmonth", "geojson", "object"
]
Value = str | int | float | bool


class Constraints(msgspec.Struct, frozen=True, omit_defaults=True):
    required: bool = False
    unique: bool = False
    minimum: Value | None = None
    maximum: Value | None = None


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column. `name` is the header cell of the file as served."""

    name: str
    type: FieldType
    format: str = ""
    title: str = ""
    description: str = ""
    unit: str = ""
    rdfType: str = ""
    example: str = ""
    constraints: Constraints | None = None
    aliases: tuple[str, ...] = ()


class Schema(msgspec.Struct, frozen=True, omit_defaults=True):
    fields: tuple[Field, ...]
    primaryKey: tuple[str, ...] = ()
    missingValues: tuple[str, ...] = ("",)

    def json(self) -> bytes:
        return msgspec.json.encode(document(self))


def document(schema: Schema) -> dict[str, object]:
    """Plain values, with `missingValues` always said: an empty cell is missing, nothing else is."""
    plain: dict[str, object] = msgspec.to_builtins(schema)
    plain["missingValues"] = list(schema.missingValues)
    return plain
