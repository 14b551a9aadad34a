"""The change feed on both engines: one order, no gaps, nothing lost, followers woken at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from banyan.errors import Conflict, Limit
from banyan.kernel.events import Event, Follower, feed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.postgres import PostgresStore
from banyan.kernel.storage.statements import parse_statements
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits import EVENT_BYTES, FEED_PAGE_EVENTS, FEED_TAIL_EVENTS

OpenStore = Callable[..., SchemaStore]


def an_event(topic: str = "stock.changed", subject: str = "mask", data: object = None) -> Event:
    return Event(topic=topic, subject=subject, data=msgspec.Raw(msgspec.json.encode(data)), at=EpochS(12.5))


def emit(store: SchemaStore, *events: Event) -> list[int]:
    return asyncio.run(store.write(lambda tx: [feed.append(tx, event) for event in events]))


def read(store: SchemaStore, after: int = 0, **options: object) -> list[Event]:
    return asyncio.run(feed.read(store, after, **options))


class TestFeed:
    def test_events_come_back_whole_and_in_order(self, store: SchemaStore) -> None:
        events = [an_event(subject=f"s{n}", data={"n": n, "名": "口罩"}) for n in range(3)]
        assert emit(store, *events) == [1, 2, 3]
        assert read(store) == [msgspec.structs.replace(event, seq=n) for n, event in enumerate(events, 1)]
        assert read(store, after=2)[0].subject == "s2"
        assert read(store, after=3) == []

    def test_one_topic(self, store: SchemaStore) -> None:
        emit(store, an_event("a"), an_event("b"), an_event("a"), an_event("ab"))
        assert [event.seq for event in read(store, topic="a")] == [1, 3]
        assert [event.seq for event in read(store, after=1, topic="a")] == [3]
        assert read(store, topic="c") == []

    def test_pages_are_bounded(self, store: SchemaStore) -> None:
        emit(store, *[an_event()] * (FEED_PAGE_EVENTS + 5))
        assert len(read(store, limit=10**9)) == FEED_PAGE_EVENTS
        assert len(read(store, limit=7)) == 7
        assert len(read(store, after=FEED_PAGE_EVENTS)) == 5

    def test_an_undone_write_leaves_no_event_and_no_gap(self, store: SchemaStore) -> None:
        def undone(tx: Tx) -> None:
            feed.append(tx, an_event())
            raise Conflict("changed")

        emit(store, an_event())
        with pytest.raises(Conflict):
            asyncio.run(store.write(undone))
        assert emit(store, an_event()) == [2]
        assert [event.seq for event in read(store)] == [1, 2]

    def test_positions_go_on_after_pruning(self, store: SchemaStore) -> None:
        emit(store, *[an_event()] * 5)
        asyncio.run(store.write(lambda tx: feed.prune(tx, 5)))
        assert read(store) == []
        assert asyncio.run(store.read(feed.oldest)) == 0
        assert emit(store, an_event()) == [6]
        assert asyncio.run(store.read(feed.oldest)) == asyncio.run(store.read(feed.newest)) == 6

    def test_an_event_has_a_bound(self, store: SchemaStore) -> None:
        with pytest.raises(Limit):
            emit(store, an_event(data="x" * EVENT_BYTES))
        assert asyncio.run(store.read(feed.newest)) == 0

    def test_a_durable_cursor_never_moves_back(self, store: SchemaStore) -> None:
        def cursor() -> int:
            return asyncio.run(store.read(lambda tx: feed.cursor(tx, "mailer")))

        assert cursor() == 0
        for seq, expected in ((3, 3), (2, 3), (4, 4)):
            asyncio.run(store.write(lambda tx, seq=seq: feed.move_cursor(tx, "mailer", seq)))
            assert cursor() == expected

    def test_a_busy_reader_never_sees_a_gap(self, store: SchemaStore) -> None:
        async def race() -> list[int]:
            async def writer() -> None:
                for _ in range(20):
                    await store.write(lambda tx: feed.append(tx, an_event()))

            seen: list[int] = []
            writers = asyncio.gather(*(writer() for _ in range(10)))
            while len(seen) < 200:
                seen += [event.seq for event in await feed.read(store, seen[-1] if seen else 0)]
                await asyncio.sleep(0)
            await writers
            return seen

        assert asyncio.run(race()) == list(range(1, 201))


NAIVE = parse_statements(
    """
