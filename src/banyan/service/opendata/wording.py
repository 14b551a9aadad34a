"""Sentences of the registry and of publishing, from `publishing.toml`, in both languages."""

from __future__ import annotations

from typing import TypeVar

from banyan.errors import FieldError, NotFound, Problem
from banyan.kernel.catalogue.messages import load_messages

MESSAGES = load_messages("banyan.service.opendata", "publishing.toml")
Refusal = TypeVar("Refusal", bound=Problem)


def sentence(key: str, **values: object) -> str:
    """The sentence in both languages, for a place that does not know its reader: `中文。 (English.)`"""
    return f"{MESSAGES.text(key, 'zh-Hant', **values)} ({MESSAGES.text(key, 'en', **values)})"


def both(key: str, **values: object) -> tuple[str, str]:
    """Title and remedy of a refusal: `KEY.title` and `KEY.remedy`."""
    return sentence(f"{key}.title", **values), sentence(f"{key}.remedy", **values)


def refusal(kind: type[Refusal], key: str, *, field: str = "", status: int | None = None, **values: object) -> Refusal:
    """A refusal in both languages; its slug is the key's last segment. `field` names the request's wrong field."""
    title, remedy = both(key, **values)
    fields = (FieldError(field, remedy),) if field else ()
    return kind(title, remedy=remedy, fields=fields, kind=key.rpartition(".")[2].replace("_", "-"), status=status)


def unknown(noun: str, name: str) -> NotFound:
    """Nothing of that name. `noun` is dataset, resource, version, agency, theme, request or job."""
    zh, en = (MESSAGES.text(f"noun.{noun}", lang) for lang in ("zh-Hant", "en"))
    title, remedy = both("registry.unknown", noun_zh=zh, noun_en=en, name=name)
    return NotFound(title, remedy=remedy)
