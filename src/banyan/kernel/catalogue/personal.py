"""Personal fields: an operation's answer says of each field what kind of personal data it is.

A personal field is `Annotated[T, personal("C034")] | UnsetType = UNSET`: what a basis does not cover is left out of the
answer, not blanked, so that nobody takes "unknown" for "no". Names of nested fields are dotted (`stay.county`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType, inspect

_KEY: Final = "personal"


def personal(category: str) -> msgspec.Meta:
    """Marks a field as personal data of a category (PDPA code such as C034)."""
    return msgspec.Meta(extra={_KEY: category})


def personal_fields(answer: Any) -> Mapping[str, str]:
    """The personal fields of an answer's type, by dotted name: their category. Raises AssertionError for a personal
    field that could not be left out."""
    found: dict[str, str] = {}
    _walk(inspect.type_info(answer), "", found)
    return found


def minimised(answer: Any, granted: frozenset[str], known: Mapping[str, str]) -> Any:
    """The answer with only the granted personal fields; what is not personal stays. A new value; the old is unchanged.

    A field that a type gained and nobody granted is left out: extra is denied, never silently shown."""
    return _minimised(answer, "", granted, tuple(known))


def _minimised(value: Any, prefix: str, granted: frozenset[str], known: tuple[str, ...]) -> Any:
    if isinstance(value, msgspec.Struct):
        hidden, deeper = _cuts(type(value), prefix, granted, known)
        changes: dict[str, Any] = dict.fromkeys(hidden, UNSET)
        for name in deeper:
            item = getattr(value, name)
            if isinstance(item, msgspec.Struct | list | tuple):
                changes[name] = _minimised(item, f"{prefix}{name}.", granted, known)
        return msgspec.structs.replace(value, **changes) if changes else value
    if isinstance(value, list | tuple):
        return type(value)(_minimised(item, prefix, granted, known) for item in value)
    return value


@lru_cache(maxsize=4_096)
def _cuts(
    kind: type[msgspec.Struct], prefix: str, granted: frozenset[str], known: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which fields of a type are left out, and which others may hold some that are."""
    places = {name: f"{prefix}{name}" for name in kind.__struct_fields__}
    hidden = tuple(name for name, here in places.items() if here in known and here not in granted)
    deeper = tuple(
        name for name, here in places.items()
        if name not in hidden and any(field.startswith(here + ".") for field in known)
    )  # fmt: skip
    return hidden, deeper


def _walk(kind: inspect.Type, prefix: str, found: dict[str, str]) -> None:
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        for option in kind.types:
            _walk(option, prefix, found)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        _walk(kind.item_type, prefix, found)
    elif isinstance(kind, inspect.StructType):
        defaults = {field.name: field.default for field in msgspec.structs.fields(kind.cls)}
        for field in kind.fields:
            name = f"{prefix}{field.name}"
            category = _category(field.type)
            if category:
                where = f"{kind.cls.__name__}.{field.name}"
                assert defaults[field.name] is UNSET, f"{where} is personal: give it the default UNSET"
                found[name] = category
            else:
                _walk(field.type, name + ".", found)


def _category(kind: inspect.Type) -> str:
    """The mark on a field's type, also inside a union with UnsetType."""
    if isinstance(kind, inspect.Metadata):
        mark = (kind.extra or {}).get(_KEY)
        return str(mark) if mark else _category(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((found for found in map(_category, kind.types) if found), "")
    return ""


__all__ = ["UNSET", "UnsetType", "minimised", "personal", "personal_fields"]
