"""Events and the change feed: what happened, in one order, for anyone to follow from a cursor.

An event is appended in the transaction of the rows it tells of: both are there or neither. Positions have no gaps and
become visible in their order, also with several writing processes on PostgreSQL, because taking the next position locks
the feed's head until the commit; a plain sequence loses the event that commits late.
"""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.errors import Limit
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Store, Tx
from banyan.limits import EVENT_BYTES, FEED_PAGE_EVENTS

SQL: Final = load_statements("banyan.kernel.events", "feed.sql")


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. No personal data: `subject` is a public key (a register's name), never a person's.

    Maps to CloudEvents 1.0: topic -> type, source is the service, key -> subject, seq -> part of the id.
    """

    topic: str
    subject: str
    data: msgspec.Raw
    at: EpochS = EpochS(0)
    seq: int = 0
    """Position in the service's feed, from 1, without gaps visible to a reader; 0 before it is committed."""


def append(tx: Tx, event: Event) -> int:
    """Append in this transaction; return the event's seq. Followers wake when it commits."""
    if len(bytes(event.data)) > EVENT_BYTES:
        raise Limit(f"An event is at most {EVENT_BYTES} bytes.", remedy="Send a reference to the data.", kind="event")
    row = tx.row(SQL["next_seq"])
    assert row is not None, "the feed's head is made by its migration"
    seq = _int(row[0])
    data = bytes(event.data)
    tx.run(SQL["append"], seq=seq, topic=event.topic, subject=event.subject, data=data, at=event.at)
    tx.signal(event.topic)
    return seq


async def read(store: Store, after: int, limit: int = FEED_PAGE_EVENTS, topic: str = "") -> list[Event]:
    """Up to `limit` events with seq > `after`, in order; of one topic when it is given."""
    return await store.read(lambda tx: page(tx, after, limit, topic))


def page(tx: Tx, after: int, limit: int = FEED_PAGE_EVENTS, topic: str = "") -> list[Event]:
    """`read` inside a transaction."""
    limit = min(limit, FEED_PAGE_EVENTS)
    if topic:
        return [_event(row) for row in tx.rows(SQL["page_of_topic"], topic=topic, after=after, limit=limit)]
    return [_event(row) for row in tx.rows(SQL["page"], after=after, limit=limit)]


def newest(tx: Tx) -> int:
    """The newest position; 0 when nothing ever happened."""
    row = tx.row(SQL["newest"])
    return _int(row[0]) if row else 0


def oldest(tx: Tx) -> int:
    """The oldest position still kept; 0 when none is. A cursor before it has missed events and must start anew."""
    row = tx.row(SQL["oldest"])
    return _int(row[0]) if row else 0


def prune(tx: Tx, until: int) -> None:
    """Forget events up to and with `until`; positions are never used again."""
    tx.run(SQL["prune"], until=until)


def cursor(tx: Tx, follower: str) -> int:
    """How far a durable follower has come; 0 at first."""
    row = tx.row(SQL["get_cursor"], follower=follower)
    return _int(row[0]) if row else 0


def move_cursor(tx: Tx, follower: str, seq: int) -> None:
    """Remember that a follower has handled everything up to `seq`; never moves back."""
    tx.run(SQL["move_cursor"], follower=follower, seq=seq)


def _event(row: Row) -> Event:
    seq, topic, subject, data, at = row
    assert isinstance(data, bytes), "the feed's data is bytes"
    return Event(
        topic=str(topic), subject=str(subject), data=msgspec.Raw(data), at=EpochS(float(at or 0)), seq=_int(seq)
    )


def _int(value: SqlValue) -> int:
    assert isinstance(value, int), f"a position is an integer, not {value!r}"
    return value
