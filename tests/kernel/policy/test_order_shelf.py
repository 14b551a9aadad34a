"""Orders in memory: never another answer than the records', from the moment that whoever wrote was told."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.policy.test_judging import NOW
from tests.kernel.policy.test_orders import NHI, ORDER

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import orders, records
from banyan.kernel.policy.order_shelf import OrderShelf, shelf_of
from banyan.kernel.policy.orders import Order, Review
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.kernel.storage.store import SchemaStore, Tx
from banyan.limits import ORDER_SHELF_S


@pytest.fixture
def store(open_store: Callable[[], SchemaStore]) -> SchemaStore:
    found = open_store()
    migrate(found, "banyan.kernel.policy", load_steps("banyan.kernel.policy"), at=0.0)
    return found


def approved(id: str = "o-1", **changes: Any) -> Order:
    found = orders.approve(msgspec.structs.replace(ORDER, id=id, **changes), NHI, NOW)
    assert isinstance(found, Order)
    return found


def a_review(use: int, due: float, *, is_justified: bool | None = None) -> Review:
    return Review(use, "o-1", "TW/MED/H1", "who", "急診", EpochS(due), "another" if is_justified else "", is_justified)


async def both(store: SchemaStore, shelf: OrderShelf, now: float) -> object:
    told = await shelf.terms(EpochS(now))
    assert told == await store.read(lambda tx: records.order_terms(tx, EpochS(now)))
    return told


def test_what_was_approved_counts_at_once_and_what_was_ended_no_more(store: SchemaStore) -> None:
    async def story() -> None:
        shelf = shelf_of(store)
        assert shelf_of(store) is shelf
        assert await both(store, shelf, NOW) == ()
        await store.write(lambda tx: records.put_order(tx, approved()))
        (told,) = await shelf.terms(EpochS(NOW))
        assert told.is_in_force
        ended = orders.end(approved(), EpochS(NOW + 1))
        await store.write(lambda tx: records.put_order(tx, ended))  # type: ignore[arg-type]  # no refusal
        assert await both(store, shelf, NOW + 1) == ()

    asyncio.run(story())


def test_the_clock_ends_an_order_without_a_word(store: SchemaStore) -> None:
    async def story() -> None:
        shelf = OrderShelf(store)
        await store.write(lambda tx: records.put_order(tx, approved(start=EpochS(NOW + 10), until=EpochS(NOW + 20))))
        found = []
        for now in (NOW, NOW + 9.99, NOW + 10, NOW + 19.99, NOW + 20, NOW + 30):
            told = await both(store, shelf, now)
            found.append([one.is_in_force for one in told])  # type: ignore[attr-defined]
        assert found == [[False], [False], [True], [True], [], []]

    asyncio.run(story())


def test_what_stands_in_memory_is_not_read_again(store: SchemaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        shelf = OrderShelf(store)
        await store.write(lambda tx: records.put_order(tx, approved()))
        reads: list[str] = []

        def counted(name: str) -> Any:
            real = getattr(store, name)

            async def read(job: Callable[[Tx], Any]) -> Any:
                reads.append(name)
                return await real(job)

            return read

        for name in ("read", "read_long"):
            monkeypatch.setattr(store, name, counted(name))
        for second in range(50):
            assert await shelf.terms(EpochS(NOW + second))
        assert len(reads) == (1 if getattr(store, "is_alone", False) else 50)
        reads.clear()
        await store.write(lambda tx: records.used_under_order(tx, a_review(1, NOW + 10**6), EpochS(NOW), is_daily=True))
        await shelf.terms(EpochS(NOW + 60))
        assert len(reads) == (0 if getattr(store, "is_alone", False) else 1), "a use changes no order"
        await shelf.terms(EpochS(NOW + ORDER_SHELF_S + 1))
        assert reads, "an hour later they are read anew"

    asyncio.run(story())


def test_a_change_that_a_turn_of_the_loop_does_not_see_is_seen_by_the_shelf(store: SchemaStore) -> None:
    """A read before the commit holds the view of the whole turn; what is filled in that turn must not be kept."""

    async def story() -> None:
        shelf = OrderShelf(store)
        await store.write(lambda tx: records.put_order(tx, approved()))
        assert await shelf.terms(EpochS(NOW))
        ended = orders.end(approved(), EpochS(NOW + 1))
        await store.read(lambda tx: records.order_terms(tx, EpochS(NOW)))  # the turn's view begins

        def elsewhere() -> None:  # another loop writes while this one stands still
            asyncio.run(store.write(lambda tx: records.put_order(tx, ended)))  # type: ignore[arg-type]  # no refusal

        writer = threading.Thread(target=elsewhere)
        writer.start()
        writer.join()
        assert await shelf.terms(EpochS(NOW + 1)) == ()
        assert await shelf.terms(EpochS(NOW + 2)) == ()

    asyncio.run(story())


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.sampled_from("abc"), st.integers(0, 60), st.integers(1, 90)),
        st.tuples(st.just("end"), st.sampled_from("abc")),
        st.tuples(st.just("review"), st.integers(1, 4), st.integers(0, 100), st.booleans()),
        st.tuples(st.just("wait"), st.integers(0, 40)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(acts=ACTS)
def test_any_order_of_acts(acts: Sequence[tuple[Any, ...]]) -> None:
    async def story(folder: str) -> None:
        store = SqliteStore(Path(folder) / "policy.sqlite")
        migrate(store, "banyan.kernel.policy", load_steps("banyan.kernel.policy"), at=0.0)
        shelf, now = OrderShelf(store), float(NOW)
        for what, *values in acts:
            if what == "order":
                id, start, length = values
                one = approved(id, start=EpochS(now + start), until=EpochS(now + start + length))
                await store.write(partial(records.put_order, order=one))
            elif what == "end":
                known = await store.read(partial(records.order_by_id, id=values[0]))
                ended = orders.end(known, EpochS(now)) if known is not None else None
                if isinstance(ended, Order):
                    await store.write(partial(records.put_order, order=ended))
            elif what == "review":
                use, due, is_done = values
                one_review = a_review(use, now + due, is_justified=is_done or None)
                await store.write(partial(records.put_review, review=one_review))
            else:
                now += values[0]
            await both(store, shelf, now)
            await both(store, shelf, now + 0.5)
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(folder))
