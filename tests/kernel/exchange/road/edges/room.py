"""Rooms in memory, as plain as the seam lets them be."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.exchange.road.edges.seams import Event, Subscription
from banyan.wire.xroad.identifiers import ClientId


class PlainRooms:
    def __init__(self) -> None:
        self.schemas: dict[tuple[ClientId, str], bytes] = {}
        self.events: dict[tuple[ClientId, str], list[Event]] = {}
        self.subscribed: dict[tuple[ClientId, ClientId, str], Subscription] = {}
        self.acknowledged: set[tuple[ClientId, str]] = set()
        self._made = 0

    def _uuid(self) -> str:
        self._made += 1
        return str(UUID(int=self._made, version=4))

    def _of(self, room: ClientId, event_type: str) -> list[Event]:
        if (room, event_type) not in self.schemas:
            raise NotFound("The room has no such event type.", remedy="Create it.")
        return self.events.setdefault((room, event_type), [])

    async def add_type(self, room: ClientId, caller: ClientId, event_type: str, schema: bytes) -> None:
        if (room, event_type) in self.schemas:
            raise Conflict("The room has this event type.", remedy="Delete it first.")
        self.schemas[room, event_type] = schema

    async def types(self, room: ClientId) -> Sequence[str]:
        return sorted(name for known, name in self.schemas if known == room)

    async def type_schema(self, room: ClientId, event_type: str) -> bytes | None:
        return self.schemas.get((room, event_type))

    async def drop_type(self, room: ClientId, caller: ClientId, event_type: str) -> None:
        self._of(room, event_type)
        del self.schemas[room, event_type]

    async def publish(self, room: ClientId, publisher: ClientId, event_type: str, event: bytes) -> str:
        events = self._of(room, event_type)
        if not event.startswith(b"{"):
            raise Invalid.at("event", "Send an object.")
        made = Event(self._uuid(), len(events) + 1, publisher, event_type, msgspec.Raw(event))
        events.append(made)
        return made.id

    async def published(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> Event:
        for event in self._of(room, event_type):
            if event.id == event_id and event.publisher == publisher:
                return event
        raise NotFound("There is no such event of yours.")

    async def withdraw(self, room: ClientId, publisher: ClientId, event_type: str, event_id: str) -> None:
        event = await self.published(room, publisher, event_type, event_id)
        self.events[room, event_type].remove(event)

    async def subscriptions(self, room: ClientId, subscriber: ClientId) -> Sequence[Subscription]:
        return [one for (known, who, _), one in self.subscribed.items() if (known, who) == (room, subscriber)]

    async def subscription(self, room: ClientId, subscriber: ClientId, event_type: str) -> Subscription:
        try:
            return self.subscribed[room, subscriber, event_type]
        except KeyError as error:
            raise NotFound("You have no such subscription.") from error

    async def subscribe(self, room: ClientId, wanted: Subscription) -> None:
        key = (room, wanted.subscriber, wanted.event_type)
        if key in self.subscribed:
            raise Conflict("You have this subscription.")
        self.subscribed[key] = msgspec.structs.replace(wanted, id=self._uuid())

    async def resubscribe(self, room: ClientId, wanted: Subscription) -> None:
        self.subscribed[room, wanted.subscriber, wanted.event_type] = wanted

    async def unsubscribe(self, room: ClientId, subscriber: ClientId, event_type: str) -> None:
        await self.subscription(room, subscriber, event_type)
        del self.subscribed[room, subscriber, event_type]

    async def pull(self, room: ClientId, subscriber: ClientId, event_type: str) -> Event | None:
        await self.subscription(room, subscriber, event_type)
        waiting = [one for one in self._of(room, event_type) if (subscriber, one.id) not in self.acknowledged]
        return waiting[0] if waiting else None

    async def acknowledge(self, room: ClientId, subscriber: ClientId, event_type: str, event_id: str) -> None:
        event = await self.pull(room, subscriber, event_type)
        if event is None or event.id != event_id:
            raise NotFound("This event does not wait.")
        self.acknowledged.add((subscriber, event_id))
