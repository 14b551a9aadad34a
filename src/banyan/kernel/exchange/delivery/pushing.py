"""Events that are brought to their subscribers: each is a message of the post, from the room to the subscriber.

It goes to the subscriber's service `events`, `POST /v1/TYPE`, as the EventItem of the PubSub API; the subscriber grants
that to the room. An event counts as acknowledged once the post has it: from there on nothing is lost. Its X-Road-Id is
made of event and subscription, so a crash in between posts it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from banyan.errors import Problem
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.means import Means
from banyan.kernel.exchange.delivery.rooms import SQL, acknowledged, next_event
from banyan.kernel.exchange.delivery.sender import Sender
from banyan.kernel.exchange.road.calls import call_of
from banyan.kernel.exchange.road.edges.seams import Event
from banyan.kernel.exchange.road.model import Call
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits_road import DELIVERY_SWEEP_S, ROOM_SUBSCRIBERS
from banyan.wire.xroad.headers import parse_request_fields, request_fields
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded, parse_client
from banyan.wire.xroad.target import target_of

SERVICE: Final = "events"
Kind = tuple[str, str]


class Pusher:
    """Takes events of rooms to the post. `tell` it that a room has a new one."""

    def __init__(self, means: Means, sender: Sender, failed: Callable[[str, Exception], None]) -> None:
        self._means = means
        self._sender = sender
        self._failed = failed
        self._told: set[Kind] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, room: ClientId, event_type: str) -> None:
        self._told.add((encoded(room), event_type))
        self._woken.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="pushing events")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> int:
        """Everything that waits, of every room; how many events were posted."""
        rows = await self._means.store.read(lambda tx: tx.rows(SQL["pushed"]))
        return sum([await self.push((str(room), str(event_type))) for room, event_type in rows])

    async def push(self, kind: Kind) -> int:
        values = {"room": kind[0], "event_type": kind[1]}
        rows = await self._means.store.read(lambda tx: tx.rows(SQL["subscribers"], limit=ROOM_SUBSCRIBERS, **values))
        return sum([await self._push_to(parse_client(kind[0]), row) for row in rows if row[3] == "PUSH"])

    async def _run(self) -> None:
        """What is told of at once, everything now and then: a subscriber whose line was full is tried again."""
        while True:
            try:
                await self.turn()
                async with asyncio.timeout(DELIVERY_SWEEP_S):
                    while True:
                        await self._woken.wait()
                        self._woken.clear()
                        while self._told:
                            await self.push(self._told.pop())
            except TimeoutError:
                continue
            except Exception as error:  # the worker loop: events are safe, and tried again
                self._failed("rooms", error)
                await asyncio.sleep(1.0)

    async def _push_to(self, room: ClientId, subscription: Row) -> int:
        count = 0
        values = {"room": encoded(room), "event_type": subscription[2], "subscriber": subscription[1]}

        def look(tx: Tx) -> tuple[Row, Event] | None:
            row = tx.row(SQL["subscription"], **values)
            event = next_event(tx, room, row, self._means.clock()) if row else None
            return (row, event) if row and event else None

        while (found := await self._means.store.read(look)) is not None:
            row, event = found
            call = self._call(room, row, event)
            try:
                await self._sender.accept(call, Whole(_item(event)), unfetched=True)
            except Problem as problem:  # its line is full, or the disk: next time
                self._failed(f"{encoded(room)} {event.event_type}", problem)
                return count
            await self._means.store.write(lambda tx, row=row, event=event: acknowledged(tx, room, row, event))  # type: ignore[misc]  # defaults bind the loop's values
            count += 1
        return count

    def _call(self, room: ClientId, subscription: Row, event: Event) -> Call:
        made, subscriber, event_type, _, ttl_s, in_order, _ = map(_text, subscription)
        to = parse_client(subscriber)
        fields = [
            (b"x-road-client", encoded(room).encode("ascii")),
            (b"x-road-id", f"{event.id}.{made}".encode("ascii")),
            (b"prefer", b"respond-async"),
            (b"content-type", b"application/json"),
            (b"x-banyan-within", ttl_s.encode("ascii")),
        ]
        if in_order != "0":
            fields.append((b"x-banyan-order", b"yes"))
        asked = parse_request_fields(fields)
        ids = (self._means.new_id(), asked.message_id)
        service = ServiceId(to.instance, to.member_class, to.member, to.subsystem, SERVICE)
        target = target_of(service, b"/v1/" + quote(event_type, safe="").encode("ascii"))
        at = self._means.clock()
        return call_of("POST", target, asked, fields=request_fields(asked, *ids), ids=ids, at=at)


def _text(value: SqlValue) -> str:
    assert isinstance(value, str | int), "columns of a subscription are texts and integers"
    return str(value)


class _Who(msgspec.Struct, frozen=True, rename="camel"):
    instance_id: str
    member_class: str
    member_code: str
    application_code: str


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    sequence: int
    publisher_id: _Who
    event_type: str
    event: msgspec.Raw


def _item(event: Event) -> bytes:
    """EventItem of the PubSub API."""
    by = event.publisher
    who = _Who(by.instance, by.member_class, by.member, by.subsystem)
    return msgspec.json.encode(_Item(event.id, event.sequence, who, event.event_type, event.event))
