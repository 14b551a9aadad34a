"""The code by which a person links her own chat: shown once on her page, sent from the chat. 49 bits, for minutes.

What is kept of it is a service's own: a keyed digest, never the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Thirty that are not taken for one another."""
CODE_LETTERS: Final = 10
_SAID: Final = re.compile(r"(?:連結|连结|綁定|绑定|link)\s*:?：?\s*([A-Z0-9]{5})\s?-?\s?([A-Z0-9]{5})", re.IGNORECASE)


def new_code(random: Callable[[int], bytes]) -> str:
    """Ten letters."""
    number = int.from_bytes(random(16))
    return "".join(LETTERS[number // len(LETTERS) ** at % len(LETTERS)] for at in range(CODE_LETTERS))


def shown(code: str) -> str:
    """As a page shows it: two groups of five."""
    return f"{code[:5]}-{code[5:]}"


def said(text: str) -> str | None:
    """The code in what somebody sent; None when that is no code, anybody's."""
    found = _SAID.fullmatch(text)
    return "".join(found.groups()).upper() if found is not None else None
