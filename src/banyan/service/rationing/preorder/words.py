"""Messages of an order in words: safe ones. No message holds a link or asks to pay anywhere but where the person went
on her own; each begins with the check word that she was shown when she registered (2020: many took the SMS for fraud).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages

MESSAGES: Final = load_messages("banyan.service.rationing.preorder")
TAIPEI: Final = ZoneInfo("Asia/Taipei")
MOMENTS: Final = ("until", "since", "next_from")


def told(kind: str, facts: Mapping[str, str | int], *, word: str) -> dict[str, str]:
    """The sentence in each language. A refusal's reason has words of its own."""
    return {lang: _said(kind, facts, lang, word) for lang in LANGUAGES}


def _said(kind: str, facts: Mapping[str, str | int], lang: str, word: str) -> str:
    values: dict[str, str] = {"word": word}
    for name, value in facts.items():
        values[name] = (
            moment(int(value)) if name in MOMENTS and value else f"{value:,}" if isinstance(value, int) else value
        )
    if kind == "refused":
        values["why"] = why(str(facts.get("code", "")), lang)
    check = MESSAGES.text("preorder.check", lang, word=word)
    return f"{check}{MESSAGES.text(f'preorder.told_{kind}', lang, **values)}"


def why(code: str, lang: str) -> str:
    """Why the engine refused, in a clause."""
    key = f"preorder.why_{code}"
    return MESSAGES.text(key if key in MESSAGES else "preorder.why_other", lang)


def moment(at: float) -> str:
    """As a clock in Taiwan shows it."""
    return datetime.fromtimestamp(at, TAIPEI).strftime("%Y-%m-%d %H:%M")


both: Final = MESSAGES.both_under("preorder")
"""A sentence in both languages: a problem does not know who reads it."""