-- name: make
-- A log numbered by the engine, as is usual.
create table naive (n {id}, name text not null)

-- name: append
-- One entry.
insert into naive (name) values (:name)

-- name: behind
-- What a reader asks: behind my last.
select n, name from naive where n > :after order by n
""",
    where="test_feed",
)


class TestPostgresOrder:
    """Two nodes; the first takes its position, the second takes the next and is ready to commit first."""

    def test_a_plain_sequence_loses_the_event_that_commits_late(self, postgres: str) -> None:
        one, two = (PostgresStore(postgres, schema="naive_order") for _ in range(2))
        one.migrate(lambda tx: tx.run(NAIVE["make"]))
        seen: list[tuple[int, str]] = []

        def look() -> None:
            last = seen[-1][0] if seen else 0
            seen.extend(asyncio.run(one.read(lambda tx: tx.rows(NAIVE["behind"], after=last))))

        self.commit_second_first(
            partial(one.write, lambda tx: tx.run(NAIVE["append"], name="first")),
            partial(two.write, lambda tx: tx.run(NAIVE["append"], name="second")),
            one, two, look,
        )  # fmt: skip
        look()
        for node in (one, two):
            asyncio.run(node.close())
        assert seen == [(2, "second")], "the hazard is real: the first is never seen"

    def test_the_feed_does_not(self, postgres: str, open_store: OpenStore, engine: str) -> None:
        if engine == "sqlite":
            pytest.skip("SQLite has one writer, so no such order")
        from banyan.kernel.storage.migrations import load_steps, migrate

        one, two = open_store(), open_store()
        migrate(one, "banyan.kernel.events", load_steps("banyan.kernel.events"), at=0.0)
        seen: list[tuple[int, str]] = []

        def look() -> None:
            seen.extend((event.seq, event.subject) for event in read(one, seen[-1][0] if seen else 0))

        self.commit_second_first(
            partial(one.write, lambda tx: feed.append(tx, an_event(subject="first"))),
            partial(two.write, lambda tx: feed.append(tx, an_event(subject="second"))),
            one, two, look,
        )  # fmt: skip
        look()
        assert seen == [(1, "first"), (2, "second")]

    @staticmethod
    def commit_second_first(
        first: Callable[..., object], second: Callable[..., object], one: SchemaStore, two: SchemaStore,
        look: Callable[[], None],
    ) -> None:  # fmt: skip
        """Hold the first's transaction open after its append until the second has committed, or plainly waits."""
        appended, may_commit = threading.Event(), threading.Event()
        append_first = first.args[0]

        def held(tx: Tx) -> None:
            append_first(tx)
            appended.set()
            may_commit.wait(10)

        late = threading.Thread(target=lambda: asyncio.run(one.write(held)))
        late.start()
        assert appended.wait(10)
        early = threading.Thread(target=lambda: asyncio.run(second()))
        early.start()
        early.join(0.5)  # the naive one commits now; the feed's waits for the first
        look()
        may_commit.set()
        late.join(10)
        early.join(10)


