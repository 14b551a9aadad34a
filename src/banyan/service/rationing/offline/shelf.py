"""The node's offline keys, made once of the secret that rationing is lent."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from banyan.kernel.identity.pseudonyms import pseudonym_key
from banyan.kernel.storage import Drawer, Store
from banyan.service.rationing.offline.keys import OfflineKeys
from banyan.service.rationing.shelf import shelf_of

MEMBER = "rationing"
"""Who signs, as terminals know it: one service of one node; which node, they pin by its keys."""
_keys: WeakKeyDictionary[Store, OfflineKeys] = WeakKeyDictionary()


def keys_of(db: Drawer) -> OfflineKeys:
    """Raises Unavailable when the node lends rationing nothing."""
    found = _keys.get(db.sql)
    if found is None:
        secret = pseudonym_key(shelf_of(db).key, "rationing", "offline")
        found = _keys[db.sql] = OfflineKeys(MEMBER, secret)
    return found
