"""Questions from a request type: one `Field` for each member of a msgspec struct, in its order.

A member names itself with `Annotated[T, Meta(extra={"label": {...}, "hint": {...}})]`; else the caller's words do.
Source: the one-question-list form of the GOV.UK Design System (text input, select, checkboxes, textarea, date).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import inspect

from banyan.kernel.catalogue.operation import Text

FieldKind = Literal["text", "long_text", "integer", "number", "yes_no", "choice", "list", "date", "json"]
Words = Callable[[str], Text | None]
"""The bilingual word for a message key, or None when the catalogue has none."""

LONG_NAMES = frozenset({"notes", "text", "sql", "description", "body", "answer", "question"})
"""Members that hold a paragraph: they get several lines to write in."""


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question. Bounds are the schema's own; None means no bound. `many` takes several answers, one a line."""

    name: str
    kind: FieldKind
    label: Text
    hint: Text = {}
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    choice_labels: Mapping[str, Text] = {}
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None

    @property
    def many(self) -> bool:
        return self.kind == "list"


def fields_of(request: type[msgspec.Struct], words: Words) -> tuple[Field, ...]:
    """The questions of `request`. `words` is asked for `field.NAME.label`, `.hint` and `field.NAME.choice.VALUE`."""
    info = inspect.type_info(request)
    assert isinstance(info, inspect.StructType), f"{request.__name__} is not a struct"
    return tuple(_field(member, words) for member in info.fields)


def _field(member: inspect.Field, words: Words) -> Field:
    kind_type, extra = _unwrapped(member.type)
    name = member.encode_name
    choices = _choices(kind_type)
    return Field(
        name=name,
        kind=_kind(name, kind_type, choices),
        label=_spoken(extra.get("label")) or words(f"field.{name}.label") or {"zh-Hant": name, "en": name},
        hint=_spoken(extra.get("hint")) or words(f"field.{name}.hint") or {},
        required=member.required,
        default=_default(member),
        choices=choices,
        choice_labels={
            choice: said for choice in choices if (said := words(f"field.{name}.choice.{choice or 'none'}")) is not None
        },
        minimum=_bound(kind_type, "ge"),
        maximum=_bound(kind_type, "le"),
        min_length=_length(kind_type, "min_length"),
        max_length=_length(kind_type, "max_length"),
    )


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, Mapping[str, object]]:
    """The type inside Metadata wrappers and `T | None`, with what the Metadata said beside it."""
    extra: dict[str, object] = {}
    while True:
        if isinstance(kind, inspect.Metadata):
            extra |= kind.extra or {}
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            others = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
            if len(others) != 1:
                return kind, extra
            kind = others[0]
        else:
            return kind, extra


def _kind(name: str, kind: inspect.Type, choices: tuple[str, ...]) -> FieldKind:
    if choices:
        return "choice"
    match kind:
        case inspect.BoolType():
            return "yes_no"
        case inspect.IntType():
            return "integer"
        case inspect.FloatType():
            return "number"
        case inspect.DateType():
            return "date"
        case inspect.StrType():
            return "long_text" if name in LONG_NAMES else "text"
        case inspect.CollectionType() | inspect.VarTupleType() if _is_text(kind.item_type):
            return "list"
        case _:
            return "json"


def _is_text(kind: inspect.Type) -> bool:
    return isinstance(_unwrapped(kind)[0], inspect.StrType)


def _choices(kind: inspect.Type) -> tuple[str, ...]:
    if isinstance(kind, inspect.LiteralType):
        return tuple(str(value) for value in kind.values)
    if isinstance(kind, inspect.EnumType):
        return tuple(str(item.value) for item in kind.cls)
    return ()


def _default(member: inspect.Field) -> str:
    value = member.default
    if value is msgspec.NODEFAULT or value is msgspec.UNSET or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, str | int | float):
        return str(value)
    return "" if not value else msgspec.json.encode(value).decode()


def _bound(kind: inspect.Type, side: Literal["ge", "le"]) -> float | None:
    return getattr(kind, side) if isinstance(kind, inspect.IntType | inspect.FloatType) else None


def _length(kind: inspect.Type, side: Literal["min_length", "max_length"]) -> int | None:
    return getattr(kind, side) if isinstance(kind, inspect.StrType) else None


def _spoken(value: object) -> Text | None:
    """A bilingual text from a Metadata's extra; anything else is nobody's word."""
    return value if isinstance(value, dict) and {"zh-Hant", "en"} <= value.keys() else None
