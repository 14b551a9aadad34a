"""What composition lends preorder for its reminders: the node's SMS sender, its chat, keys that end with a round."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_bytes
from typing import Final

from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.noticing import Notices
from banyan.service.rationing.preorder.chats import Chat, Chats, lend_chats
from banyan.service.rationing.preorder.phones import Phones, lend_phones

RATIONING: Final = "rationing"


def lend_reminders(drawers: Mapping[str, Drawer], scopes: Scopes, sms: Notices | None) -> None:
    """A node that sends no SMS lends nothing, and asks nobody for a telephone."""
    db = drawers.get(RATIONING)
    if db is not None and sms is not None:
        lend_phones(db, Phones(sms.outbox, scopes))


def lend_chat_reminders(db: Drawer, scopes: Scopes, lawful: Lawful, chat: Chat, *, page: str = "") -> None:
    """Its names are keyed hashes out of the key that names persons."""
    lend_chats(db, Chats(chat, scopes, lawful.conscience.subject, token_bytes, page))
