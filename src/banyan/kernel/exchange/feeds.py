"""The change feed over HTTP: `/api/feed` by page, `/api/feed/stream` live (SSE), both as CloudEvents 1.0.

A cursor names how far a reader is in each service's feed: `opendata.12-supplies.5`. It never expires while the feed
keeps those events; a cursor from before them gets 410 and starts anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from banyan.errors import FieldError, Invalid, NotFound, Problem, Unavailable
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.kernel.events import feed
from banyan.kernel.events.clock import iso
from banyan.kernel.events.feed import Event
from banyan.kernel.events.follower import Follower
from banyan.kernel.exchange.gate import Gate
from banyan.kernel.identity.caller import Caller
from banyan.limits import FEED_PAGE_EVENTS, LIST_DEFAULT_ROWS, SSE_CLIENTS, SSE_QUEUE_EVENTS
from banyan.wire import cloudevents, sse
from banyan.wire.cloudevents import CloudEvent

Cursor = Mapping[str, int]
Batch = tuple[str, Sequence[Event]]
RETRY_MS: Final = 3_000


class FeedPage(msgspec.Struct, frozen=True):
    """Events after a cursor, oldest first, and the cursor after them."""

    events: list[CloudEvent]
    cursor: str
    more: bool


class Ask(msgspec.Struct, frozen=True):
    """What a reader asked for; `after` is None when it named no cursor."""

    services: tuple[str, ...]
    topic: str
    limit: int
    after: Cursor | None


class Feeds:
    """The feeds of a node's drawers and their live followers."""

    def __init__(self, gate: Gate, *, member: str) -> None:
        self._gate = gate
        self._drawers = gate.drawers
        self._member = member
        self._followers: dict[str, Follower] = {}
        self.readers = 0

    async def page(self, request: FaceRequest) -> FaceAnswer:
        """One page; as a bare CloudEvents batch when the reader's Accept says so, then `Link` names the next page."""
        asked = self._asked(request, FEED_PAGE_EVENTS)
        page = await self._page(asked, request.caller)
        if cloudevents.BATCH_MEDIA_TYPE in request.header("accept"):
            link = f'<{request.base_url}/api/feed?after={page.cursor}>; rel="next"'
            body = cloudevents.encode_batch(page.events)
            return FaceAnswer(body, media_type=cloudevents.BATCH_MEDIA_TYPE, headers=(("Link", link),))
        return FaceAnswer(msgspec.json.encode(page))

    async def _page(self, asked: Ask, caller: Caller) -> FeedPage:
        """Read every feed asked for, keep what may be shown, and merge. What is hidden still moves the cursor."""
        cursor = dict(asked.after or dict.fromkeys(asked.services, 0))
        read: dict[str, int] = {}
        events: list[tuple[str, Event]] = []
        is_more = False
        for service in asked.services:
            after = cursor.get(service, 0)
            await self._refuse_gap(service, after, is_cursor=asked.after is not None)
            found = await feed.read(self._drawers[service].sql, after, asked.limit + 1, asked.topic)
            is_more = is_more or len(found) > asked.limit
            read[service] = found[-1].seq if found else after
            events.extend((service, event) for event in await self._shown(service, found, caller))
        events.sort(key=lambda pair: (pair[1].at, pair[0], pair[1].seq))
        shown = _in_order(events)[: asked.limit]
        if len(shown) == len(events):
            cursor |= read
        else:
            is_more = True
            for service, event in shown:
                cursor[service] = max(cursor.get(service, 0), event.seq)
        return FeedPage([self.cloud(*pair) for pair in shown], written(cursor), more=is_more)

    async def _shown(self, service: str, events: Sequence[Event], caller: Caller) -> Sequence[Event]:
        """Those of a service's events that this caller may follow; none unless the service says which."""
        if caller.may_write or not events:
            return events
        choose = self._gate.catalogue.services[service].shown
        return await choose(self._gate.context(service, caller), events) if choose is not None else ()

    async def stream(self, request: FaceRequest) -> FaceAnswer:
        """Live events from `Last-Event-ID`, else `after`, else from now."""
        asked = self._asked(request, FEED_PAGE_EVENTS)
        if self.readers >= SSE_CLIENTS:
            raise Unavailable("all streams are taken", remedy="come back soon, or poll /api/feed", retry_after_s=10)
        cursor: dict[str, int] = {}
        for service in asked.services:
            if asked.after is None:
                cursor[service] = await self._drawers[service].sql.read(feed.newest)
            else:
                cursor[service] = asked.after.get(service, 0)
                await self._refuse_gap(service, cursor[service], is_cursor=True)
        headers = (("X-Accel-Buffering", "no"), ("Cache-Control", "no-store"))
        return FaceAnswer(self._live(cursor, asked.topic, request.caller), media_type=sse.MEDIA_TYPE, headers=headers)

    def cloud(self, service: str, event: Event) -> CloudEvent:
        """The CloudEvent of a feed's event."""
        return CloudEvent(
            id=f"{service}.{event.seq}",
            source=f"/{self._member}/{service}",
            type=event.topic,
            subject=event.subject,
            time=iso(event.at),
            datacontenttype="application/json",
            data=event.data,
        )

    def close(self) -> None:
        """End every live reader."""
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()

    async def _live(self, cursor: dict[str, int], topic: str, caller: Caller) -> AsyncIterator[bytes]:
        """Bytes of the stream. The queue holds one batch a service: a slow reader holds its cursor, not memory."""
        queue: asyncio.Queue[Batch] = asyncio.Queue(maxsize=1)
        tasks = [asyncio.create_task(self._follow(name, after, topic, queue)) for name, after in cursor.items()]
        self.readers += 1
        try:
            yield sse.retry(RETRY_MS)
            while True:
                service, events = await queue.get()
                if not events:
                    yield sse.HEARTBEAT
                for start in range(0, len(events), SSE_QUEUE_EVENTS):
                    shown = await self._shown(service, events[start : start + SSE_QUEUE_EVENTS], caller)
                    if shown:
                        yield b"".join(self._said(service, event, cursor) for event in shown)
        finally:
            self.readers -= 1
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def _said(self, service: str, event: Event, cursor: dict[str, int]) -> bytes:
        cursor[service] = event.seq
        return sse.encode(cloudevents.encode(self.cloud(service, event)), event=event.topic, event_id=written(cursor))

    async def _follow(self, service: str, after: int, topic: str, queue: asyncio.Queue[Batch]) -> None:
        follower = self._followers.get(service)
        if follower is None:
            follower = self._followers[service] = Follower(self._drawers[service].sql)
        async for events in follower.follow(after, topic=topic):
            await queue.put((service, events))

    async def _refuse_gap(self, service: str, after: int, *, is_cursor: bool) -> None:
        """A reader whose cursor lies before what is kept has missed events, and must know."""
        if not is_cursor:
            return
        oldest, newest = await self._drawers[service].sql.read(lambda tx: (feed.oldest(tx), feed.newest(tx)))
        if after + 1 < (oldest or newest + 1):
            title = f"events of {service} up to {(oldest or newest + 1) - 1} are no longer kept"
            raise Problem(title, kind="gone", status=410, remedy="read the data anew, then follow without a cursor")

    def _asked(self, request: FaceRequest, most: int) -> Ask:
        given = dict(request.query)
        unknown = given.keys() - {"service", "topic", "limit", "after"}
        if unknown:
            raise Invalid.at(min(unknown), "fields: service, topic, limit, after")
        service = given.get("service", "")
        if service and service not in self._drawers:
            raise NotFound(f"no service {service}", remedy="one of: " + ", ".join(self._drawers))
        limit = given.get("limit", str(LIST_DEFAULT_ROWS))
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= most):
            raise Invalid.at("limit", f"1 to {most}")
        after = request.header("last-event-id") or given.get("after", "")
        services = (service,) if service else tuple(self._drawers)
        return Ask(services, given.get("topic", ""), int(limit), self._cursor(after) if after else None)

    def _cursor(self, text: str) -> Cursor:
        parts = [part.rpartition(".") for part in text.split("-")]
        if len(parts) > len(self._drawers) or any(
            name not in self._drawers or not (seq.isascii() and seq.isdigit() and len(seq) < 19)
            for name, _, seq in parts
        ):
            fix = FieldError("after", "send a cursor as it was given")
            raise Invalid("bad cursor", fields=(fix,))
        return {name: int(seq) for name, _, seq in parts}


def written(cursor: Cursor) -> str:
    """A cursor as text."""
    return "-".join(f"{service}.{seq}" for service, seq in sorted(cursor.items()))


def _in_order(events: list[tuple[str, Event]]) -> list[tuple[str, Event]]:
    """By time, but never a service's later event before its earlier one: a clock may have jumped back."""
    positions: dict[str, list[int]] = {}
    for index, (service, _) in enumerate(events):
        positions.setdefault(service, []).append(index)
    ordered = list(events)
    for indices in positions.values():
        in_feed_order = sorted((events[index] for index in indices), key=lambda pair: pair[1].seq)
        for index, pair in zip(indices, in_feed_order, strict=True):
            ordered[index] = pair
    return ordered
