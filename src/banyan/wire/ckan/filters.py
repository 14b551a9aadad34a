"""`filters` of datastore_search: CKAN's old equality form, the ranges and the `$and`/`$or` of 2.12, and `filterops`.

    {"id": "1"}                      -> {"op": "eq", "field": "id", "value": "1"}
    {"adult": [10, 20]}              -> {"op": "in", ...}
    {"adult": {"gt": 10}}            -> {"op": "gt", ...}
    {"$or": [{...}, {...}]}          -> {"op": "$or", "field": null, "value": [...]}

Several conditions in one object are an `$and`. Source: CKAN 2.12 DataStore filters (field notes, section 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from banyan.limits import CKAN_FILTER_DEPTH, CKAN_FILTER_OPS
from banyan.wire.ckan.envelope import Json

Op = Literal["eq", "in", "gt", "gte", "lt", "lte", "$and", "$or"]
COMPARISONS: tuple[Op, ...] = ("eq", "in", "gt", "gte", "lt", "lte")


class Filter(msgspec.Struct, frozen=True):
    """One node of `filterops`. A comparison has a field and a value (`in`: a list); `$and`/`$or` have `parts`."""

    op: Op
    field: str = ""
    value: Json = None
    parts: tuple[Filter, ...] = ()

    def echo(self) -> Json:
        """The node as CKAN echoes it in `filterops`."""
        if self.op in ("$and", "$or"):
            return {"op": self.op, "field": None, "value": [part.echo() for part in self.parts]}
        return {"op": self.op, "field": self.field, "value": self.value}

    def fields(self) -> set[str]:
        """Every column that the tree names."""
        if self.field:
            return {self.field}
        return set().union(*(part.fields() for part in self.parts))


class FilterError(ValueError):
    """The filters are wrong; the text is the sentence for the `filters` field."""


def read_filters(filters: Json) -> Filter | None:
    """The tree of a `filters` object, None when it holds no condition. Errors: FilterError."""
    if not isinstance(filters, Mapping):
        raise FilterError("Not a dict")
    reader = _Reader()
    found = reader.read(filters, 0)
    return None if not found else found[0] if len(found) == 1 else Filter("$and", parts=tuple(found))


class _Reader:
    def __init__(self) -> None:
        self.count = 0

    def read(self, filters: Mapping[str, Json], depth: int) -> list[Filter]:
        if depth > CKAN_FILTER_DEPTH:
            raise FilterError(f"Filters nested deeper than {CKAN_FILTER_DEPTH} levels")
        found: list[Filter] = []
        for key, value in filters.items():
            if key in ("$and", "$or"):
                found.append(self._group("$and" if key == "$and" else "$or", value, depth))
            elif key.startswith("$"):
                raise FilterError(f"Unknown filter operation: {key}")
            else:
                found.extend(self._conditions(key, value))
        return found

    def _group(self, op: Literal["$and", "$or"], value: Json, depth: int) -> Filter:
        if not isinstance(value, list | tuple):
            raise FilterError(f"{op} needs a list of filters")
        parts: list[Filter] = []
        for inner in value:
            if not isinstance(inner, Mapping):
                raise FilterError(f"{op} needs a list of filters")
            found = self.read(inner, depth + 1)
            if len(found) == 1:
                parts += found
            elif found:
                parts.append(Filter("$and", parts=tuple(found)))
        self._counted(1)
        return parts[0] if len(parts) == 1 else Filter(op, parts=tuple(parts))

    def _conditions(self, field: str, value: Json) -> list[Filter]:
        if isinstance(value, Mapping):
            return [self._comparison(field, op, inner) for op, inner in value.items()]
        self._counted(1)
        return [Filter("in" if isinstance(value, list | tuple) else "eq", field, _value(value))]

    def _comparison(self, field: str, op: str, value: Json) -> Filter:
        self._counted(1)
        for known in COMPARISONS:
            if op == known and (op == "in") == isinstance(value, list | tuple):
                return Filter(known, field, _value(value))
        if op == "eq" and isinstance(value, list | tuple):
            return Filter("in", field, _value(value))
        raise FilterError(f"Unknown filter operation: {op}" if op not in COMPARISONS else f"{op} needs a single value")

    def _counted(self, more: int) -> None:
        self.count += more
        if self.count > CKAN_FILTER_OPS:
            raise FilterError(f"More than {CKAN_FILTER_OPS} filter operations")


def _value(value: Json) -> Json:
    """A scalar, or a list of scalars; a nested value has no meaning in a table."""
    inner = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(item, list | tuple | Mapping) for item in inner):
        raise FilterError("Filter values must be single values or a list of them")
    return value
