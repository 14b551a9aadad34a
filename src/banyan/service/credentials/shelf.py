"""What the composition root lends this service: the provider (keys, codes, tokens), the register of legal bases and
the node's operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from banyan.errors import Denied, Unavailable
from banyan.kernel.catalogue.messages import Messages, load_messages
from banyan.kernel.catalogue.operation import Context, Operation
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent

MESSAGES = load_messages("banyan.service.credentials")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PEOPLE = ("citizen", "representative")


class Shelf(msgspec.Struct, frozen=True):
    """`issuer` is the node's public origin, empty on a machine for trying, which then serves itself only. `member` is
    the agency whose officers may revoke."""

    provider: Provider
    operations: Mapping[str, Operation]
    register: Callable[[], Awaitable[Register]]
    member: str
    names: Mapping[str, str]
    """What the issuer is called, by language."""
    issuer: str = ""
    words: Messages = MESSAGES
    """The portal's: `personal.NAME` is what a register calls a field."""


_shelves: Final = Lent[Shelf]("this node signs nobody in")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's own; once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(ctx: Context) -> Shelf:
    """Raises Unavailable when the node knows no people."""
    return _shelves.of(ctx.db)


def own_subject(ctx: Context) -> str:
    """Whose data this caller may take: from who they are, never from what they ask. Raises Denied for nobody's."""
    caller = ctx.caller
    if caller.kind not in PEOPLE or not caller.subject:
        raise Denied(said("nobody"), remedy=said("nobody_remedy"))
    return caller.subject


def origin_of(shelf: Shelf, asked: str) -> str:
    """The issuer's address. Without a configured one only this machine is served: a Host header names no issuer."""
    if shelf.issuer:
        return shelf.issuer
    if urlsplit(asked).hostname not in LOOPBACK:
        raise Unavailable("no public address is set", remedy="set site.public_url in node.toml")
    return asked


def said(key: str, **values: object) -> str:
    """A sentence in both languages: an error's title does not know who reads it."""
    return " ".join(MESSAGES.text(f"credentials.{key}", lang, **values) for lang in ("zh-Hant", "en"))
