"""What the composition root lends this service: the ledger, the policy's records, and how people are named in both."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from banyan.errors import Denied
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.mydata")


class Ended(Protocol):
    """Called once a consent ended by its giver's word, before they are told: whoever issued tokens for it ends them."""

    async def __call__(self, consent: str, subject: str) -> None: ...


class Push(Protocol):
    """Send a Security Event Token to an address that somebody declared; the status of the answer, 0 without one."""

    async def __call__(self, url: str, token: bytes) -> int: ...


class Shelf(msgspec.Struct, frozen=True):
    """`name_of` gives a person's name in policy and ledger from their number (the conscience's), `bases` the register
    that uses are judged by, `sign` a JWS by the node's published key. `contact` is the e-mail address that answers
    questions about a use."""

    ledger: Ledger
    policy: Store
    name_of: Callable[[str], bytes]
    bases: Callable[[], Awaitable[Register]]
    sign: Callable[[Mapping[str, Any]], Awaitable[str]]
    random: Callable[[int], bytes]
    contact: str = ""
    on_ended: tuple[Ended, ...] = ()
    sign_event: Callable[[Mapping[str, Any]], Awaitable[str]] | None = None
    push: Push | None = None
    may_push_inside: bool = False
    """Addresses of our own network, also without TLS: only where the node's settings say so."""


_shelves: Final = Lent[Shelf]("this node keeps no ledger")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's own; once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(ctx: Context) -> Shelf:
    """Raises Unavailable when the node has no ledger."""
    return _shelves.of(ctx.db)


def own_subject(ctx: Context) -> str:
    """Whose data this caller may see: from who they are, never from what they ask. Raises Denied for who is nobody's.

    The policy lets only people in (audience `citizen`); this is the second lock on the same door."""
    caller = ctx.caller
    if caller.kind not in ("citizen", "representative") or not caller.subject:
        raise Denied(said("nobody"), remedy=said("nobody_remedy"))
    return caller.subject


def said(key: str, **values: object) -> str:
    """A sentence in both languages: an error's title does not know who reads it."""
    return " ".join(MESSAGES.text(f"mydata.{key}", lang, **values) for lang in ("zh-Hant", "en"))
