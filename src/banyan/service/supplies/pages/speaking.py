"""The sentences the page's script speaks with: the very ones of the templates, so that list and map say the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from banyan.kernel.catalogue.messages import Messages, load_messages
from banyan.service.supplies.pages.card import far

PACKAGE = "banyan.service.supplies"
SPOKEN = ("stockmap.card.", "stockmap.status.", "stockmap.reason.", "stockmap.live.", "stockmap.map.", "stockmap.sum.")
"""Groups of sentences both sides know."""


def spoken(lang: str) -> dict[str, Any]:
    """What every template of the map speaks with, beside the portal's own."""
    return {"far": far, "words": client_words(lang)}


@lru_cache(maxsize=2)
def client_words(lang: str) -> dict[str, str]:
    """By key without `stockmap.`; placeholders are `{name}` on both sides."""
    sentences = page_messages()
    return {
        key.removeprefix("stockmap."): sentences.text(key, lang)
        for key in sentences.keys()  # noqa: SIM118 - Messages is no mapping
        if key.startswith(SPOKEN)
    }


@lru_cache(maxsize=1)
def page_messages() -> Messages:
    return load_messages(PACKAGE, "templates/messages.toml")
