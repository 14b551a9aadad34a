"""The outbox and timers on both engines: at least once, leased, fenced, given up only where a person sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Conflict
from banyan.kernel.events import EpochS, outbox, timers
from banyan.kernel.events.outbox import Parcel
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits import OUTBOX_BATCH, OUTBOX_ERROR_CHARACTERS, OUTBOX_TRIES, OUTBOX_WAIT_S

OpenStore = Callable[..., SchemaStore]


def at(seconds: float) -> EpochS:
    return EpochS(seconds)


def write(store: SchemaStore, job: Callable[[Tx], object]) -> object:
    return asyncio.run(store.write(job))


def put(store: SchemaStore, key: str, *, due: float = 0, body: bytes = b"x") -> object:
    return write(store, lambda tx: outbox.put(tx, "mail", key, body, due=at(due)))


def claim(store: SchemaStore, now: float, limit: int = OUTBOX_BATCH) -> list[Parcel]:
    return asyncio.run(outbox.claim(store, now=at(now), lease_s=30.0, limit=limit))


class TestOutbox:
    def test_what_is_put_is_claimed_once_and_done(self, store: SchemaStore) -> None:
        assert put(store, "a", body=b"\x00body") is True
        (parcel,) = claim(store, 1)
        assert (parcel.topic, parcel.key, parcel.body, parcel.tries) == ("mail", "a", b"\x00body", 1)
        assert claim(store, 2) == [], "leased"
        assert write(store, lambda tx: outbox.done(tx, parcel)) is True
        assert claim(store, 1e9) == []

    def test_the_same_key_waits_once(self, store: SchemaStore) -> None:
        assert [put(store, "a"), put(store, "a", body=b"other"), put(store, "b")] == [True, False, True]
        assert [(parcel.key, parcel.body) for parcel in claim(store, 1)] == [("a", b"x"), ("b", b"x")]

    def test_it_is_part_of_the_transaction(self, store: SchemaStore) -> None:
        def undone(tx: Tx) -> None:
            outbox.put(tx, "mail", "a", b"", due=at(0))
            raise Conflict("no")

        with pytest.raises(Conflict):
            write(store, undone)
        assert claim(store, 1) == []

    def test_nothing_is_claimed_before_it_is_due(self, store: SchemaStore) -> None:
        put(store, "later", due=100)
        put(store, "now", due=1)
        assert [parcel.key for parcel in claim(store, 99)] == ["now"]
        assert asyncio.run(store.read(outbox.next_due)) == 100
        assert [parcel.key for parcel in claim(store, 100)] == ["later"]

    def test_a_worker_that_died_loses_its_lease_and_its_say(self, store: SchemaStore) -> None:
        put(store, "a")
        (dead_workers,) = claim(store, 0)
        (anothers,) = claim(store, 30)
        assert anothers.tries == 2
        assert write(store, lambda tx: outbox.done(tx, dead_workers)) is False
        assert write(store, lambda tx: outbox.failed(tx, dead_workers, now=at(31), jitter=0, error="x")) is False
        assert write(store, lambda tx: outbox.done(tx, anothers)) is True

    def test_a_failure_waits_longer_each_time_and_is_dead_at_last(self, store: SchemaStore) -> None:
        put(store, "a")
        now, waits = 0.0, []
        for _ in range(OUTBOX_TRIES):
            (parcel,) = claim(store, now)
            write(store, lambda tx, p=parcel, n=now: outbox.failed(tx, p, now=at(n), jitter=1.0, error="拒" * 9999))
            due = asyncio.run(store.read(outbox.next_due))
            waits.append(None if due is None else due - now)
            now = due or now
        assert waits[:5] == [1, 2, 4, 8, 16]
        assert waits[-2:] == [OUTBOX_WAIT_S, None]
        (dead,) = asyncio.run(store.read(outbox.dead))
        assert (dead.key, dead.tries, len(dead.error)) == ("a", OUTBOX_TRIES, OUTBOX_ERROR_CHARACTERS)
        assert claim(store, 1e12) == []
        assert write(store, lambda tx: outbox.revive(tx, dead.seq, now=at(now))) is True
        assert [parcel.tries for parcel in claim(store, now)] == [1]
        assert asyncio.run(store.read(outbox.dead)) == []

    def test_a_batch_is_bounded_and_oldest_first(self, store: SchemaStore) -> None:
        for n in range(7):
            put(store, f"{n}")
        assert [[parcel.key for parcel in claim(store, 1, limit=3)] for _ in range(3)] == [
            ["0", "1", "2"], ["3", "4", "5"], ["6"],
        ]  # fmt: skip

    def test_many_workers_never_share_a_parcel(self, store: SchemaStore, open_store: OpenStore, engine: str) -> None:
        for n in range(60):
            put(store, f"{n}")
        nodes = [store] if engine == "sqlite" else [store, open_store(), open_store()]

        async def work(node: SchemaStore) -> list[str]:
            claimed: list[str] = []
            while batch := await outbox.claim(node, now=at(1), lease_s=30.0, limit=3):
                claimed += [parcel.key for parcel in batch]
            return claimed

        async def race() -> list[list[str]]:
            return await asyncio.gather(*(work(node) for node in nodes for _ in range(3)))

        claimed = sorted(int(key) for keys in asyncio.run(race()) for key in keys)
        assert claimed == list(range(60))


@given(tries=st.integers(1, 200), jitter=st.floats(0, 1))
def test_waits_are_bounded_and_spread(tries: int, jitter: float) -> None:
    wait = outbox.wait_s(tries, jitter)
    assert 0.5 <= wait <= OUTBOX_WAIT_S
    assert wait <= outbox.wait_s(tries + 1, jitter)


class TestTimers:
    def due(self, store: SchemaStore, now: float) -> list[timers.Timer]:
        return asyncio.run(timers.claim(store, now=at(now), lease_s=30.0))

    def set(self, store: SchemaStore, key: str, when: float, body: bytes = b"") -> None:
        write(store, lambda tx: timers.set(tx, "sunset", key, at(when), body))

    def test_a_timer_runs_when_due_and_once(self, store: SchemaStore) -> None:
        self.set(store, "order-1", 100, b"{}")
        assert self.due(store, 99.9) == []
        (timer,) = self.due(store, 100)
        assert (timer.name, timer.key, timer.body, timer.tries) == ("sunset", "order-1", b"{}", 1)
        assert self.due(store, 101) == [], "leased"
        assert write(store, lambda tx: timers.done(tx, timer)) is True
        assert self.due(store, 1e9) == []

    def test_setting_again_replaces(self, store: SchemaStore) -> None:
        self.set(store, "a", 100)
        self.set(store, "a", 200, b"new")
        assert self.due(store, 199) == []
        assert [timer.body for timer in self.due(store, 200)] == [b"new"]

    def test_a_timer_set_by_its_own_handler_repeats(self, store: SchemaStore) -> None:
        self.set(store, "poll", 10)
        (timer,) = self.due(store, 10)
        self.set(store, "poll", 20)
        assert write(store, lambda tx: timers.done(tx, timer)) is False, "the new setting stays"
        assert len(self.due(store, 20)) == 1

    def test_one_that_failed_or_whose_worker_died_runs_again(self, store: SchemaStore) -> None:
        self.set(store, "a", 10)
        (timer,) = self.due(store, 10)
        assert write(store, lambda tx: timers.failed(tx, timer, now=at(11), jitter=1.0)) is True
        assert asyncio.run(store.read(timers.next_at)) == 12
        (again,) = self.due(store, 12)
        assert again.tries == 2
        assert [timer.tries for timer in self.due(store, 42)] == [3], "the lease ran out"
        assert write(store, lambda tx: timers.done(tx, again)) is False

    def test_cancelling(self, store: SchemaStore) -> None:
        self.set(store, "a", 10)
        assert write(store, lambda tx: timers.cancel(tx, "sunset", "a")) is True
        assert write(store, lambda tx: timers.cancel(tx, "sunset", "a")) is False
        assert self.due(store, 10) == []
        assert asyncio.run(store.read(timers.next_at)) is None

    def test_timers_of_a_node_that_was_down_run_at_its_start(self, store: SchemaStore, open_store: OpenStore) -> None:
        self.set(store, "a", 10)
        asyncio.run(store.close())
        assert [timer.key for timer in self.due(open_store(), 1e6)] == ["a"]
