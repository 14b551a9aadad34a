"""Reading one action's parameters, with the words CKAN says when a value is wrong.

A Reader collects every wrong field and raises them together, as CKAN does. GET values are texts, POST values JSON:
both forms of each type are taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from banyan.wire.ckan.envelope import ActionError, Json, validation_error

_NAME = re.compile(r"[a-z0-9_\-]*")
_TRUE = ("true", "yes", "t", "y", "1")
_INT = re.compile(r"[+-]?\d{1,18}")


class Reader:
    """`errors` are field -> sentences; `finish` raises them. A field read twice reports once."""

    def __init__(self, params: Mapping[str, Json]) -> None:
        self.params = params
        self.errors: dict[str, Json] = {}

    def wrong(self, field: str, *sentences: str) -> None:
        self.errors.setdefault(field, list(sentences))

    def finish(self) -> None:
        """Raises the 409 Validation Error when anything was wrong."""
        if self.errors:
            raise validation_error(self.errors)

    def error(self) -> ActionError | None:
        return validation_error(self.errors) if self.errors else None

    def has(self, field: str) -> bool:
        return field in self.params and self.params[field] is not None

    def text(self, field: str, default: str = "") -> str:
        """A text; numbers are taken as their text."""
        value = self.params.get(field)
        if isinstance(value, str):
            return value
        if value is None:
            return default
        if isinstance(value, bool | int | float):
            return str(value)
        self.wrong(field, "Must be a Unicode string value")
        return default

    def required(self, field: str, *, said_of: str = "") -> str:
        """A text that must not be empty; `said_of` is the name CKAN uses in its complaint."""
        value = self.text(field)
        if not value and field not in self.errors:
            self.wrong(said_of or field, "Missing value")
        return value

    def flag(self, field: str, *, default: bool = False) -> bool:
        """CKAN's boolean: true, yes, t, y, 1 in any case are true, everything else false."""
        value = self.params.get(field)
        if value is None or value == "":
            return default
        return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE

    def natural(self, field: str, default: int) -> int:
        """A whole number from 0 on."""
        value = self.integer(field, default)
        if value < 0:
            self.wrong(field, "Must be a natural number")
            return default
        return value

    def integer(self, field: str, default: int, *, complaints: tuple[str, ...] = ("Invalid integer",)) -> int:
        value = self.params.get(field)
        if value is None or value == "":
            return default
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
            return value
        if isinstance(value, float) and value.is_integer() and abs(value) < 10**18:
            return int(value)
        if isinstance(value, str) and _INT.fullmatch(value.strip()):
            return int(value)
        self.wrong(field, *complaints)
        return default

    def texts(self, field: str) -> list[str]:
        """A list of texts: a JSON list, a repeated parameter, or one text that holds a JSON list or commas."""
        value = self.params.get(field)
        if isinstance(value, str):
            value = self._unpacked(field, value)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            value = [value]
        if not all(isinstance(item, str | int | float) for item in value):
            self.wrong(field, "Not a list of strings")
            return []
        return [str(item) for item in value]

    def _unpacked(self, field: str, text: str) -> Json:
        if not text.strip().startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
        found = self.json(field)
        return found if isinstance(found, list) else []

    def json(self, field: str) -> Json:
        """A JSON value, or the text of one."""
        value = self.params.get(field)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            found: Json = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            self.wrong(field, "Cannot parse JSON")
            return None
        return found

    def rows(self, field: str) -> list[Mapping[str, Json]]:
        """A list of objects (tags, extras, resources, fields, records)."""
        value = self.json(field)
        if value is None:
            return []
        if isinstance(value, Mapping):
            value = [value]
        if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
            self.wrong(field, "Only lists of dicts can be placed against subschema")
            return []
        return [item for item in value if isinstance(item, Mapping)]

    def name(self, field: str = "name") -> str:
        """A slug as CKAN demands it: 2-100 of a-z 0-9 - _."""
        value = self.text(field)
        if field in self.errors:
            return ""
        sentences = []
        if not value:
            sentences.append("Missing value")
        elif len(value) < 2:
            sentences.append("Must be at least 2 characters long")
        elif len(value) > 100:
            sentences.append("Name must be a maximum of 100 characters long")
        elif value in ("new", "edit", "search"):
            sentences.append("That name cannot be used")
        elif not _NAME.fullmatch(value):
            sentences.append("Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_")
        if sentences:
            self.wrong(field, *sentences)
        return value

    def one_of(self, field: str, values: Collection[str], default: str) -> str:
        value = self.text(field, default)
        if value not in values:
            self.wrong(field, f"Value must be one of: {'; '.join(values)}")
            return default
        return value
