"""What the composition root lends this service: the ledger, its keys, the policy's records, the logs we witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from banyan.kernel.ledger.cosigning import Cosigner
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Lent, Store
from banyan.wire.tlog.note import Verifier


class Shelf(msgspec.Struct, frozen=True):
    """`witnessed` are the logs we cosign, by origin; `cosigner` asks those who cosign ours."""

    ledger: Ledger
    ledger_store: Store
    policy: Store
    keys: LedgerKeys
    witnessed: Mapping[str, Sequence[Verifier]] = {}
    cosigner: Cosigner | None = None


_shelves: Final = Lent[Shelf]("this node keeps no ledger")


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service the node's ledger; once, before the first call."""
    _shelves.lend(db, shelf)


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node has no ledger."""
    return _shelves.of(db)
