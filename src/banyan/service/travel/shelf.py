"""What the composition root lends this service: who people are to the node, keys that end, the law, and the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.travel")
CallAs = Callable[[str, Mapping[str, Any], Caller], Awaitable[Any]]
"""`call_as(operation, asked, caller)`: the gate, for a caller whom this service has authenticated itself."""
Fetch = Callable[[str, str], Awaitable[bytes]]
"""`fetch(url, token)`: a bounded GET of JSON with a bearer token; empty for anything but a good answer in time."""
FetchKeys = Callable[[str], Awaitable[bytes]]
"""`fetch_keys(url)`: a bounded GET of a JWK Set, as above."""


class Shelf(msgspec.Struct, frozen=True):
    """`subject_of` gives the name that policy and ledger have for a document; `scopes` seals what ends with an order;
    `agency_of` is what an agency is called, by its member id."""

    subject_of: Callable[[str], bytes]
    agency_of: Callable[[str], Awaitable[str]]
    scopes: Scopes
    policy: Store
    bases: Callable[[], Awaitable[Register]]
    call_as: CallAs
    fetch: Fetch
    fetch_keys: FetchKeys
    random: Callable[[int], bytes]
    turns: dict[str, asyncio.Lock] = msgspec.field(default_factory=dict)
    """A turn for each record system whose address was asked; bounded by the register of them."""

    def turn_of(self, client: str) -> asyncio.Lock:
        return self.turns.setdefault(client, asyncio.Lock())


_shelves: Final = Lent[Shelf]("this node keeps no travel history")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


both: Final = MESSAGES.both_under("travel")
"""A sentence in both languages: a problem does not know who reads it."""
