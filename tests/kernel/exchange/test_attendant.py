"""The attendant: handlers run at least once, a failing one stops no other, timers run when due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from tests.make import NOW, Node, a_node

from banyan.errors import Unavailable
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.events import Event, feed, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import attendant as attendant_module
from banyan.kernel.exchange.attendant import CURSOR, Attendant

NOTHING = msgspec.Raw(b"null")


def a_service(name: str = "sample") -> Service:
    return Service(name, title={"zh-Hant": "範例", "en": "Sample"}, package="tests.kernel.exchange")


def an_attendant(node: Node, service: Service) -> Attendant:
    log = lambda name, fields: node.logged.append((name, fields))  # noqa: E731
    return Attendant(service, node.drawers[service.name], node.gate, log=log, jitter=lambda: 0.5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def test_events_reach_their_handlers_once_in_order(tmp_path: Path) -> None:
    service = a_service()
    seen: list[tuple[str, int]] = []

    @service.on("rain.fell")
    async def note(ctx: Context, event: Event) -> None:
        seen.append((event.subject, event.seq))

    async def run() -> None:
        async with a_node(tmp_path, [service]) as node:
            store = node.drawers["sample"].sql
            work = asyncio.create_task(an_attendant(node, service).run())
            for number in range(5):
                topic = "rain.fell" if number != 2 else "sun.shone"
                await store.write(lambda tx, t=topic, n=number: feed.append(tx, Event(t, f"s{n}", NOTHING, NOW)))
            await until(lambda: len(seen) == 4)
            async with asyncio.timeout(10):
                while await store.read(lambda tx: feed.cursor(tx, CURSOR)) < 5:
                    await asyncio.sleep(0.005)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            again = asyncio.create_task(an_attendant(node, service).run())
            await store.write(lambda tx: feed.append(tx, Event("rain.fell", "last", NOTHING, NOW)))
            await until(lambda: len(seen) == 5)
            again.cancel()
            await asyncio.gather(again, return_exceptions=True)

    asyncio.run(run())
    assert seen == [("s0", 1), ("s1", 2), ("s3", 4), ("s4", 5), ("last", 6)]


def test_a_service_follows_the_feed_of_another_from_its_own_cursor(tmp_path: Path) -> None:
    source, reader = a_service("source"), a_service("reader")
    seen: list[tuple[str, str]] = []

    @reader.on("rain.fell", of="source")
    async def theirs(ctx: Context, event: Event) -> None:
        assert ctx.db is not None
        seen.append(("theirs", event.subject))

    @reader.on("rain.fell")
    async def own(ctx: Context, event: Event) -> None:
        seen.append(("own", event.subject))

    async def run() -> int:
        async with a_node(tmp_path, [source, reader]) as node:
            work = asyncio.create_task(an_attendant(node, reader).run())
            for name in ("source", "reader"):
                await node.drawers[name].sql.write(
                    lambda tx, n=name: feed.append(tx, Event("rain.fell", n, NOTHING, NOW))
                )
            kept, cursors = node.drawers["reader"].sql, [0, 0]
            async with asyncio.timeout(10):
                while cursors != [1, 1]:
                    await asyncio.sleep(0.005)
                    names = (CURSOR, f"{CURSOR}:source")
                    cursors = [await kept.read(lambda tx, n=n: feed.cursor(tx, n)) for n in names]
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return await node.drawers["source"].sql.read(lambda tx: feed.cursor(tx, CURSOR))

    assert asyncio.run(run()) == 0, "the source keeps no cursor of its readers"
    assert sorted(seen) == [("own", "reader"), ("theirs", "source")]


def test_a_handler_that_always_fails_is_recorded_and_passed_over(tmp_path: Path) -> None:
    service = a_service()
    seen: list[str] = []

    @service.on("a")
    async def broken(ctx: Context, event: Event) -> None:
        raise Unavailable("the other side is down")

    @service.on("b")
    async def whole(ctx: Context, event: Event) -> None:
        seen.append(event.subject)

    async def run() -> list[str]:
        async with a_node(tmp_path, [service]) as node:
            attendant_module.HANDLER_WAIT_S = 0.001
            store = node.drawers["sample"].sql
            await store.write(lambda tx: feed.append(tx, Event("a", "first", NOTHING, NOW)))
            await store.write(lambda tx: feed.append(tx, Event("b", "second", NOTHING, NOW)))
            work = asyncio.create_task(an_attendant(node, service).run())
            await until(lambda: seen == ["second"])
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return [name for name, _ in node.logged]

    kept = attendant_module.HANDLER_WAIT_S
    try:
        names = asyncio.run(run())
    finally:
        attendant_module.HANDLER_WAIT_S = kept
    assert names.count("handler.failed") == attendant_module.HANDLER_TRIES
    assert names.count("handler.gave_up") == 1


def test_a_due_timer_runs_and_a_failed_one_comes_back(tmp_path: Path) -> None:
    service = a_service()
    seen: list[tuple[str, bytes]] = []
    now = [NOW]

    @service.timer("look")
    async def look(ctx: Context, event: Event) -> None:
        seen.append((event.subject, bytes(event.data)))
        if len(seen) == 1:
            now[0] = EpochS(now[0] + 3_600)
            raise RuntimeError("once")

    async def run() -> None:
        async with a_node(tmp_path, [service], clock=lambda: now[0]) as node:
            store = node.drawers["sample"].sql
            await store.write(lambda tx: timers.set(tx, "look", "later", EpochS(NOW + 86_400), b"1"))
            await store.write(lambda tx: timers.set(tx, "look", "soon", NOW, b'"x"'))
            work = asyncio.create_task(an_attendant(node, service).run())
            await until(lambda: len(seen) == 1)
            now[0] = EpochS(now[0] + 3_600)
            await store.write(lambda tx: timers.set(tx, "look", "later", EpochS(NOW + 90_000), b"2"))
            await until(lambda: len(seen) == 2)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    asyncio.run(run())
    assert seen == [("soon", b'"x"'), ("soon", b'"x"')]
