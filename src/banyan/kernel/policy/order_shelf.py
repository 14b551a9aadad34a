"""Orders in memory, as new as the records: who asks at each call whether an order is in force reads no record.

The store's signal ends what is kept. It comes after the commit and before whoever wrote is told (`Store.listen`), so an
order that was ended, extended or approved counts in the next question. Where another process may write the same
records (`is_alone` of the store says so), nothing is kept. Time needs no signal: what is kept knows its moments.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import orders as order_rules
from banyan.kernel.policy import records
from banyan.kernel.policy.judging import OrderTerms
from banyan.kernel.policy.orders import Order
from banyan.kernel.storage.store import Store, Tx
from banyan.limits import ORDER_SHELF_S

_NEVER: Final = EpochS(float("inf"))


class _Kept(msgspec.Struct, frozen=True):
    """Orders that had not ended at `at`, the newest end first, and when each agency's first open review is due.
    `changes`: how many had been heard of before they were read."""

    changes: int
    at: EpochS
    orders: tuple[Order, ...]
    due: tuple[tuple[str, EpochS], ...]

    def terms(self, now: EpochS) -> tuple[OrderTerms, ...]:
        """As `records.order_terms`."""
        suspended = tuple([agency for agency, due in self.due if due <= now])
        return tuple(
            [
                msgspec.structs.replace(order_rules.terms(one, (), now), suspended=suspended)
                for one in self.orders
                if one.last_second > now
            ]
        )

    def moments(self) -> set[EpochS]:
        """At which the terms become others."""
        found = {due for _, due in self.due}
        for one in self.orders:
            found |= {one.start, one.approved_at, one.until, one.last_second}
        return found


class _Weighed(msgspec.Struct, frozen=True):
    """Terms that hold from `since` on, until before `until`."""

    of: _Kept
    since: EpochS
    until: EpochS
    terms: tuple[OrderTerms, ...]


class OrderShelf:
    """Of one store of policy; `shelf_of` has it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_kept = bool(getattr(store, "is_alone", False))
        self._changes = 0
        self._weighed: _Weighed | None = None
        if self._is_kept:
            store.listen(self._hear)

    async def terms(self, now: EpochS) -> tuple[OrderTerms, ...]:
        """Every order that has not ended, as the judge weighs it now."""
        if not self._is_kept:
            return await self._store.read(lambda tx: records.order_terms(tx, now))
        weighed = self._weighed
        if weighed is not None and weighed.of.changes == self._changes:
            if weighed.since <= now < weighed.until:
                return weighed.terms
            kept = weighed.of
            if kept.at <= now < kept.at + ORDER_SHELF_S:
                return self._weigh(kept, now)
        changes = self._changes
        # By another connection: a turn of the loop sees one commit, which may be the one before the change.
        return self._weigh(await self._store.read_long(lambda tx: _read(tx, changes, now)), now)

    def _weigh(self, kept: _Kept, now: EpochS) -> tuple[OrderTerms, ...]:
        moments = kept.moments() | {kept.at, EpochS(kept.at + ORDER_SHELF_S)}
        since = max([one for one in moments if one <= now], default=now)
        until = min([one for one in moments if one > now], default=_NEVER)
        self._weighed = _Weighed(kept, since, until, kept.terms(now))
        return self._weighed.terms

    def _hear(self, topic: str) -> None:
        """In the writer's thread."""
        if topic == records.ORDERS:
            self._changes += 1


def _read(tx: Tx, changes: int, now: EpochS) -> _Kept:
    return _Kept(changes, now, tuple(records.orders_after(tx, now)), tuple(records.first_due(tx)))


_shelves: WeakKeyDictionary[Store, OrderShelf] = WeakKeyDictionary()


async def terms_now(store: Store, now: EpochS) -> tuple[OrderTerms, ...]:
    """Every order of this store of policy that has not ended, as the judge weighs it now."""
    return await shelf_of(store).terms(now)


def shelf_of(store: Store) -> OrderShelf:
    """The one of this store."""
    found = _shelves.get(store)
    if found is None:
        found = _shelves[store] = OrderShelf(store)
    return found
