"""What the composition root lends this service: the ledger, its keys, the policy's records, the logs we witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Unavailable
from banyan.kernel.ledger.cosigning import Cosigner
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage import Drawer, Store
from banyan.wire.tlog.note import Verifier


class Shelf(msgspec.Struct, frozen=True):
    """`witnessed` are the logs we cosign, by origin; `cosigner` asks those who cosign ours."""

    ledger: Ledger
    ledger_store: Store
    policy: Store
    keys: LedgerKeys
    witnessed: Mapping[str, Sequence[Verifier]] = {}
    cosigner: Cosigner | None = None


_shelves: WeakKeyDictionary[Store, Shelf] = WeakKeyDictionary()


def lend(db: Drawer, shelf: Shelf) -> None:
    """Give this service the node's ledger; once, before the first call."""
    _shelves[db.sql] = shelf


def shelf_of(db: Drawer) -> Shelf:
    """Raises Unavailable when the node has no ledger."""
    found = _shelves.get(db.sql)
    if found is None:
        raise Unavailable("this node keeps no ledger", remedy="see node.toml")
    return found
