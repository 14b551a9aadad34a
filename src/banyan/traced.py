"""What composition lends tracing: the law, its folder, keys that end, the ledger, and a way to send SMS."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from secrets import token_bytes
from typing import Final

from banyan.craft.notify.model import Notifier
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.service.powers.lapsing import scope_of
from banyan.service.tracing.shelf import Shelf, lend

TRACING: Final = "tracing"
CASES: Final = "epidemic.case_phones"
"""Disease control's, on a node that has it or reaches it over the road."""
WARN: Final = "alerts.draft"
WARNING_PAGE: Final = "/alerts/desk/new"
"""Where an officer of the alerts writes one; it takes `polygon` ("lat,lon lat,lon …") as the draft's area."""


def lend_tracing(
    drawers: Mapping[str, Drawer],
    lawful: Lawful,
    scopes: Scopes,
    *,
    data: Path,
    notifier: Notifier | None = None,
    operations: Container[str] = (),
) -> None:
    """Give tracing what is the node's, when the node has it; of `operations`, the one that knows the cases' phones.
    Lending again (a notifier that opened later) replaces what was lent."""
    db = drawers.get(TRACING)
    if db is None:
        return
    why = lawful.conscience
    lend(
        db,
        Shelf(
            data / TRACING, token_bytes, why.subject, lawful.policy, why.bases, scopes, scope_of, lawful.ledger,
            notifier, CASES if CASES in operations else "", WARNING_PAGE if WARN in operations else "",
        ),
    )  # fmt: skip
