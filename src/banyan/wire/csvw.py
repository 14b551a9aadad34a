"""CSV on the Web metadata of one table. Source: https://www.w3.org/TR/tabular-metadata/ (2015-12-17)."""

from __future__ import annotations

import msgspec

from banyan.wire.tableschema import Field, FieldType, Schema

MEDIA_TYPE = "application/csvm+json"
_DATATYPES: dict[FieldType, str] = {
    "string": "string",
    "integer": "integer",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "datetime": "dateTime",
    "time": "time",
    "year": "gYear",
    "yearmonth": "gYearMonth",
    "geojson": "json",
    "object": "json",
}


def write(url: str, schema: Schema, *, title: str, licence: str, language: str = "zh-Hant") -> bytes:
    """The metadata document of the CSV at `url`: RFC 4180, UTF-8, one header row, empty cells are null."""
    table: dict[str, object] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": language}],
        "url": url,
        "dc:title": title,
        "dc:license": {"@id": licence},
        "dialect": {"encoding": "utf-8", "header": True, "delimiter": ","},
        "tableSchema": {
            "columns": [_column(number, field) for number, field in enumerate(schema.fields, start=1)],
            **({"primaryKey": [_name(schema, key) for key in schema.primaryKey]} if schema.primaryKey else {}),
        },
    }
    return msgspec.json.encode(table)


def _name(schema: Schema, title: str) -> str:
    return f"c{next(number for number, field in enumerate(schema.fields, start=1) if field.name == title)}"


def _column(number: int, field: Field) -> dict[str, object]:
    """CSVW names are URI-template variables, so a Chinese header is a title and the name is its place."""
    column: dict[str, object] = {"name": f"c{number}", "titles": field.name, "datatype": _DATATYPES[field.type]}
    if field.description:
        column["dc:description"] = field.description
    if field.constraints and field.constraints.required:
        column["required"] = True
    return column
