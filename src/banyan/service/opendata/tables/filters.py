"""CKAN's filter, sort and q notations, read into the values of `query` and written back.

Source: CKAN 2.12 `datastore_search`, its `filters` (equality, lists, `{"year": {"lt": 2020}}`, `$and`, `$or`) and the
echoed `filterops`; `ne contains startswith isnull` are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from banyan.limits import FILTER_DEPTH, FILTER_LIST_VALUES, FILTER_OPERATIONS
from banyan.service.opendata.tables.query import COMPARE_OPS, Compare, CompareOp, Filter, Group, Scalar, SortKey, Words
from banyan.service.opendata.tables.refusals import too_much, wrong_value

_SORT = re.compile(
    r'^("(?P<quoted>[^"]+)"|(?P<plain>.+?))(\s+(?P<way>asc|desc))?(\s+nulls\s+(?P<nulls>first|last))?$', re.I
)


def parse_filters(filters: object) -> Filter | None:
    """Read CKAN's filters object: `{"county": "花蓮縣", "adult": [1, 2], "day": {"gte": "2020-02-01"}}`.

    Raises Invalid (place `filters`) for another shape, Limit beyond FILTER_OPERATIONS tests or FILTER_DEPTH levels.
    """
    if filters in (None, "", {}):
        return None
    found = _object(filters, 1)
    if operations(found) > FILTER_OPERATIONS:
        raise too_much("filter_size", operations=FILTER_OPERATIONS, depth=FILTER_DEPTH)
    return found


def operations(where: Filter) -> int:
    """How many tests and groups a filter holds."""
    return 1 + sum(operations(item) for item in where.items) if isinstance(where, Group) else 1


def all_of(items: Sequence[Filter]) -> Filter | None:
    """One filter that holds when all the items hold; None when there are none."""
    if not items:
        return None
    return items[0] if len(items) == 1 else Group("$and", tuple(items))


def filterops(where: Filter) -> dict[str, object]:
    """The echo CKAN 2.12 gives: `{"op": "eq", "field": "id", "value": "1"}`, groups nested with `field` null."""
    if isinstance(where, Group):
        return {"op": where.op, "field": None, "value": [filterops(item) for item in where.items]}
    value = list(where.value) if isinstance(where.value, tuple) else where.value
    return {"op": where.op, "field": where.field, "value": value}


def as_filters(where: Filter) -> dict[str, object]:
    """The inverse of `parse_filters`, for links and examples."""
    if isinstance(where, Group):
        return {where.op: [as_filters(item) for item in where.items]}
    if where.op == "eq":
        return {where.field: where.value}
    if where.op == "in":
        return {where.field: list(where.value) if isinstance(where.value, tuple) else [where.value]}
    return {where.field: {where.op: where.value}}


def parse_sort(text: str | Sequence[str]) -> tuple[SortKey, ...]:
    """Read `a, "b c" desc nulls last`. As in PostgreSQL, nulls come last upwards and first downwards unless said."""
    parts = split_names(text) if isinstance(text, str) else list(text)
    keys = []
    for part in parts:
        match = _SORT.match(part.strip())
        if match is None:
            raise wrong_value("sort", f'invalid value "{part}"')
        down = (match["way"] or "").lower() == "desc"
        nulls = (match["nulls"] or "").lower() or ("first" if down else "last")
        name = match["quoted"] or match["plain"]
        keys.append(SortKey(name, descending=down, nulls="first" if nulls == "first" else "last"))
    return tuple(keys)


def split_names(text: str) -> list[str]:
    """Split at commas outside double quotes; blanks around a part are dropped."""
    parts = re.findall(r'(?:"[^"]*"|[^,"])+', text)
    return [part.strip() for part in parts if part.strip()]


def parse_words(q: object) -> tuple[Words, ...]:
    """Read CKAN's `q`: a text for all columns, or `{"name": "藥局"}` for some."""
    if q in (None, "", {}):
        return ()
    if isinstance(q, str):
        return (Words(q),)
    if isinstance(q, Mapping) and all(isinstance(text, str) for text in q.values()):
        return tuple(Words(str(text), str(field)) for field, text in q.items())
    raise wrong_value("q", "Expected a string or a dict of field names and strings")


def _object(filters: object, depth: int) -> Filter:
    if not isinstance(filters, Mapping):
        raise wrong_value("filters", "Expected a dict of field names and values")
    if depth > FILTER_DEPTH:
        raise too_much("filter_size", operations=FILTER_OPERATIONS, depth=FILTER_DEPTH)
    items = [item for name, value in filters.items() for item in _entry(str(name), value, depth)]
    return items[0] if len(items) == 1 else Group("$and", tuple(items))


def _entry(name: str, value: object, depth: int) -> list[Filter]:
    if name in ("$and", "$or"):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise wrong_value("filters", f"{name} must be a list of filters")
        return [Group("$and" if name == "$and" else "$or", tuple(_object(item, depth + 1) for item in value))]
    if isinstance(value, Mapping):
        return [_operation(name, str(op), operand) for op, operand in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [Compare(name, "in", _values(value))]
    return [Compare(name, "eq", _value(value))]


def _operation(name: str, op: str, operand: object) -> Compare:
    known = _known(op)
    if known is None:
        raise wrong_value("filters", f"Unknown operator: {op}")
    if known == "in":
        if not isinstance(operand, Sequence) or isinstance(operand, str):
            raise wrong_value("filters", "in must be a list of values")
        return Compare(name, "in", _values(operand))
    return Compare(name, known, _value(operand))


def _known(op: str) -> CompareOp | None:
    return next((known for known in COMPARE_OPS if known == op), None)


def _values(value: Sequence[object]) -> tuple[Scalar, ...]:
    if len(value) > FILTER_LIST_VALUES:
        raise wrong_value("filters", f"a list may hold {FILTER_LIST_VALUES} values")
    return tuple(_value(item) for item in value)


def _value(value: object) -> Scalar:
    if _is_scalar(value):
        return value
    raise wrong_value("filters", "Expected a string, a number, true, false or null")


def _is_scalar(value: object) -> TypeGuard[Scalar]:
    return value is None or isinstance(value, str | int | float | bool)
