"""The sentences of asking, in both languages."""

from __future__ import annotations

from typing import Final

from banyan.kernel.catalogue.messages import load_messages

WORDS: Final = load_messages("banyan.service.rationing", "templates/asking.toml")
