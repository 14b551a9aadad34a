"""What preorder works with: the payment provider, the draw and chance; lent by the composition root."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Protocol
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage import Drawer, Lent, Store
from banyan.service.rationing.preorder.payment import Provider
from banyan.service.rationing.preorder.rounds import Round
from banyan.service.rationing.preorder.words import both


class Afresh(Exception):
    """This draw cannot be had any more: tickets are made anew for the next."""


class Lots(Protocol):
    """The draw of a round. Each may be asked again: it is done once."""

    async def begin(self, ctx: Context, round: Round) -> None:
        """Bind everything that could be chosen, while nobody can know the list or the seed."""

    async def name(self, ctx: Context, round: Round) -> str:
        """What the draw is called, where everybody can look at it; empty when nothing is drawn."""

    async def key(self, ctx: Context, round: Round) -> bytes:
        """The round's own key for tickets, 32 bytes, until its list is closed."""

    async def drawn(self, ctx: Context, round: Round, entries: Sequence[bytes]) -> Sequence[bytes] | None:
        """Close the list when it is not, and give it in the draw's order; None while the seed is awaited."""

    async def give_up(self, ctx: Context, round: Round, why: str) -> None:
        """Nothing is drawn, and that is said in public: there is room for everybody, or the round was called off."""


class Desk(msgspec.Struct, frozen=True):
    """`secrets` are the provider's for its words, the newest first. `provider` None: nothing can be paid here."""

    lots: Lots
    random: Callable[[int], bytes]
    provider: Provider | None = None
    secrets: tuple[bytes, ...] = ()
    register: str = ""
    """An operation that tells people their own `birth_date`; empty: they say it themselves."""

    def new_id(self) -> str:
        return self.random(16).hex()

    def pays(self) -> Provider:
        """Raises Unavailable where nobody takes money."""
        if self.provider is None:
            raise Unavailable(both("no_provider"), remedy=both("no_provider_remedy"))
        return self.provider


_desks: Final = Lent[Desk]("this node takes no preorders")
_turns: WeakKeyDictionary[Store, defaultdict[str, asyncio.Lock]] = WeakKeyDictionary()


def lend_desk(db: Drawer, desk: Desk) -> None:
    """Give preorder its desk; once, before the first call."""
    _desks.lend(db, desk)


def desk_of(db: Drawer) -> Desk:
    """Raises Unavailable when the node lends none."""
    return _desks.of(db)


def turn_of(db: Drawer, round: str) -> asyncio.Lock:
    """One at a time gives out a round's places and settles its pledges; a drawer has one process."""
    return _turns.setdefault(db.sql, defaultdict(asyncio.Lock))[round]


def engine_key(*parts: str | int) -> bytes:
    """The engine's key for one command of preorder: the same for the same step, so that it is done once."""
    return sha256("\x1f".join(("preorder", *map(str, parts))).encode()).digest()[:16]
