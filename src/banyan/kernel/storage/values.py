"""Values that both engines keep alike. What only one would take is refused before either sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from banyan.errors import Invalid
from banyan.kernel.storage.store import SqlValue

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


def refuse_unfit(values: Mapping[str, SqlValue]) -> None:
    """Raise Invalid for text with NUL (PostgreSQL refuses it), not-a-number (SQLite makes it NULL), 65-bit integers."""
    for name, value in values.items():
        kind = type(value)
        if kind is str:
            if "\0" in value:  # type: ignore[operator]  # `kind` says it is text; isinstance costs twice as much here
                raise unfit(name)
        elif kind is float:
            if value != value:  # noqa: PLR0124  # the definition of not-a-number
                raise unfit(name)
        elif kind is int and not _LEAST <= value <= _MOST:  # type: ignore[operator]  # as above
            raise unfit(name)


def unfit(name: str = "") -> Invalid:
    """A value does not fit its column."""
    return Invalid.at(name or "value", "Send a value that fits: text without NUL, a 64-bit integer, a finite number.")
