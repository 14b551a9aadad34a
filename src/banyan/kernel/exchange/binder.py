"""The binder: compiled at an operation's first request from its type, it turns a query, form, path or body into it.

Texts are read by msgspec's lax rules (`"12"` is an integer); JSON bodies strictly. Nothing unknown or repeated passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect

from banyan.errors import FieldError, Invalid

Pairs = Sequence[tuple[str, str]]
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


class Unreadable(Invalid):
    """The request cannot be read at all: bad percent-encoding, bad UTF-8, NUL, broken JSON. Status 400."""

    status = 400
    kind = "unreadable"


class Misfit(Invalid):
    """The request reads but does not fit the type; `reason` is msgspec's own sentence, put in words by `explain`."""

    def __init__(self, reason: str, request: type[msgspec.Struct]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request = request


class Repeated(Invalid):
    """A field that takes one value came twice: two readers would choose differently, so nobody chooses."""

    kind = "repeated"

    def __init__(self, name: str) -> None:
        super().__init__(name, fields=(FieldError(name, "repeated"),))
        self.name = name


class Parameter(msgspec.Struct, frozen=True):
    """How one field is read from text. `shape`: one value, one value per repetition, or one JSON text."""

    field: str
    shape: str
    is_text: bool
    is_flag: bool
    has_default: bool


@lru_cache(maxsize=1024)
def parameters_of(request: type[msgspec.Struct]) -> Mapping[str, Parameter]:
    """The fields of a request type by their wire name."""
    described = inspect.type_info(request)
    assert isinstance(described, inspect.StructType), f"{request} must be a Struct"
    return {
        field.encode_name: Parameter(
            field=field.name,
            shape=_shape(field.type),
            is_text=_holds(field.type, inspect.StrType),
            is_flag=_holds(field.type, inspect.BoolType),
            has_default=not field.required,
        )
        for field in described.fields
    }


def _plain(kind: inspect.Type) -> inspect.Type:
    return _plain(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _options(kind: inspect.Type) -> list[inspect.Type]:
    plain = _plain(kind)
    return [_plain(option) for option in plain.types] if isinstance(plain, inspect.UnionType) else [plain]


def _holds(kind: inspect.Type, wanted: type[inspect.Type]) -> bool:
    return any(isinstance(option, wanted) for option in _options(kind))


_JSON_SHAPES = (inspect.StructType, inspect.DictType, inspect.RawType, inspect.AnyType, inspect.TypedDictType)
_LIST_SHAPES = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


def _shape(kind: inspect.Type) -> str:
    options = _options(kind)
    if any(isinstance(option, (*_JSON_SHAPES, inspect.TupleType)) for option in options):
        return "json"
    for option in options:
        if isinstance(option, _LIST_SHAPES):
            return "many" if _shape(option.item_type) == "one" else "json"
    return "one"


def pairs_of(query: str) -> list[tuple[str, str]]:
    """Split `a=1&b=%E8%87%BA`. Unreadable for bad percent-encoding, bad UTF-8 or NUL. Source: WHATWG URL 5.1."""
    if not query:
        return []
    coded = "%" in query or "+" in query
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((decoded(name), decoded(value)) if coded else (name, value))
    return pairs


def decoded(text: str, *, plus: bool = True) -> str:
    """Percent-decode strictly. `+` is a space in queries and forms, itself in paths."""
    if plus and "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text)
    try:
        plain = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8", remedy="percent-encode the text as UTF-8") from None
    if "\x00" in plain:
        raise Unreadable("NUL in text", remedy="leave the NUL character out")
    if text.count("%") != len(_ESCAPE.findall(text)):
        raise Unreadable("bad percent-encoding", remedy="write a literal % as %25")
    return plain


class Binder:
    """Reads one operation's requests. Types are looked into at an operation's first request: for all of them together
    it takes half a second that no start should wait for."""

    def __init__(self, request: type[msgspec.Struct], path_fields: Sequence[str] = ()) -> None:
        self.request = request
        self.path_fields = tuple(path_fields)
        missing = [name for name in path_fields if name not in request.__struct_encode_fields__]
        assert not missing, f"{request.__name__} lacks the path's fields {missing}"

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        return parameters_of(self.request)

    @cached_property
    def _path_types(self) -> Mapping[str, Any]:
        hints = get_type_hints(self.request, include_extras=True)
        return {name: hints[self.parameters[name].field] for name in self.path_fields}

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct]:
        return msgspec.json.Decoder(self.request)

    def from_pairs(self, pairs: Pairs, path: Mapping[str, str]) -> msgspec.Struct:
        """From a query or a form, with the path's fields."""
        values: dict[str, Any] = dict(path)
        for name, text in pairs:
            parameter = self.parameters.get(name)
            if parameter is None:
                raise Misfit(f"Object contains unknown field `{name}`", self.request)
            if parameter.shape == "many":
                values.setdefault(name, []).append(text)
            elif name in values:
                raise Repeated(name)
            elif not text and (parameter.has_default or not parameter.is_text):
                continue  # an empty box of a form without script means: not given
            else:
                values[name] = self._value(name, text, parameter)
        return self._convert(values, strict=False)

    def from_json(self, body: bytes, path: Mapping[str, str]) -> msgspec.Struct:
        """From a JSON body, with the path's fields."""
        try:
            if path:
                return self._merged(body, path)
            found = self._decoder.decode(body)
        except msgspec.ValidationError as error:
            if "`int`" in str(error) and "got `float`" in str(error):
                return self._convert(_integral(msgspec.json.decode(body)), strict=True)
            raise Misfit(str(error), self.request) from None
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Unreadable(f"not JSON: {error}", remedy="send one JSON object in UTF-8") from None
        if b"\\u0000" in body:
            _refuse_nul(msgspec.json.decode(body))
        return found

    def _merged(self, body: bytes, path: Mapping[str, str]) -> msgspec.Struct:
        values = msgspec.json.decode(body) if body.strip() else {}
        if not isinstance(values, dict):
            raise Misfit("Expected `object`", self.request)
        _refuse_nul(values)
        for name, text in path.items():
            if name in values:
                raise Repeated(name)
            values[name] = msgspec.convert(text, self._path_types[name], strict=False)
        return self._convert(_integral(values), strict=True)

    def _convert(self, values: object, *, strict: bool) -> msgspec.Struct:
        try:
            return msgspec.convert(values, self.request, strict=strict)
        except msgspec.ValidationError as error:
            raise Misfit(str(error), self.request) from None

    def _value(self, name: str, text: str, parameter: Parameter) -> Any:
        if parameter.shape == "json":
            try:
                return msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                raise Misfit(f"Expected JSON - at `$.{name}`", self.request) from None
        if parameter.is_flag and text == "on":  # a ticked box of a form
            return "true"
        return text


def _integral(value: object) -> object:
    """The document with `133.0` as `133`: JSON Schema calls both an integer (2020-12, 6.1.1)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _integral(child) for key, child in value.items()}
    return [_integral(child) for child in value] if isinstance(value, list) else value


def _refuse_nul(value: object) -> None:
    """NUL inside a JSON text: legal JSON, but no store of ours keeps it."""
    if isinstance(value, str):
        if "\x00" in value:
            raise Unreadable("NUL in text", remedy="leave the NUL character out")
    elif isinstance(value, dict):
        for key, child in value.items():
            _refuse_nul(key)
            _refuse_nul(child)
    elif isinstance(value, list):
        for child in value:
            _refuse_nul(child)
