"""The ways a file is refused, in both languages: what is wrong, and what to do."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from banyan.errors import FieldError, Invalid, Limit

if TYPE_CHECKING:
    from banyan.kernel.catalogue.messages import Messages


@cache
def messages() -> Messages:
    """The sentences of the ingest. Loaded when one is told: a process that reads a file well has no use for them, nor
    for the kernel's other rings that come with them (0.1 s of CPU)."""
    from banyan.kernel.catalogue.messages import load_messages

    return load_messages(__package__)


def invalid(code: str, field: str = "file", **values: object) -> Invalid:
    """The file or an option is wrong: `refusal.CODE.title` and `.remedy` of messages.toml, zh-Hant then English."""
    title, remedy = _both(f"refusal.{code}.title", values), _both(f"refusal.{code}.remedy", values)
    return Invalid(title, remedy=remedy, fields=(FieldError(field, remedy),), kind=code)


def beyond(code: str, field: str = "file", **values: object) -> Limit:
    """A bound of limits.py was met."""
    title, remedy = _both(f"refusal.{code}.title", values), _both(f"refusal.{code}.remedy", values)
    return Limit(title, remedy=remedy, fields=(FieldError(field, remedy),), kind=code)


def _both(key: str, values: dict[str, object]) -> str:
    return f"{messages().text(key, 'zh-Hant', **values)} ({messages().text(key, 'en', **values)})"
