"""Marks: how a terminal can know that somebody was served, without a list of anybody.

When a person buys, her number is turned into a mark under the week's key, and the mark is kept beside her pseudonym:
neither says the number, and the key is not in the drawer. A snapshot is a filter of the marks of those who can buy
nothing now, keyed once more for one terminal. See docs/decisions/0116 for what that protects from, and what not.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.limits_rationing import OFFLINE_EPOCH_S, OFFLINE_EPOCHS
from banyan.service.rationing.counter.cards import Paper, read_card
from banyan.service.rationing.counter.registers import registers_of
from banyan.service.rationing.offline import records
from banyan.service.rationing.offline.shelf import keys_of

MARK_BYTES: Final = 16


def epoch_of(at: float) -> int:
    """The week, counted from 1970-01-01 UTC."""
    return int(at // OFFLINE_EPOCH_S)


def oldest_epoch(at: float) -> int:
    """Of those that a snapshot looks at."""
    return epoch_of(at) - OFFLINE_EPOCHS + 1


def mark_of(key: bytes, number: str) -> bytes:
    """A person's mark under an epoch's key. `number` as the card gives it, capital letters, no spaces."""
    return hmac.digest(key, number.encode(), "sha256")[:MARK_BYTES]


async def numbers_shown(db: Drawer, typed: str, paper: Paper) -> tuple[str, ...]:
    """Under which numbers a card's holder may be known: the one it shows, and the person's own behind an insurance
    card. None for what is no card."""
    read = read_card(typed, paper)
    if read is None:
        return ()
    own = await registers_of(db).holder(read.number) if read.is_nhi else ""
    return (read.number, own) if own else (read.number,)


async def remember(db: Drawer, person: bytes, numbers: Iterable[str], *, outlet: str, now: EpochS) -> None:
    """Call after a sale, with every number that the person may show next time (an insurance card's, and her own)."""
    epoch = epoch_of(now)
    key = keys_of(db).marking_key(epoch)
    marks = [mark_of(key, number) for number in numbers]
    await db.sql.write(lambda tx: records.mark(tx, person, epoch, marks, outlet))
