"""The life of one person's order in a round: one table of what may follow what, and what each step owes.

    registered -> won | waiting | lost | refused | withdrawn
    waiting    -> won (moves up) | refused | withdrawn | lost (the list is closed)
    won        -> paid | lapsed | withdrawn
    paid       -> collected | forfeited | cancelled

A step that is not in the table is no step: `step` gives None and nothing changes. What a step owes outside of the
records (the engine's quota, the reader's message) is kept with it and settled after, once (`settling.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

import msgspec

State = Literal[
    "registered", "withdrawn", "won", "waiting", "lost", "refused",
    "paid", "collected", "lapsed", "forfeited", "cancelled",
]  # fmt: skip
Happening = Literal[
    "register", "withdraw", "win", "wait", "miss", "refuse", "pay", "lapse", "collect", "forfeit", "cancel"
]  # fmt: skip
Owed = Literal["", "void", "post", "forfeit"]
"""What the engine is still to be told of the pledge: given up, handed out, or not collected."""

STATES: Final[tuple[State, ...]] = get_args(State)
HAPPENINGS: Final[tuple[Happening, ...]] = get_args(Happening)
PLEDGED: Final[frozenset[State]] = frozenset(("won", "paid"))
"""States in which the engine holds goods and quota for the person."""
LIVE: Final[frozenset[State]] = frozenset(("registered", "waiting", "won", "paid"))
"""What is not over yet."""


class Step(msgspec.Struct, frozen=True):
    """Where an order goes and what it owes the engine. `ends` says that whatever was paid goes back."""

    to: State
    owes: Owed = ""
    ends: bool = False


_over: Final = Step("cancelled", ends=True)
TABLE: Final[Mapping[tuple[State, Happening], Step]] = MappingProxyType(
    {
        ("registered", "register"): Step("registered"),  # repeats count once
        ("registered", "withdraw"): Step("withdrawn"),
        ("registered", "win"): Step("won"),
        ("registered", "wait"): Step("waiting"),
        ("registered", "miss"): Step("lost"),
        ("registered", "refuse"): Step("refused"),
        ("registered", "cancel"): _over,
        ("withdrawn", "register"): Step("registered"),
        ("waiting", "win"): Step("won"),
        ("waiting", "refuse"): Step("refused"),
        ("waiting", "withdraw"): Step("withdrawn", "void"),  # a pledge whose answer was lost in a crash
        ("waiting", "miss"): Step("lost", "void"),
        ("waiting", "cancel"): Step("cancelled", "void", ends=True),
        ("won", "pay"): Step("paid"),
        ("won", "lapse"): Step("lapsed", "void", ends=True),
        ("won", "withdraw"): Step("withdrawn", "void", ends=True),
        ("won", "cancel"): Step("cancelled", "void", ends=True),
        ("paid", "pay"): Step("paid"),  # the second payment goes back; the order stays
        ("paid", "collect"): Step("collected", "post"),
        ("paid", "forfeit"): Step("forfeited", "forfeit"),
        ("paid", "cancel"): Step("cancelled", "void", ends=True),
    }
)


def step(state: State, happening: Happening) -> Step | None:
    """What follows; None when it does not."""
    return TABLE.get((state, happening))
