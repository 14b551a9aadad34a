"""A chat that a person links to be reminded there: by a code from her page, sealed like a telephone, and deleted when
the order ends. Beside the SMS or instead of it, as she chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, cast
from uuid import UUID

import msgspec

from banyan.craft.notify import linkcode
from banyan.errors import Conflict, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Lent
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_CHAT_CODE_S
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.phones import Keys, Language, may_be_told, scope_of
from banyan.service.rationing.preorder.records import CHAT, Order
from banyan.service.rationing.preorder.words import MESSAGES, both

SUBJECT: Final = b"chats"


class Chat(Protocol):
    """A way to say something to one person in her chat."""

    async def say(self, to: str, text: str, key: str) -> bool:
        """True when the chat took it; the same `key` (a UUID) says it once. False: it never will. Raises Unavailable
        when it is to be tried again."""


class Chats(msgspec.Struct, frozen=True):
    """How this node reaches chats, the keys that end with a round, and its keyed names (32 bytes)."""

    chat: Chat
    keys: Keys
    name: Callable[[str], bytes]
    random: Callable[[int], bytes]
    page: str = ""
    """Where the chat is, when it is simulated on this node."""


class LinkCode(msgspec.Struct, frozen=True):
    """What to send from the chat, until when it counts (epoch seconds), and the page of a simulated chat."""

    code: str
    until: EpochS
    page: str = ""


_chats: Final = Lent[Chats]("this node has no chat that knows people")


def lend_chats(db: Drawer, chats: Chats) -> None:
    """Once, before the first call; without it nobody is asked for a chat."""
    _chats.lend(db, chats)


def chats_of(db: Drawer) -> Chats | None:
    return _chats.of_or_none(db)


async def link(db: Drawer, order: Order, now: EpochS) -> LinkCode:
    """A code for this order; an earlier one counts no more. Raises Conflict without a chat, or when it is over."""
    chats = chats_of(db)
    if chats is None:
        raise Conflict(both("no_chat"), remedy=both("no_sms_remedy"), kind="no-chat")
    if not may_be_told(order.state):
        raise Conflict(both("phone_over"), remedy=both("chat_over_remedy"))
    code, until = linkcode.new_code(chats.random), EpochS(now + PREORDER_CHAT_CODE_S)
    digest = _digest(chats, code)
    await db.sql.write(
        lambda tx: tx.run(CHAT["put_code"], preorder=order.id, round=order.round, digest=digest, until=until)
    )
    return LinkCode(linkcode.shown(code), until, chats.page)


async def unlink(db: Drawer, order: Order) -> None:
    """No more there; again does nothing."""
    await db.sql.write(lambda tx: drop(tx, order.id))


async def hear(db: Drawer, user: str, text: str, lang: Language, now: EpochS) -> str | None:
    """What is answered to a code of ours; None for anything else."""
    chats, code = chats_of(db), linkcode.said(text)
    if chats is None or code is None:
        return None
    digest = _digest(chats, code)
    row = await db.sql.read(lambda tx: tx.row(CHAT["code"], digest=digest))
    order = await db.sql.read(lambda tx: records.order_by_id(tx, str(row[0]))) if row is not None else None
    if row is None or order is None:
        return None
    sealed = await chats.keys.seal(scope_of(order.round), SUBJECT, user.encode(), context=order.id.encode())

    def job(tx: Tx) -> bool:
        held, now_is = tx.row(CHAT["code"], digest=digest), records.order_by_id(tx, order.id)
        if held is None or now > float(str(held[1])) or now_is is None or not may_be_told(now_is.state):
            return False
        tx.run(CHAT["drop_code"], preorder=order.id)
        tx.run(CHAT["put"], preorder=order.id, round=order.round, sealed=sealed, lang=lang)
        return True

    was_linked = await db.sql.write(job)
    return MESSAGES.text("preorder.chat_linked" if was_linked else "preorder.chat_wrong", lang, word=order.word)


def no_code(lang: Language) -> str:
    """What is answered to a code that nobody knows."""
    return MESSAGES.text("preorder.chat_wrong", lang)


async def is_linked(db: Drawer, order: Order) -> bool:
    return await db.sql.read(lambda tx: tx.row(CHAT["chat"], preorder=order.id)) is not None


def drop(tx: Tx, order: str) -> None:
    """In the commit that ends an order."""
    tx.run(CHAT["drop"], preorder=order)
    tx.run(CHAT["drop_code"], preorder=order)


async def opened(chats: Chats, order: Order, sealed: object) -> str:
    """Who it is in her chat; empty when its key was destroyed."""
    try:
        found = await chats.keys.open(scope_of(order.round), SUBJECT, cast(bytes, sealed), context=order.id.encode())
    except NotFound:
        return ""
    return found.decode()


async def destroy(db: Drawer, round: str, now: EpochS) -> None:
    """No chat of a round can be read any more, in backups neither."""
    chats = chats_of(db)
    if chats is not None:
        await chats.keys.destroy_scope(scope_of(round), at=now)


def key_of(chats: Chats, campaign: str, to: str) -> str:
    """The key by which a chat says a thing once: of each kind once a day, though she has several orders."""
    return str(UUID(bytes=chats.name(f"preorder/push/{campaign}/{to}")[:16], version=4))


def _digest(chats: Chats, code: str) -> bytes:
    return chats.name(f"preorder/chat-code/{code}")
