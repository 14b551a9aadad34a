"""Durable timers: call (name, key) at a time, at least once, also when the node was down at that time.

Set in the transaction that decides it. Setting again replaces; a handler that sets its own timer again repeats.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.events.outbox import wait_s
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Store, Tx
from banyan.limits import OUTBOX_BATCH

SQL: Final = load_statements("banyan.kernel.events", "timers.sql")


class Timer(msgspec.Struct, frozen=True):
    """One due call as claimed. `at` is the end of its lease and with `tries` the claim's fence."""

    name: str
    key: str
    at: EpochS
    body: bytes
    tries: int


def set(tx: Tx, name: str, key: str, at: EpochS, body: bytes = b"") -> None:
    """Call (name, key) at `at` with `body`; replaces an earlier setting."""
    tx.run(SQL["set"], name=name, key=key, at=at, body=body)
    tx.signal("timer")


def cancel(tx: Tx, name: str, key: str) -> bool:
    """False when it was not set (or has run)."""
    return tx.row(SQL["cancel"], name=name, key=key) is not None


async def claim(store: Store, *, now: EpochS, lease_s: float, limit: int = OUTBOX_BATCH) -> list[Timer]:
    """Take up to `limit` due timers; others leave them alone until `now + lease_s`."""
    until = now + lease_s
    rows = await store.write(lambda tx: tx.rows(SQL["claim"], now=now, until=until, limit=limit))
    claimed = [msgspec.convert(dict(zip(Timer.__struct_fields__, row, strict=True)), Timer) for row in rows]
    return sorted(claimed, key=lambda timer: (timer.name, timer.key))


def done(tx: Tx, timer: Timer) -> bool:
    """It ran. False when it was set anew meanwhile, or its lease ran out."""
    return tx.row(SQL["done"], name=timer.name, key=timer.key, at=timer.at, tries=timer.tries) is not None


def failed(tx: Tx, timer: Timer, *, now: EpochS, jitter: float) -> bool:
    """It failed: again after a growing wait. A timer is never given up: what it does (a sunset) must be done."""
    again = now + wait_s(timer.tries, jitter)
    values: dict[str, SqlValue] = {"name": timer.name, "key": timer.key, "at": timer.at, "tries": timer.tries}
    return tx.row(SQL["again"], again=again, **values) is not None


def next_at(tx: Tx) -> EpochS | None:
    """When the next timer is due; None without any."""
    row = tx.row(SQL["next_at"])
    return EpochS(float(row[0] or 0)) if row else None
