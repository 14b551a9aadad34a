"""The engine on its journal: one flush for many, failures that leave nothing behind, and what listeners hear."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.service.rationing.engine.world import ADULT, HandClock, a_buyer, a_key, taipei

from banyan.errors import Limit, Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Journal
from banyan.kernel.storage.full import storage_full
from banyan.limits_rationing import RATION_WAITING
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import (
    Buy,
    Command,
    Deliver,
    Event,
    Lease,
    Merge,
    Receipt,
    Refusal,
    Reserve,
    Return,
)

OUTLET = "5901010001"
NOW = taipei(2020, 4, 16)
STOCK = Deliver(key=a_key(1), outlet=OUTLET, item=ADULT, qty=1_000)


class CountingJournal(Journal):
    """Counts frames, and fails when it is told to."""

    frames = 0
    fault: Exception | None = None

    async def append(self, payload: bytes) -> int:
        if self.fault is not None:
            raise self.fault
        self.frames += 1
        return await super().append(payload)


def a_sale(counter: int, person: int, qty: int = 9) -> Buy:
    return Buy(key=a_key(counter), buyer=a_buyer(person), item=ADULT, qty=qty, outlet=OUTLET)


def with_engine(folder: Path, story: Callable[[JournalEngine, CountingJournal], Awaitable[None]]) -> None:
    async def run() -> None:
        journal = CountingJournal(folder)
        engine = JournalEngine(journal, HandClock(NOW), book=taiwan_2020())
        await engine.do(STOCK)
        await story(engine, journal)
        journal.fault = None
        await engine.close()
        journal.close()

    asyncio.run(run())


def test_a_hundred_callers_share_few_flushes(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        before = journal.frames
        answers = await asyncio.gather(*(engine.do(a_sale(10 + n, n)) for n in range(100)))
        assert [answer.seq for answer in answers if isinstance(answer, Receipt)] == list(range(10, 110))
        assert journal.frames - before <= 3
        assert (await engine.stock(OUTLET, ADULT)).sold == 900

    with_engine(tmp_path, story)


def test_what_the_disk_refuses_never_was(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        before = await engine.state_hash()
        journal.fault = storage_full()
        failed = await asyncio.gather(*(engine.do(a_sale(10 + n, n)) for n in range(5)), return_exceptions=True)
        assert all(isinstance(one, Limit) for one in failed)
        assert await engine.state_hash() == before
        journal.fault = None
        again = await engine.do(a_sale(10, 0))
        assert isinstance(again, Receipt)
        assert again.seq == 10

    with_engine(tmp_path, story)


def test_a_disk_that_broke_stops_the_sale_until_a_restart(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        journal.fault = Unavailable("The disk failed.", kind="storage-failed")
        for n in (10, 11):
            with pytest.raises(Unavailable):
                await engine.do(a_sale(n, n))
        assert (await engine.stock(OUTLET, ADULT)).sold == 0

    with_engine(tmp_path, story)


def test_a_caller_that_leaves_takes_nothing_with_it(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        leaving = asyncio.create_task(engine.do(a_sale(10, 1)))
        staying = asyncio.create_task(engine.do(a_sale(11, 2)))
        await asyncio.sleep(0)
        leaving.cancel()
        assert isinstance(await staying, Receipt)
        first, second = await engine.do(a_sale(10, 1)), await engine.receipt(a_key(10))
        assert first == second
        assert (await engine.stock(OUTLET, ADULT)).sold == 18

    with_engine(tmp_path, story)


def test_listeners_hear_each_change_once_it_is_durable_and_no_person(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        heard: list[Event] = []
        stop = engine.listen(heard.extend)
        await engine.do_each([a_sale(10, 1), a_sale(11, 1), a_sale(12, 2, qty=4)])
        stop()
        await engine.do(a_sale(13, 3))
        assert [(one.what, one.qty, one.key) for one in heard] == [("buy", 9, a_key(10)), ("buy", 4, a_key(12))]
        assert heard[-1].stock.available == 987
        assert not hasattr(heard[0], "person")

    with_engine(tmp_path, story)


def test_who_used_a_ration_up_is_known_for_a_device(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        await engine.do_each([a_sale(10, 1), a_sale(11, 2, qty=3), a_sale(12, 2, qty=3)])
        assert set(await engine.spent(ADULT, 9)) == {a_buyer(1).person}
        assert set(await engine.spent(ADULT, 6)) == {a_buyer(1).person, a_buyer(2).person}
        assert list(await engine.spent("unknown", 1)) == []

    with_engine(tmp_path, story)


def test_a_list_longer_than_may_wait_is_taken_at_the_disks_pace(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        going = asyncio.Event()

        async def stalled(payload: bytes) -> int:
            await going.wait()
            return await CountingJournal.append(journal, payload)

        journal.append = stalled  # type: ignore[method-assign]
        sales: list[Command] = [Deliver(key=a_key(2), outlet=OUTLET, item=ADULT, qty=RATION_WAITING + 1_000)]
        sales += [a_sale(10 + n, n, qty=1) for n in range(RATION_WAITING + 2_000)]
        task = asyncio.create_task(engine.do_each(sales))
        for _ in range(200):
            await asyncio.sleep(0)
        assert not task.done()
        going.set()
        answers = await task
        assert all(isinstance(one, Receipt) for one in answers)

    with_engine(tmp_path, story)


def test_the_log_lets_go_of_purchases_behind_its_snapshots_and_keeps_every_key(tmp_path: Path) -> None:
    async def run() -> None:
        journal = Journal(tmp_path, segment_bytes=2_000)
        engine = JournalEngine(journal, HandClock(NOW), book=taiwan_2020(), every=50)
        await engine.do(STOCK)
        for n in range(80):
            await engine.do_each([a_sale(10 + 5 * n + one, 5 * n + one, qty=1) for one in range(5)])
            await engine.close()
        assert journal.first_seq > 1
        hashed = await engine.state_hash()
        journal.close()
        journal = Journal(tmp_path)
        engine = JournalEngine(journal, HandClock(NOW), book=taiwan_2020())
        assert await engine.state_hash() == hashed
        assert await engine.do(a_sale(10, 0, qty=1)) == await engine.receipt(a_key(10))
        assert (await engine.stock(OUTLET, ADULT)).sold == 400
        journal.close()

    asyncio.run(run())


BUYER = a_buyer()
BAD = [
    (Buy(key=b"short", buyer=BUYER, item=ADULT, qty=1, outlet=OUTLET), "key"),
    (a_sale(50, 1, qty=0), "qty"),
    (a_sale(50, 1, qty=256), "qty"),
    (Deliver(key=a_key(50), outlet="x" * 41, item=ADULT, qty=1), "outlet"),
    (Deliver(key=a_key(50), outlet=OUTLET, item="", qty=1), "item"),
    (Deliver(key=a_key(50), outlet=OUTLET, item=ADULT, qty=2_000_000_000), "qty"),
    (Return(key=a_key(50), outlet=OUTLET, item=ADULT, qty=0), "qty"),
    (Lease(key=a_key(50), outlet=OUTLET, item=ADULT, qty=0, until=EpochS(NOW + 9)), "qty"),
    (Lease(key=a_key(50), outlet=OUTLET, item=ADULT, qty=1, until=EpochS(float("inf"))), "until"),
    (Reserve(key=a_key(50), buyer=BUYER, item=ADULT, qty=1, outlet=OUTLET, expires_at=EpochS(-1.0)), "expires_at"),
    (Merge(key=a_key(50), lease=a_key(2), buyer=BUYER, item=ADULT, qty=0, outlet=OUTLET, sold_at=EpochS(NOW)), "qty"),
]  # fmt: skip


def test_what_is_out_of_bounds_names_its_field_and_changes_nothing(tmp_path: Path) -> None:
    async def story(engine: JournalEngine, journal: CountingJournal) -> None:
        before = await engine.state_hash()
        for command, field in BAD:
            answer = await engine.do(command)
            assert isinstance(answer, Refusal), command
            assert (answer.code, answer.field) == ("bad_command", field), command
        assert await engine.state_hash() == before

    with_engine(tmp_path, story)
