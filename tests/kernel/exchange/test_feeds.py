"""The change feed over HTTP: pages by cursor, live by SSE, CloudEvents in both."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
from tests.kernel.exchange.sample import sample
from tests.make import NOW, TOKEN, Node, a_node, live_node

from banyan.kernel.catalogue import Context, Service
from banyan.kernel.events import feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.events.feed import Event
from banyan.wire import cloudevents

Story = Callable[[Node], Awaitable[None]]


def on_node(folder: Path, story: Story) -> None:
    async def run() -> None:
        async with a_node(folder, [sample("rows"), sample_b()]) as node:
            await story(node)

    asyncio.run(run())


def sample_b() -> Service:
    """A second service with its own feed and no routes that clash."""
    service = Service("other", title={"zh-Hant": "他", "en": "Other"}, package="tests.kernel.exchange")

    @service.shows
    async def shown(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
        return events

    return service


async def happen(node: Node, service: str, number: int, *, at: float = NOW, topic: str = "row.changed") -> int:
    data = msgspec.Raw(msgspec.json.encode({"n": number}))
    event = Event(topic, f"row-{number}", data, at=EpochS(at))
    return await node.drawers[service].sql.write(lambda tx: feed.append(tx, event))


def test_a_feed_pages_through_every_event_once(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for number in range(7):
            await happen(node, "rows" if number % 2 else "other", number, at=NOW + number)
        seen, cursor, more = [], "", True
        while more:
            page = (await node.client.get(f"/api/feed?limit=3&after={cursor}")).json
            seen += page["events"]
            cursor, more = page["cursor"], page["more"]
        assert [event["data"]["n"] for event in seen] == list(range(7))
        assert len({(event["source"], event["id"]) for event in seen}) == 7
        assert (await node.client.get(f"/api/feed?after={cursor}")).json["events"] == []
        await happen(node, "rows", 8)
        assert [e["data"]["n"] for e in (await node.client.get(f"/api/feed?after={cursor}")).json["events"]] == [8]

    on_node(tmp_path, story)


def test_a_clock_that_jumped_back_loses_no_event(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for number, at in enumerate((50, 10, 40, 20)):
            await happen(node, "rows", number, at=NOW + at)
        await happen(node, "other", 9, at=NOW + 30)
        seen, cursor, more = [], "", True
        while more:
            page = (await node.client.get(f"/api/feed?limit=1&after={cursor}")).json
            seen += [event["data"]["n"] for event in page["events"]]
            cursor, more = page["cursor"], page["more"]
        assert [number for number in seen if number != 9] == [0, 1, 2, 3]
        assert sorted(seen) == [0, 1, 2, 3, 9]

    on_node(tmp_path, story)


def test_what_is_not_public_is_hidden_and_still_passed(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for number in range(9):
            await happen(node, "rows", number, at=NOW + number, topic="row.changed" if number % 3 else "secret.made")
        seen, cursor, more = [], "", True
        while more:
            page = (await node.client.get(f"/api/feed?limit=2&after={cursor}")).json
            seen += [event["data"]["n"] for event in page["events"]]
            cursor, more = page["cursor"], page["more"]
        assert seen == [1, 2, 4, 5, 7, 8]
        whole = (await node.client.get("/api/feed", token=TOKEN)).json
        assert len(whole["events"]) == 9

    on_node(tmp_path, story)


def test_a_service_that_does_not_say_what_it_shows_shows_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        mute = Service("mute", title={"zh-Hant": "靜", "en": "Mute"}, package="tests.kernel.exchange")
        async with a_node(tmp_path, [mute]) as node:
            await happen(node, "mute", 1)
            page = (await node.client.get("/api/feed")).json
            assert (page["events"], page["cursor"]) == ([], "mute.1")

    asyncio.run(story())


def test_events_are_cloudevents(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await happen(node, "rows", 1)
        reply = await node.client.get("/api/feed?service=rows", headers={"Accept": cloudevents.BATCH_MEDIA_TYPE})
        assert reply.header("content-type") == cloudevents.BATCH_MEDIA_TYPE
        assert reply.header("link") == '<http://localhost/api/feed?after=rows.1>; rel="next"'
        event = cloudevents.decode(msgspec.json.encode(reply.json[0]))
        assert (event.id, event.source, event.type, event.subject) == ("rows.1", "/local/rows", "row.changed", "row-1")
        assert event.time == "2026-11-23T13:00:00Z"

    on_node(tmp_path, story)


def test_a_cursor_before_what_is_kept_is_told_so(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for number in range(5):
            await happen(node, "rows", number)
        await node.drawers["rows"].sql.write(lambda tx: feed.prune(tx, 3))
        assert (await node.client.get("/api/feed?service=rows&after=rows.2")).status == 410
        assert (await node.client.get("/api/feed?service=rows&after=rows.3")).status == 200
        await node.drawers["rows"].sql.write(lambda tx: feed.prune(tx, 5))
        assert (await node.client.get("/api/feed/stream?service=rows&after=rows.3")).status == 410

    on_node(tmp_path, story)


def test_a_wrong_question_is_refused(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for query, status in [
            ("after=nobody.1", 422),
            ("after=rows.x", 422),
            ("after=rows", 422),
            ("limit=0", 422),
            ("limit=99999", 422),
            ("service=nobody", 404),
            ("who=me", 422),
        ]:
            assert (await node.client.get(f"/api/feed?{query}")).status == status, query

    on_node(tmp_path, story)


def events_from(reply: http.client.HTTPResponse, wanted: int) -> list[dict[str, str]]:
    """Read SSE events until `wanted` have come."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    while len(events) < wanted:
        line = reply.readline().decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        else:
            if "data" in event:
                events.append(event)
            event = {}
    return events


def test_a_stream_is_live_and_resumes_where_it_broke(tmp_path: Path) -> None:
    with live_node(tmp_path, [sample("rows")]) as (url, node):
        host = url.removeprefix("http://")
        store = node.drawers["rows"].sql

        def happens(number: int) -> None:
            event = Event("row.changed", f"row-{number}", msgspec.Raw(b'{"n":%d}' % number), at=NOW)
            asyncio.run(store.write(lambda tx: feed.append(tx, event)))

        happens(0)
        first = http.client.HTTPConnection(host, timeout=10)
        first.request("GET", "/api/feed/stream")
        reply = first.getresponse()
        assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert reply.readline() == b"retry: 3000\n"
        started = time.monotonic()
        happens(1)
        (live,) = events_from(reply, 1)
        assert time.monotonic() - started < 5
        assert json.loads(live["data"])["data"] == {"n": 1}
        assert (live["event"], live["id"]) == ("row.changed", "rows.2")
        first.close()
        for number in (2, 3):
            happens(number)
        second = http.client.HTTPConnection(host, timeout=10)
        second.request("GET", "/api/feed/stream", headers={"Last-Event-ID": live["id"]})
        missed = events_from(second.getresponse(), 2)
        assert [json.loads(event["data"])["data"]["n"] for event in missed] == [2, 3]
        second.close()


def test_a_stop_does_not_wait_for_readers(tmp_path: Path) -> None:
    with live_node(tmp_path, [sample("rows")]) as (url, _):
        reader = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        reader.request("GET", "/api/feed/stream")
        reply = reader.getresponse()
        assert reply.readline() == b"retry: 3000\n"
        started = time.monotonic()
    assert time.monotonic() - started < 5
    reader.close()
