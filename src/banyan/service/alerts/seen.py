"""One text as phones have it."""

from __future__ import annotations

from typing import Literal

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """`klass` is the title that a phone writes above a cell broadcast; `count` how many cells or numbers have the text,
    `sample` one of the cells (never a number)."""

    is_people: bool
    channel: Literal["cells", "sms", "chat"]
    klass: str
    lang: str
    text: str
    count: int
    sample: str = ""
    at: float = 0.0
