"""The outbox: effects outside the database (a message, a call to a peer), carried out after the commit, at least once.

`put` is part of the transaction that decides the effect. A worker claims with a lease, carries out without any
transaction open, then says `done`, or `failed` (again later with growing waits, at last dead and shown to a person).
The receiver must take the same `key` twice without harm.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Store, Tx
from banyan.limits import OUTBOX_BATCH, OUTBOX_ERROR_CHARACTERS, OUTBOX_TRIES, OUTBOX_WAIT_S

SQL: Final = load_statements("banyan.kernel.events", "outbox.sql")


class Parcel(msgspec.Struct, frozen=True):
    """One effect as claimed. `tries` counts this try; it is the claim's fence."""

    seq: int
    topic: str
    key: str
    body: bytes
    tries: int


class DeadParcel(msgspec.Struct, frozen=True):
    """One that failed OUTBOX_TRIES times, with the last error."""

    seq: int
    topic: str
    key: str
    body: bytes
    tries: int
    error: str


def put(tx: Tx, topic: str, key: str, body: bytes, *, due: EpochS) -> bool:
    """Add an effect to be carried out from `due` on; False when one with this topic and key already waits."""
    is_new = tx.row(SQL["put"], topic=topic, key=key, body=body, due=due) is not None
    tx.signal("outbox")
    return is_new


async def claim(store: Store, *, now: EpochS, lease_s: float, limit: int = OUTBOX_BATCH) -> list[Parcel]:
    """Take up to `limit` due parcels, in order; others leave them alone until `now + lease_s`."""
    until = now + lease_s
    rows = await store.write(lambda tx: tx.rows(SQL["claim"], now=now, until=until, limit=limit))
    return sorted((_parcel(row) for row in rows), key=lambda parcel: parcel.seq)


def done(tx: Tx, parcel: Parcel) -> bool:
    """Carried out. False when the lease ran out and another worker has it."""
    return tx.row(SQL["done"], seq=parcel.seq, tries=parcel.tries) is not None


def failed(tx: Tx, parcel: Parcel, *, now: EpochS, jitter: float, error: str) -> bool:
    """Not carried out: again after `wait_s`, or dead after OUTBOX_TRIES. `jitter` is random in 0..1.

    `error` is for an operator and holds no personal data. False when the lease ran out.
    """
    said = error[:OUTBOX_ERROR_CHARACTERS]
    if parcel.tries >= OUTBOX_TRIES:
        return tx.row(SQL["bury"], seq=parcel.seq, tries=parcel.tries, error=said) is not None
    due = now + wait_s(parcel.tries, jitter)
    return tx.row(SQL["again"], seq=parcel.seq, tries=parcel.tries, due=due, error=said) is not None


def wait_s(tries: int, jitter: float) -> float:
    """Seconds before the next try: doubling from 1 up to OUTBOX_WAIT_S, spread over its upper half."""
    assert 0 <= jitter <= 1, f"jitter {jitter} is not in 0..1"
    return float(min(OUTBOX_WAIT_S, 2.0 ** (tries - 1)) * (0.5 + jitter / 2))


def dead(tx: Tx, after: int = 0, limit: int = OUTBOX_BATCH) -> list[DeadParcel]:
    """What waits for a person, in order."""
    rows = tx.rows(SQL["dead"], after=after, limit=limit)
    return [msgspec.convert(row, DeadParcel) for row in map(_named, rows)]


def revive(tx: Tx, seq: int, *, now: EpochS) -> bool:
    """Try a dead one again from the beginning."""
    return tx.row(SQL["revive"], seq=seq, now=now) is not None


def next_due(tx: Tx) -> EpochS | None:
    """When the next parcel is due; None when nothing waits."""
    row = tx.row(SQL["next_due"])
    return EpochS(float(row[0] or 0)) if row else None


def _parcel(row: Row) -> Parcel:
    return msgspec.convert(_named(row), Parcel)


def _named(row: Row) -> dict[str, object]:
    return dict(zip(DeadParcel.__struct_fields__, row, strict=False))
