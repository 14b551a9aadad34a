"""Sentences of the kit, from `kit.toml`."""

from __future__ import annotations

from typing import TypeVar

from banyan.errors import Problem
from banyan.kernel.catalogue.messages import load_messages

MESSAGES = load_messages("banyan.kit", "kit.toml")
Refusal = TypeVar("Refusal", bound=Problem)


def refusal(kind: type[Refusal], key: str, **values: object) -> Refusal:
    """A refusal in both languages, `refused.KEY.title` and `refused.KEY.remedy`."""
    title, remedy = (
        f"{MESSAGES.text(f'refused.{key}.{part}', 'zh-Hant', **values)} "
        f"({MESSAGES.text(f'refused.{key}.{part}', 'en', **values)})"
        for part in ("title", "remedy")
    )
    return kind(title, remedy=remedy)
