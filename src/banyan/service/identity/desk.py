"""What the composition root lends this service: the node's OpenID Provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.catalogue import Context
from banyan.kernel.identity.openid.model import Account, Session
from banyan.kernel.identity.openid.outside import Fetch, Outside
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage import Drawer, Lent
from banyan.service.identity import outgoing

AsPerson = Callable[[Session, Account, str, Mapping[str, Any]], Awaitable[Any]]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Desk(msgspec.Struct, frozen=True):
    """`issuer` is the node's public origin; empty on a machine for trying, which then serves itself only."""

    provider: Provider
    issuer: str = ""
    has_personas: bool = False
    """Whether the demo personas' one-click sign-in is offered; never on an `--empty` node."""
    outsides: tuple[Outside, ...] = ()
    fetch: Fetch = outgoing.fetch
    as_person: AsPerson | None = None
    """Runs an operation of another service as who is signed in; None where no consents are kept."""


_desks: Final = Lent[Desk]("this node signs nobody in")


def lend(db: Drawer, desk: Desk) -> None:
    """Give this service the node's provider; once, before the first call."""
    _desks.lend(db, desk)


def desk_of(ctx: Context) -> Desk:
    """Raises Unavailable when the node has no provider."""
    return _desks.of(ctx.db)


def placed(desk: Desk, sent: Sent) -> Sent:
    """The message at the configured issuer. Without one only this machine is served: a Host header names no issuer."""
    if desk.issuer:
        return msgspec.structs.replace(sent, issuer=desk.issuer)
    if urlsplit(sent.issuer).hostname not in LOOPBACK:
        raise Unavailable("no public address is set", remedy="set site.public_url in node.toml")
    return sent
