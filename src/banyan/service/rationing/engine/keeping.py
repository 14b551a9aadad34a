"""The engine of a drawer: opened when first asked for, replayed from its log, the same one for everybody."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from banyan.kernel.storage import Drawer, Store
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Engine
from banyan.service.rationing.shelf import Shelf, shelf_of

JOURNAL: Final = "rations"
_engines: WeakKeyDictionary[Store, Engine] = WeakKeyDictionary()


def engine_of(db: Drawer) -> Engine:
    """Raises Unavailable when the node lends rationing nothing, or its database does not answer."""
    found = _engines.get(db.sql)
    if found is None:
        found = _engines[db.sql] = _open(db, shelf_of(db))
    return found


def _open(db: Drawer, shelf: Shelf) -> Engine:
    """On the journal; on PostgreSQL for a node that keeps its records there, so that several may sell."""
    if not shelf.database:
        return JournalEngine(db.journal(JOURNAL), shelf.clock, book=taiwan_2020())
    from banyan.kernel.storage.postgres import PostgresStore
    from banyan.service.rationing.engine.recorded import RecordedEngine

    store = PostgresStore(shelf.database, schema=JOURNAL)
    return RecordedEngine(store, shelf.clock, book=taiwan_2020())
