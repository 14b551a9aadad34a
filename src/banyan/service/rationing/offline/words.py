"""What offline selling says, in both languages."""

from __future__ import annotations

from typing import Final

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages

WORDS: Final = load_messages("banyan.service.rationing", "templates/offline.toml")


def both(key: str, **values: object) -> str:
    """A sentence in both languages: a problem does not know who reads it."""
    return " ".join(WORDS.text(f"ration_offline.{key}", lang, **values) for lang in LANGUAGES)
