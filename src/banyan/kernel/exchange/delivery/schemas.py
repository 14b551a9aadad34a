"""JSON Schema for events, as much of draft-07 and 2020-12 as tells what an event looks like.

A schema that uses anything else is refused when its type is made: a keyword that is passed over would let events in
that its author believes refused. Left out on purpose: `pattern` (a stranger's pattern can take for ever) and `$ref`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, cast
from uuid import UUID

import msgspec

from banyan.errors import UNREADABLE, Invalid
from banyan.limits_road import ROOM_SCHEMA_BYTES, ROOM_SCHEMA_DEPTH, ROOM_SCHEMA_STEPS

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Schema = bool | dict[str, Json]
_SAYS_NOTHING: Final = frozenset(
    ("$schema", "$id", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly", "deprecated")
)
_TYPES: Final = frozenset(("null", "boolean", "object", "array", "number", "integer", "string"))
_COUNTS: Final = frozenset(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"))
_NUMBERS: Final = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
_LISTS: Final = frozenset(("allOf", "anyOf", "oneOf"))
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")


def parse_schema(content: bytes) -> Schema:
    """Raises Invalid naming the keyword: not JSON, too large or deep, or not one of those that are checked."""
    if len(content) > ROOM_SCHEMA_BYTES:
        raise Invalid.at("schema", f"A schema has at most {ROOM_SCHEMA_BYTES} bytes.")
    schema = parse_json(content, "schema")
    _check_schema(schema, 0)
    return cast(Schema, schema)


def parse_json(content: bytes, field: str) -> Json:
    try:
        return cast(Json, msgspec.json.decode(content))
    except UNREADABLE as error:
        raise Invalid.at(field, "Send JSON.") from error


def check(schema: Schema, value: Json) -> None:
    """Raises Invalid naming the place in the event: it does not fit, is too deep, or takes too long to check."""
    steps = _Steps()
    wrong = _fault(schema, value, "event", steps)
    if wrong:
        raise Invalid.at(*wrong)


class _Steps:
    def __init__(self) -> None:
        self.left = ROOM_SCHEMA_STEPS

    def take(self, place: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Invalid.at("event", "Send a smaller event, or simplify its schema: checking it takes too long.")
        if place.count(".") + place.count("[") > ROOM_SCHEMA_DEPTH:
            raise Invalid.at("event", f"An event is at most {ROOM_SCHEMA_DEPTH} levels deep.")


_Wrong = tuple[str, str] | None


def _fault(schema: Schema, value: Json, place: str, steps: _Steps) -> _Wrong:
    """Where the value does not fit, and the fix; None when it fits."""
    steps.take(place)
    if isinstance(schema, bool):
        return None if schema else (place, "Leave it out.")
    for keyword, said in schema.items():
        rule = _RULES.get(keyword)
        found = rule(schema, said, value, place, steps) if rule else None
        if found:
            return found
    return None


_Rule = Callable[[Mapping[str, Json], Json, Json, str, _Steps], _Wrong]


def _type(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    names = cast("list[str]", said if isinstance(said, list) else [said])
    return None if any(_is(name, value) for name in names) else (place, f"Send {' or '.join(names)}.")


def _is(name: str, value: Json) -> bool:
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return name == "number" or isinstance(value, int) or value.is_integer()


def _const(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    return None if _same(said, value, steps) else (place, "Send the value of the schema.")


def _enum(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    fits = any(_same(one, value, steps) for one in cast("list[Json]", said))
    return None if fits else (place, "Send one of the values of the schema.")


def _same(one: Json, other: Json, steps: _Steps) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    steps.take("")
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key], steps) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other, [steps] * len(one)))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


_FITS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "minimum": lambda number, bound: number >= bound,
    "maximum": lambda number, bound: number <= bound,
    "exclusiveMinimum": lambda number, bound: number > bound,
    "exclusiveMaximum": lambda number, bound: number < bound,
    "multipleOf": lambda number, bound: (number / bound).is_integer(),
}


def _number(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    if not _is("number", value):
        return None
    number = cast(float, value)
    for keyword, fits in _FITS.items():
        bound = schema.get(keyword)
        if bound is not None and not fits(number, cast(float, bound)):
            return place, f"Send a number that fits {keyword} {bound}."
    return None


def _count(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    for kind, suffix in ((str, "Length"), (list, "Items"), (dict, "Properties")):
        if isinstance(value, kind):
            least, most = schema.get(f"min{suffix}", 0), schema.get(f"max{suffix}")
            if len(value) < cast(int, least) or (most is not None and len(value) > cast(int, most)):
                return place, f"Send {least} to {'any number' if most is None else most} of its parts."
    return None


def _required(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    if isinstance(value, dict):
        for name in cast("list[str]", said):
            if name not in value:
                return f"{place}.{name}", "Send it."
    return None


def _properties(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    if not isinstance(value, dict):
        return None
    known = cast("dict[str, Schema]", schema.get("properties", {}))
    rest = cast(Schema, schema.get("additionalProperties", True))
    for name, inner in value.items():
        found = _fault(known.get(name, rest), inner, f"{place}.{name}", steps)
        if found:
            return found
    return None


def _items(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    if isinstance(value, list):
        for number, inner in enumerate(value):
            found = _fault(cast(Schema, said), inner, f"{place}[{number}]", steps)
            if found:
                return found
    return None


def _unique(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    if said and isinstance(value, list):
        for number, one in enumerate(value):
            if any(_same(one, other, steps) for other in value[:number]):
                return f"{place}[{number}]", "Send each value once."
    return None


def _format(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    read = _FORMATS.get(str(said))
    if read is None or not isinstance(value, str):
        return None
    try:
        read(value)
    except ValueError:
        return place, f"Send a {said}."
    return None


def _combined(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    for keyword in _LISTS & schema.keys():
        faults = [_fault(one, value, place, steps) for one in cast("list[Schema]", schema[keyword])]
        fitting = faults.count(None)
        if keyword == "allOf" and fitting < len(faults):
            return next(found for found in faults if found)
        if keyword == "anyOf" and not fitting:
            return place, "Send one of the forms of the schema."
        if keyword == "oneOf" and fitting != 1:
            return place, "Send exactly one of the forms of the schema."
    return None


def _not(schema: Mapping[str, Json], said: Json, value: Json, place: str, steps: _Steps) -> _Wrong:
    return None if _fault(cast(Schema, said), value, place, steps) else (place, "Send another form.")


def _moment(text: str) -> None:
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text.upper()).replace("Z", "+00:00"))


_FORMATS: Final[Mapping[str, Callable[[str], object]]] = {
    "date-time": _moment,
    "date": lambda text: date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else int("no"),
    "uuid": lambda text: UUID(text) if len(text) == 36 else int("no"),
}
_RULES: Final[Mapping[str, _Rule]] = {
    "type": _type, "const": _const, "enum": _enum, "required": _required, "properties": _properties,
    "additionalProperties": _properties, "items": _items, "uniqueItems": _unique, "format": _format, "not": _not,
    **dict.fromkeys(_NUMBERS, _number), **dict.fromkeys(_COUNTS, _count), **dict.fromkeys(_LISTS, _combined),
}  # fmt: skip


def _check_schema(schema: Json, depth: int) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict) or depth > ROOM_SCHEMA_DEPTH:
        raise Invalid.at("schema", f"Send an object, at most {ROOM_SCHEMA_DEPTH} levels deep.")
    for keyword, said in schema.items():
        if keyword in _SAYS_NOTHING:
            continue
        if keyword not in _RULES or not _is_well_said(keyword, said):
            shown = keyword[:40]
            raise Invalid.at(f"schema.{shown}", "Leave it out or correct it: events cannot be checked by it.")
        for inner in _inner(keyword, said):
            _check_schema(inner, depth + 1)


def _is_well_said(keyword: str, said: Json) -> bool:
    if keyword == "type":
        names = said if isinstance(said, list) else [said]
        return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)
    if keyword in _COUNTS:
        return isinstance(said, int) and not isinstance(said, bool) and said >= 0
    if keyword in _NUMBERS:
        return _is("number", said) and (keyword != "multipleOf" or cast(float, said) > 0)
    if keyword in ("enum", *_LISTS):
        return isinstance(said, list) and bool(said)
    if keyword == "required":
        return isinstance(said, list) and all(isinstance(name, str) for name in said)
    if keyword == "properties":
        return isinstance(said, dict)
    if keyword in ("additionalProperties", "items", "not"):
        return isinstance(said, dict | bool)
    return {"format": isinstance(said, str), "uniqueItems": isinstance(said, bool)}.get(keyword, True)


def _inner(keyword: str, said: Json) -> Sequence[Json]:
    if keyword == "properties":
        return list(cast("dict[str, Json]", said).values())
    if keyword in _LISTS:
        return cast("list[Json]", said)
    return [said] if keyword in ("additionalProperties", "items", "not") else []
