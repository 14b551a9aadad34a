"""Of an API's operations those whose requests together show every shape of field that any of them has.

A stranger's tool breaks a field by its schema: another type, over the limit, a null, a missing one. Who refuses is the
one binder that all operations share, so it is enough to break each *shape* of field (where it stands, its type, and
which keywords say what it may hold) in one operation. What is allowed reaches the operation's own code, and is sent to
every one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MEANT_FOR_READERS = frozenset({"title", "description", "default", "example", "examples", "properties", "$ref"})


def telling(document: Mapping[str, Any]) -> list[str]:
    """The ids of these operations, by and large the fewest."""
    left = {
        operation["operationId"]: set(_shapes(document, method, operation))
        for path in document["paths"].values()
        for method, operation in path.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
    chosen: list[str] = []
    while left:
        best = max(left, key=lambda one: len(left[one]))
        if not left[best]:
            break
        chosen.append(best)
        new = left.pop(best)
        for shapes in left.values():
            shapes.difference_update(new)
    return chosen


def _shapes(document: Mapping[str, Any], method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"{method} {sorted(operation.get('requestBody', {}).get('content', ()))} {sorted(operation['responses'])}"
    for parameter in operation.get("parameters", ()):
        where = f"{parameter['in']} {parameter.get('required', False)}"
        for one in (parameter, *parameter.get("content", {}).values()):
            yield from _fields(document, where, one.get("schema", {}), ())
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield from _fields(document, kind, content.get("schema", {}), ())


def _fields(
    document: Mapping[str, Any], where: str, schema: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[str]:
    reference = schema.get("$ref", "")
    if reference in above:
        return
    if reference:
        schema = {**document["components"]["schemas"][reference.rpartition("/")[2]], **schema}
        above = (*above, reference)
    kind = f"{schema.get('type', '')} {schema.get('format', '')}"
    yield f"{where}: {kind} {sorted(set(schema) - MEANT_FOR_READERS)}"
    for name, field in schema.get("properties", {}).items():
        yield from _fields(document, f"{kind} {name in schema.get('required', ())}", field, above)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _fields(document, key, schema[key], above)
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, ()):
            yield from _fields(document, key, one, above)
