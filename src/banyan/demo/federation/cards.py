"""Which insurance card (健保卡) is whose: the issuer's own list, sealed; no operation of any register answers it.

Only the till's agency resolves a card here, and what it then wants to know of the person goes through the gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from banyan.demo.agencies.people import people
from banyan.demo.agencies.sealed import Keeping, count, find, keep
from banyan.demo.agencies.seeding import BATCH
from banyan.demo.federation.insurance import INSURANCE
from banyan.demo.outlets import SEED
from banyan.errors import NotFound
from banyan.kernel.storage import Drawer

SCOPE: Final = "register:cards"


class Holder(msgspec.Struct, frozen=True):
    number: str


def card_of(number: str) -> str:
    """The demonstration's card of a person: 12 digits drawn from their number."""
    return f"{int.from_bytes(sha256(f'{SEED}-card-{number}'.encode()).digest()[:8], 'big') % 10**12:012d}"


def holder_in(drawers: Mapping[str, Drawer], keeping: Keeping) -> Callable[[str], Awaitable[str]]:
    """Resolves a card; empty for one that was never issued, and on a node without the issuer's list."""

    async def holder(card: str) -> str:
        if INSURANCE.name not in drawers:
            return ""
        try:
            found = await find(drawers[INSURANCE.name], SCOPE, named(keeping, card), Holder)
        except NotFound:
            return ""
        return found.number

    return holder


async def seed_cards(drawers: Mapping[str, Drawer], keeping: Keeping) -> int:
    """Issue everybody's card; how many are new. Again changes nothing."""
    db, everybody = drawers[INSURANCE.name], people()
    if await count(db, SCOPE) >= len(everybody):
        return 0
    for start in range(0, len(everybody), BATCH):
        part = everybody[start : start + BATCH]
        issued = [(card_of(one.number), Holder(one.number)) for one in part]
        await asyncio.gather(*(keep(db, SCOPE, named(keeping, card), holder) for card, holder in issued))
    return len(everybody)


def named(keeping: Keeping, card: str) -> bytes:
    return keeping.name_of(f"CARD:{card}")
