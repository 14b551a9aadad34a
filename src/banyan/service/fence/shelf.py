"""What the composition root lends this service: its key, the law, keys that end, the ledger, and a way to send SMS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

import msgspec

from banyan.craft.cells.model import CellTable
from banyan.craft.fencing.model import FenceEngine
from banyan.craft.notify.model import Notifier
from banyan.errors import NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.policy.bases import Register
from banyan.kernel.storage import Drawer, Lent, Store

MESSAGES = load_messages("banyan.service.fence")


class ChatSaid(msgspec.Struct, frozen=True):
    """What is said in a person's chat; `choices` are pressed: the words shown, and the data that comes back."""

    text: str
    lang: Literal["zh-Hant", "en"]
    choices: tuple[tuple[str, str], ...] = ()


class Chat(Protocol):
    """A way to say something to one person in their chat."""

    async def push(self, to: str, said: ChatSaid, key: str) -> bool:
        """True when the chat took it; the same `key` (a UUID) says it once. False: it never will. Raises Unavailable
        when it is to be tried again."""


class Shelf(msgspec.Struct, frozen=True):
    """`key` (32 bytes, never in the drawer) names persons; `subject_of` is the name that policy and ledger give to a
    number. `scope_of` is the keys' scope of what is kept under an order: its lapse destroys them. `agency_of` is what
    an agency is called, by its member id."""

    key: bytes
    random: Callable[[int], bytes]
    subject_of: Callable[[str], bytes]
    agency_of: Callable[[str], Awaitable[str]]
    policy: Store
    bases: Callable[[], Awaitable[Register]]
    scopes: Scopes
    scope_of: Callable[[str], str]
    ledger: Ledger
    notifier: Notifier | None = None
    """None: this node has no SMS centre, and what waits to be sent waits."""
    engine: FenceEngine | None = None
    """None: no positions reach this node; calls and the page work all the same."""
    cells: CellTable | None = None
    """The table that the engine's fixes speak of."""
    source: str = "engine"
    """Which engine it is: the number of its last alarm that was taken is kept by this name."""


_chats: Final = Lent[Chat]("this node has no chat that knows people")
_pages: Final = Lent[str]("this node's chat is no page of its own")
_shelves: Final = Lent[Shelf]("this node keeps no fence")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service what is the node's; once, before the first call."""
    assert len(shelf.key) >= 32, "a key has 256 bits"
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node lends nothing."""
    return _shelves.of(db)


def lend_chat(db: Drawer, chat: Chat, *, page: str = "") -> None:
    """Give this service the node's chat; without one people are asked by SMS and on their page. `page` is where it is,
    when it is simulated here."""
    _chats.lend(db, chat)
    _pages.lend(db, page)


def chat_page_of(db: Drawer) -> str:
    return _pages.of_or_none(db) or ""


def chat_of(db: Drawer) -> Chat | None:
    return _chats.of_or_none(db)


both: Final = MESSAGES.both_under("fence")
"""A sentence in both languages: a problem does not know who reads it."""


def unknown() -> NotFound:
    """The same words whether there is no such case, or it is not the caller's to see."""
    return NotFound(both("unknown"), remedy=both("unknown_remedy"))
