"""The looks at a stock list that the victim of `test_board_kill.py` commits: look n is always the same."""

from __future__ import annotations

import random

from tests.service.supplies.make import AT, EVENTS, a_tick

from banyan.service.supplies.model import BoardEvent

OUTLETS = 120


def event_of(seq: int) -> BoardEvent:
    """Items, places and notices first; then outlets that sell, leave the list and come back."""
    if seq < len(EVENTS):
        return EVENTS[seq - 1]
    dice = random.Random(seq)
    codes = [f"59010{number:05}" for number in dice.sample(range(OUTLETS), 24)]
    rows = [(code, dice.randrange(400), dice.randrange(80)) for code in codes[:20]]
    return a_tick(rows, at=AT + 30 * seq, gone=codes[20:])
