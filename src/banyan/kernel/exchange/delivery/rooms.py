"""Publish and subscribe: rooms of events, each a subsystem; durable when a call returns. Implements `seams.Rooms`.

Who may make a kind of event, publish or subscribe is a grant on the room's services `api`, `pub` and `pull`, path by
path, so a right on a kind is a right on its path. A subscriber gets what is published after it subscribed, in order of
sequence; an event stays its next one until it is acknowledged, withdrawn, or older than the subscriber wants.
Source: GovStack IM PubSub API 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import msgspec

from banyan.errors import Conflict, Invalid, Limit, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.schemas import check, parse_json, parse_schema
from banyan.kernel.exchange.road.edges.seams import Event, Pushing, Subscription
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_road import (
    DELIVERY_SWEEP_ROWS,
    ROOM_EVENT_BYTES,
    ROOM_EVENTS,
    ROOM_KEPT_S,
    ROOM_NAME_CHARACTERS,
    ROOM_SUBSCRIBERS,
    ROOM_TYPES,
)
from banyan.wire.xroad.identifiers import ClientId, encoded, parse_client

SQL: Final = load_statements("banyan.kernel.exchange.delivery", "rooms.sql")


class Rooms:
    """`published_to` is told of a room and a kind with a new event, after the commit."""

    def __init__(self, means: Means, published_to: Callable[[ClientId, str], None] = lambda room, kind: None) -> None:
        self._means = means
        self._published_to = published_to

    async def add_type(self, room: ClientId, caller: ClientId, event_type: str, schema: bytes) -> None:
        """Raises Conflict: it is there; Invalid: the schema; Limit: the room has too many."""
        if not 0 < len(event_type) <= ROOM_NAME_CHARACTERS or not event_type.isprintable() or "/" in event_type:
            raise Invalid.at("eventType", f"Send 1 to {ROOM_NAME_CHARACTERS} characters, without a slash.")
        parse_schema(schema)
        now = self._means.clock()

        def job(tx: Tx) -> None:
            if len(tx.rows(SQL["types"], room=encoded(room), limit=ROOM_TYPES)) >= ROOM_TYPES:
                raise Limit(f"A room has at most {ROOM_TYPES} event types.", remedy="Delete one first.", kind="room")
            values = {"room": encoded(room), "event_type": event_type}
            if not tx.run(SQL["add_type"], schema=schema, made_by=encoded(caller), now=now, **values):
                raise Conflict("The event type exists already.", remedy="Use it, or choose another name.")

        await self._means.store.write(job)

    async def types(self, room: ClientId) -> Sequence[str]:
        rows = await self._means.store.read(lambda tx: tx.rows(SQL["types"], room=encoded(room), limit=ROOM_TYPES))
        return [str(row[0]) for row in rows]

    async def type_schema(self, room: ClientId, event_type: str) -> bytes | None:
        row = await self._means.store.read(lambda tx: _type(tx, room, event_type))
        return cast(bytes, row[0]) if row else None

    async def drop_type(self, room: ClientId, caller: ClientId, event_type: str) -> None:
        """With its events and subscriptions. Raises NotFound."""

        def job(tx: Tx) -> None:
            values = {"room": encoded(room), "event_type": event_type}
            if not tx.run(SQL["drop_type"], **values):
                raise _missing_type()
            for row in tx.rows(SQL["subscribers"], limit=ROOM_SUBSCRIBERS, **values):
                _unsubscribe(tx, room, event_type, str(row[1]))
            tx.run(SQL["drop_events"], **values)

        await self._means.store.write(job)

    async def publish(self, room: ClientId, publisher: ClientId, event_type: str, event: bytes) -> str:
        """The event's id. Raises NotFound: no such type; Invalid: not as its schema says; Limit: too many are kept."""
        if len(event) > ROOM_EVENT_BYTES:
            raise Invalid.at("event", f"An event has at most {ROOM_EVENT_BYTES} bytes.")
        schema = await self.type_schema(room, event_type)
        if schema is None:
            raise _missing_type()
        check(parse_schema(schema), parse_json(event, "event"))
        made, now = self._means.new_id(), self._means.clock()

        def job(tx: Tx) -> None:
            values = {"room": encoded(room), "event_type": event_type}
            row = tx.row(SQL["next_sequence"], **values)
            if row is None:
                raise _missing_type()
            sequence = cast(int, row[0])
            oldest = tx.row(SQL["oldest"], **values)
            if oldest and sequence - cast(int, oldest[0]) >= ROOM_EVENTS:
                remedy = "Send it again later: older ones go after their time."
                raise Limit(f"{ROOM_EVENTS} events of this type are kept.", remedy=remedy, status=429, kind="room")
            tx.run(
                SQL["add_event"], sequence=sequence, id=made, publisher=encoded(publisher), content=event, now=now,
                **values,
            )  # fmt: skip

        await self._means.store.write(job)
        self._published_to(room, event_type)
        return made

    async def published(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> Event:
        """Raises NotFound: no such event of this publisher."""
        event = await self._means.store.read(lambda tx: _event(tx, room, event_type, event_id))
        if event is None or event.publisher != publisher:
            raise _missing_event()
        return event

    async def withdraw(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> None:
        """Whoever does not have it yet will not get it. Raises NotFound."""
        values = {"room": encoded(room), "event_type": event_type, "id": event_id, "publisher": encoded(publisher)}
        if not await self._means.store.write(lambda tx: tx.run(SQL["stop"], **values)):
            raise _missing_event()

    async def subscriptions(self, room: ClientId, subscriber: ClientId) -> Sequence[Subscription]:
        values = {"room": encoded(room), "subscriber": encoded(subscriber)}
        rows = await self._means.store.read(lambda tx: tx.rows(SQL["subscriptions"], limit=ROOM_TYPES, **values))
        return [_subscription(row) for row in rows]

    async def subscription(self, room: ClientId, subscriber: ClientId, event_type: str) -> Subscription:
        """Raises NotFound."""
        row = await self._means.store.read(lambda tx: _found(tx, room, subscriber, event_type))
        return _subscription(row)

    async def subscribe(self, room: ClientId, wanted: Subscription) -> None:
        """From the next event on. Raises NotFound: no such type; Conflict: subscribed already; Limit."""
        made = self._means.new_id()

        def job(tx: Tx) -> None:
            row = _type(tx, room, wanted.event_type)
            if row is None:
                raise _missing_type()
            values = {"room": encoded(room), "event_type": wanted.event_type}
            count = tx.row(SQL["how_many"], **values)
            if count and cast(int, count[0]) >= ROOM_SUBSCRIBERS:
                raise Limit(f"{ROOM_SUBSCRIBERS} subscribe already.", remedy="Ask the room's owner.", kind="room")
            if not tx.run(
                SQL["subscribe"], id=made, subscriber=encoded(wanted.subscriber), delivery=wanted.delivery,
                ttl_s=_ttl_s(wanted), in_order=int(wanted.in_order), seen=row[1], **values,
            ):  # fmt: skip
                raise Conflict("The subscription exists already.", remedy="Change it by PATCH.")

        await self._means.store.write(job)

    async def resubscribe(self, room: ClientId, wanted: Subscription) -> None:
        """Raises NotFound."""

        def job(tx: Tx) -> bool:
            return bool(
                tx.run(
                    SQL["resubscribe"], room=encoded(room), event_type=wanted.event_type,
                    subscriber=encoded(wanted.subscriber), delivery=wanted.delivery, ttl_s=_ttl_s(wanted),
                    in_order=int(wanted.in_order),
                )
            )  # fmt: skip

        if not await self._means.store.write(job):
            raise _missing_subscription()
        self._published_to(room, wanted.event_type)

    async def unsubscribe(self, room: ClientId, subscriber: ClientId, event_type: str) -> None:
        """Raises NotFound."""
        if not await self._means.store.write(lambda tx: _unsubscribe(tx, room, event_type, encoded(subscriber))):
            raise _missing_subscription()

    async def pull(self, room: ClientId, subscriber: ClientId, event_type: str) -> Event | None:
        """The next one not acknowledged; the same one until it is. Raises NotFound: not subscribed."""
        now = self._means.clock()

        def job(tx: Tx) -> Event | None:
            return next_event(tx, room, _found(tx, room, subscriber, event_type), now)

        return await self._means.store.read(job)

    async def acknowledge(self, room: ClientId, subscriber: ClientId, event_type: str, event_id: str) -> None:
        """Twice is harmless. Raises NotFound: not subscribed, or no such event."""

        def job(tx: Tx) -> None:
            row = _found(tx, room, subscriber, event_type)
            event = _event(tx, room, event_type, event_id)
            if event is None:
                raise _missing_event()
            acknowledged(tx, room, row, event)

        await self._means.store.write(job)

    async def prune(self) -> int:
        """Put away what is past its time; how many."""
        before = self._means.clock() - ROOM_KEPT_S
        values = {"before": before, "limit": DELIVERY_SWEEP_ROWS}
        total = 0
        while found := await self._means.store.write(lambda tx: tx.run(SQL["prune"], **values)):
            total += found
        return total


def next_event(tx: Tx, room: ClientId, subscription: Row, now: EpochS) -> Event | None:
    """`subscription` as the statement of that name gives it."""
    made, _, event_type, _, ttl_s, _, seen = subscription
    since = now - min(cast(int, ttl_s), ROOM_KEPT_S)
    values = {"room": encoded(room), "event_type": event_type}
    young = tx.row(SQL["young"], since=since, **values)
    if young is None:
        return None
    passed = max(cast(int, seen), cast(int, young[0]) - 1)
    row = tx.row(SQL["next"], seen=passed, id=made, **values)
    return _event_of(row) if row else None


def acknowledged(tx: Tx, room: ClientId, subscription: Row, event: Event) -> None:
    made, _, event_type, _, _, _, seen = subscription
    if event.sequence <= cast(int, seen):
        return
    tx.run(SQL["acknowledge"], id=made, sequence=event.sequence)
    values = {"room": encoded(room), "event_type": event_type}
    gap = tx.row(SQL["gap"], id=made, seen=seen, **values)
    head = tx.row(SQL["type"], **values)
    assert head is not None, "a subscription is to a type that is there"
    reached = cast(int, gap[0]) - 1 if gap else cast(int, head[1])
    tx.run(SQL["move"], id=made, seen=reached)
    tx.run(SQL["tidy"], id=made, seen=reached)


def _type(tx: Tx, room: ClientId, event_type: str) -> Row | None:
    return tx.row(SQL["type"], room=encoded(room), event_type=event_type)


def _event(tx: Tx, room: ClientId, event_type: str, event_id: str) -> Event | None:
    row = tx.row(SQL["event"], id=event_id, room=encoded(room), event_type=event_type)
    return _event_of(row) if row else None


def _event_of(row: Row) -> Event:
    made, sequence, publisher, event_type, content = row
    content = msgspec.Raw(cast(bytes, content))
    return Event(str(made), cast(int, sequence), parse_client(str(publisher)), str(event_type), content)


def _found(tx: Tx, room: ClientId, subscriber: ClientId, event_type: str) -> Row:
    values = {"room": encoded(room), "event_type": event_type, "subscriber": encoded(subscriber)}
    row = tx.row(SQL["subscription"], **values)
    if row is None:
        raise _missing_subscription()
    return row


def _subscription(row: Row) -> Subscription:
    made, subscriber, event_type, delivery, ttl_s, in_order, _ = row
    return Subscription(
        str(made), parse_client(str(subscriber)), str(event_type), cast(Pushing, delivery), cast(int, ttl_s),
        bool(in_order),
    )  # fmt: skip


def _unsubscribe(tx: Tx, room: ClientId, event_type: str, subscriber: str) -> bool:
    row = tx.row(SQL["unsubscribe"], room=encoded(room), event_type=event_type, subscriber=subscriber)
    if row is not None:
        tx.run(SQL["forget_acknowledged"], id=row[0])
    return row is not None


def _ttl_s(wanted: Subscription) -> int:
    return int(min(wanted.ttl_s, ROOM_KEPT_S))


def _missing_type() -> NotFound:
    return NotFound("The room has no such event type.", remedy="Ask the room for its types.", kind="room-type")


def _missing_event() -> NotFound:
    return NotFound("No such event.", remedy="It may be past its time, or withdrawn.", kind="room-event")


def _missing_subscription() -> NotFound:
    return NotFound("You have no such subscription.", remedy="Subscribe first.", kind="room-subscription")