class TestFollower:
    def test_a_follower_is_woken_by_the_commit_itself(self, store: SchemaStore) -> None:
        """Each event comes of two reads at most, and no timer but the heartbeat's is set: nothing is polled."""
        read_store, timers, reads = store.read, list[float](), 0

        async def counted(job: Callable[[Tx], object]) -> object:
            nonlocal reads
            reads += 1
            return await read_store(job)

        async def follow() -> list[int]:
            loop = asyncio.get_running_loop()
            call_at = loop.call_at

            def timed(when: float, *rest: Any, **options: Any) -> asyncio.TimerHandle:
                timers.append(when - loop.time())
                return call_at(when, *rest, **options)

            follower = Follower(store)
            stream = follower.follow(0, heartbeat_s=3_600)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(loop, "call_at", timed)
                patch.setattr(store, "read", counted)
                heard: list[int] = []
                for _ in range(10):
                    reader = asyncio.create_task(anext(stream))
                    await asyncio.sleep(0)
                    await store.write(lambda tx: feed.append(tx, an_event()))
                    heard += [event.seq for event in await reader]
                reader = asyncio.create_task(anext(stream))
                await asyncio.sleep(0)
                follower.close()
                with pytest.raises(StopAsyncIteration):
                    await reader
            return heard

        assert asyncio.run(follow()) == list(range(1, 11))
        assert reads <= 2 * 10 + 2
        assert timers
        assert min(timers) > 3_000

    def test_it_starts_anywhere_and_never_misses_or_repeats(self, store: SchemaStore) -> None:
        count = FEED_TAIL_EVENTS + 700

        async def race() -> list[list[int]]:
            follower = Follower(store)
            await store.write(lambda tx: [feed.append(tx, an_event()) for _ in range(30)])

            async def reader(after: int) -> list[int]:
                seen: list[int] = []
                async for events in follower.follow(after):
                    seen += [event.seq for event in events]
                    if seen and seen[-1] == count:
                        return seen
                return seen

            readers = asyncio.gather(*(reader(after) for after in (0, 1, 29, 30, 31, 1_000)))
            for _ in range((count - 30) // 10):
                await store.write(lambda tx: [feed.append(tx, an_event()) for _ in range(10)])
            seen = await readers
            follower.close()
            return seen

        for after, seen in zip((0, 1, 29, 30, 31, 1_000), asyncio.run(race()), strict=True):
            assert seen == list(range(after + 1, count + 1))

    def test_one_topic_is_followed_alone(self, store: SchemaStore) -> None:
        async def follow() -> list[tuple[int, str]]:
            follower = Follower(store)
            seen: list[tuple[int, str]] = []

            async def reader() -> None:
                async for events in follower.follow(0, topic="b"):
                    seen.extend((event.seq, event.topic) for event in events)
                    if len(seen) == 3:
                        return

            task = asyncio.create_task(reader())
            for topic in "abaab" + "a" * 50 + "b":
                await store.write(lambda tx, topic=topic: feed.append(tx, an_event(topic)))
            await task
            follower.close()
            return seen

        assert asyncio.run(follow()) == [(2, "b"), (5, "b"), (56, "b")]

    def test_silence_is_told(self, store: SchemaStore) -> None:
        async def wait() -> object:
            follower = Follower(store)
            first = await anext(follower.follow(0, heartbeat_s=0.01))
            follower.close()
            return first

        assert asyncio.run(wait()) == ()

    def test_a_thousand_followers_share_one_read(self, store: SchemaStore) -> None:
        reads = 0
        read_store = store.read

        async def counted(job: Callable[[Tx], object]) -> object:
            nonlocal reads
            reads += 1
            return await read_store(job)

        async def follow() -> list[object]:
            nonlocal reads
            store.read = counted
            follower = Follower(store)
            await store.write(lambda tx: feed.append(tx, an_event()))
            streams = [follower.follow(1) for _ in range(1_000)]
            waiting = [asyncio.create_task(anext(stream)) for stream in streams]
            await asyncio.sleep(0.05)
            reads = 0
            await store.write(lambda tx: feed.append(tx, an_event()))
            batches = await asyncio.gather(*waiting)
            follower.close()
            return batches

        batches = asyncio.run(follow())
        assert {tuple(event.seq for event in batch) for batch in batches} == {(2,)}
        assert reads <= 10, "shared: one for each notice, which PostgreSQL also gives late, not one for each reader"


def test_positions_are_consecutive_across_nodes(open_store: OpenStore, store: SchemaStore, engine: str) -> None:
    nodes = [store] if engine == "sqlite" else [store, open_store(), open_store()]

    async def race() -> list[int]:
        jobs = [node.write(lambda tx: feed.append(tx, an_event())) for _ in range(40) for node in nodes]
        return sorted(await asyncio.gather(*jobs))

    seqs = asyncio.run(race())
    assert seqs[0] == 1
    assert all(b - a == 1 for a, b in pairwise(seqs))
