"""Sentences of the feeds, from `feeds.toml`, in both languages: a feed does not know its reader."""

from __future__ import annotations

from typing import TypeVar

from banyan.errors import FieldError, Problem
from banyan.kernel.catalogue.messages import load_messages

MESSAGES = load_messages("banyan.service.supplies.feeds", "feeds.toml")
Refusal = TypeVar("Refusal", bound=Problem)


def sentence(key: str, **values: object) -> str:
    """The sentence in both languages: `中文。 (English.)`"""
    return f"{MESSAGES.text(key, 'zh-Hant', **values)} ({MESSAGES.text(key, 'en', **values)})"


def refusal(
    kind: type[Refusal],
    key: str,
    *,
    field: str = "",
    status: int | None = None,
    retry_after_s: int | None = None,
    **values: object,
) -> Refusal:
    """A refusal in both languages, `feeds.KEY.title` and `feeds.KEY.remedy`; `field` names what of the request is
    wrong."""
    title, remedy = sentence(f"feeds.{key}.title", **values), sentence(f"feeds.{key}.remedy", **values)
    fields = (FieldError(field, remedy),) if field else ()
    return kind(
        title, remedy=remedy, fields=fields, kind=key.replace("_", "-"), status=status, retry_after_s=retry_after_s
    )
