"""What offline selling says, in both languages."""

from __future__ import annotations

from typing import Final

from banyan.kernel.catalogue.messages import load_messages

WORDS: Final = load_messages("banyan.service.rationing", "templates/offline.toml")


both: Final = WORDS.both_under("ration_offline")
"""A sentence in both languages: a problem does not know who reads it."""
