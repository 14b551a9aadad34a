"""A table that is declared and has no row yet: `datastore_create` with fields alone, as loaders begin.

Nothing is published of it until its first row comes. The declaration lies in the resource's extras, where it survives
a client that reads a package and sends it back.
"""

from __future__ import annotations

import msgspec

from banyan.service.opendata.model import ColumnType, Dataset, Resource
from banyan.service.opendata.tables.operations import Origin, Rows, RowsQuery
from banyan.service.opendata.tables.query import Field

KEY = "datastore_declared"
WORDS = {"integer": "int8", "number": "float8", "datetime": "timestamp", "boolean": "bool", "year": "int4"}


class Declared(msgspec.Struct, frozen=True):
    """Columns with their types in order, and the key columns."""

    columns: dict[str, ColumnType]
    key: tuple[str, ...] = ()


def declared(resource: Resource) -> Declared | None:
    """What is declared of the resource's table; None when there is nothing, or the table has rows."""
    text = resource.extras.get(KEY, "")
    if not text or resource.is_table:
        return None
    try:
        return msgspec.json.decode(text, type=Declared)
    except msgspec.DecodeError:
        return None


def word(kind: ColumnType) -> str:
    """CKAN's word for a column type."""
    return WORDS.get(kind, "date" if kind == "month" else kind)


def no_rows(found: Declared, dataset: Dataset, resource: Resource, query: RowsQuery) -> Rows:
    """The page of a table without rows."""
    fields = [Field("_id", "int"), *(Field(name, word(kind)) for name, kind in found.columns.items())]
    wanted = [field for field in fields if field.id in query.fields] if query.fields else fields
    return Rows(
        origin=Origin(dataset.name, dataset.title, resource.id, 0, "", dataset.licence_id),
        fields=tuple(wanted),
        records=[] if query.records in ("objects", "lists") else "",
        limit=query.limit,
        offset=query.offset,
        total=0 if query.total else None,
        next=None,
    )
