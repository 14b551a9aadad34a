"""The engine of a drawer: opened when first asked for, replayed from its log, the same one for everybody."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from banyan.kernel.storage import Drawer, Store
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Engine
from banyan.service.rationing.shelf import shelf_of

JOURNAL: Final = "rations"
_engines: WeakKeyDictionary[Store, Engine] = WeakKeyDictionary()


def engine_of(db: Drawer) -> Engine:
    """Raises Unavailable when the node lends rationing nothing."""
    found = _engines.get(db.sql)
    if found is None:
        shelf = shelf_of(db)
        found = _engines[db.sql] = JournalEngine(db.journal(JOURNAL), shelf.clock, book=taiwan_2020())
    return found
