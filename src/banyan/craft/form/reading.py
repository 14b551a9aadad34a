"""Answers to a form's questions become the typed request, or a list of what to mend, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar, get_type_hints

import msgspec

from banyan.craft.form.fields import Field
from banyan.errors import FieldError, Invalid
from banyan.kernel.catalogue.messages import load_messages

MESSAGES = load_messages(__package__ or "banyan.craft.form")
Request = TypeVar("Request", bound=msgspec.Struct)


def read_form(
    request: type[Request], fields: Sequence[Field], answers: Sequence[tuple[str, str]], *, lang: str
) -> Request:
    """The request these answers make. Raises Invalid with one FieldError for each field that must be mended.

    `answers` are decoded form pairs; a name may come several times. Empty answers count as not given.
    """
    hints = get_type_hints(request, include_extras=True)
    members = {field.encode_name: field.name for field in msgspec.structs.fields(request)}
    values: dict[str, object] = {}
    wrong: list[FieldError] = []
    for field in fields:
        given = [value for name, value in answers if name == field.name]
        try:
            value = read_field(field, given, hints[members[field.name]], lang=lang)
        except Invalid as invalid:
            wrong.extend(invalid.fields)
        else:
            if value is not msgspec.UNSET:
                values[field.name] = value
    if wrong:
        raise Invalid(wrong[0].fix, fields=wrong)
    return msgspec.convert(values, request, strict=False)


def read_field(field: Field, given: Sequence[str], kind: object, *, lang: str) -> object:
    """One answer as its type, UNSET when there is none. Raises Invalid saying what to mend."""
    texts = [text.strip() for text in given if text.strip()]
    if not texts:
        if field.required and field.kind != "yes_no":
            raise _wrong(field, "missing", lang)
        return False if field.kind == "yes_no" and field.required else msgspec.UNSET
    try:
        return msgspec.convert(_plain(field, texts, lang), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _named(field, str(error), lang) from error


def _plain(field: Field, texts: Sequence[str], lang: str) -> object:
    """The answer as plain data: lists split by line, JSON parsed, a ticked box as true."""
    if field.kind == "list":
        return [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    if field.kind == "yes_no":
        return texts[-1].lower() in ("true", "on", "1", "yes")
    if field.kind == "json":
        try:
            decoded: object = msgspec.json.decode(texts[-1])
        except (msgspec.DecodeError, RecursionError) as error:
            raise _wrong(field, "json", lang) from error
        return decoded
    return texts[-1]


_SAID_BY_MSGSPEC: Mapping[str, str] = {
    r"Expected `int`": "integer",
    r"Expected `float`": "number",
    r"Expected `date`|Invalid RFC3339 encoded date": "date",
    r"Invalid enum value": "choice",
    r">= -?[\d.]+": "minimum",
    r"<= -?[\d.]+": "maximum",
    r"of length <= \d+": "long",
    r"of length >= \d+": "short",
    r"matching regex": "pattern",
}


def _named(field: Field, said: str, lang: str) -> Invalid:
    """What msgspec said, in the person's own words; lengths are looked at first because they also hold a bound."""
    for key in ("long", "short", "minimum", "maximum", "integer", "number", "date", "choice", "pattern"):
        pattern = next(text for text, name in _SAID_BY_MSGSPEC.items() if name == key)
        if found := re.search(pattern, said):
            bound = re.search(r"-?[\d.]+$", found.group())
            return _wrong(field, key, lang, bound=bound.group().rstrip(".") if bound else "")
    return _wrong(field, "unfit", lang, detail=said)


def _wrong(field: Field, key: str, lang: str, **values: str) -> Invalid:
    label = field.label.get(lang, field.name)
    return Invalid.at(field.name, MESSAGES.text(f"form.{key}", lang, label=label, **values))
