"""What the composition root lends a service: one value a drawer, gone with the drawer's store."""

from __future__ import annotations

from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from banyan.errors import Unavailable
from banyan.kernel.storage.drawer import Drawer
from banyan.kernel.storage.store import Store

T = TypeVar("T")


class Lent(Generic[T]):
    """`missing` is what a node that lends nothing cannot do, as its refusal says it."""

    def __init__(self, missing: str, *, remedy: str = "see node.toml") -> None:
        self._missing: Final = missing
        self._remedy: Final = remedy
        self._values: WeakKeyDictionary[Store, T] = WeakKeyDictionary()

    def lend(self, db: Drawer, value: T) -> None:
        """Before the first call; again replaces what was lent."""
        self._values[db.sql] = value

    def of(self, db: Drawer) -> T:
        """Raises Unavailable when the node lends nothing."""
        found = self._values.get(db.sql)
        if found is None:
            raise Unavailable(self._missing, remedy=self._remedy)
        return found

    def of_or_none(self, db: Drawer) -> T | None:
        """None when the node lends nothing."""
        return self._values.get(db.sql)
