"""What composition lends the electronic fence: the law, its own key, keys that end, and what brings and sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_bytes
from typing import Final

from banyan.craft.cells.model import CellTable
from banyan.craft.fencing.model import FenceEngine
from banyan.craft.notify.model import Notifier
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.service.fence.shelf import Shelf, lend
from banyan.service.powers.lapsing import scope_of

FENCE: Final = "fence"


def lend_fence(
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    scopes: Scopes,
    agency_of: Callable[[str], Awaitable[str]],
    *,
    notifier: Notifier | None = None,
    engine: FenceEngine | None = None,
    cells: CellTable | None = None,
) -> None:
    """Give the fence what is the node's, when the node has one. Its key is a keyed hash of a label, out of the one that
    names persons. Lending again (a notifier that opened later) replaces what was lent."""
    db = drawers.get(FENCE)
    if db is None:
        return
    why = lawful.conscience
    key = why.subject("fence/register")
    shelf = Shelf(
        key, token_bytes, why.subject, agency_of, lawful.policy, why.bases, scopes, scope_of, lawful.ledger, notifier,
        engine, cells,
    )  # fmt: skip
    lend(db, shelf)
