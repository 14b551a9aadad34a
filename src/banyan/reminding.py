"""What composition lends preorder for its reminders by SMS: the node's sender, and keys that end with a round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.noticing import Notices
from banyan.service.rationing.preorder.phones import Phones, lend_phones

RATIONING: Final = "rationing"


def lend_reminders(drawers: Mapping[str, Drawer], scopes: Scopes, sms: Notices | None) -> None:
    """A node that sends no SMS lends nothing, and asks nobody for a telephone."""
    db = drawers.get(RATIONING)
    if db is not None and sms is not None:
        lend_phones(db, Phones(sms.outbox, scopes))
