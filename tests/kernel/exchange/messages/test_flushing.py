"""Who waits for the disk, and how many share a flush."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.exchange.messages.house import HOSPITAL, a_log, exchanged

from banyan.errors import Problem
from banyan.kernel.exchange.messages.flushing import Flushing
from banyan.kernel.exchange.messages.log import Log
from banyan.kernel.exchange.messages.opening import Opened
from banyan.kernel.storage.journal import Journal
from banyan.limits_road import MESSAGES_FLUSH_HERE_S, MESSAGES_FLUSH_SHARE, MESSAGES_GROUP


class Written:
    """How often each way was taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = self.aside = 0
        append_here, append = Journal.append_here, Journal.append

        def by_the_loop(journal: Journal, payload: bytes) -> int:
            self.here += 1
            return append_here(journal, payload)

        async def by_a_thread(journal: Journal, payload: bytes) -> int:
            self.aside += 1
            return await append(journal, payload)

        monkeypatch.setattr(Journal, "append_here", by_the_loop)
        monkeypatch.setattr(Journal, "append", by_a_thread)


class Watch:
    """Seconds that pass when they are looked at, `step` each time."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    return Written(monkeypatch)


def watched(opened: Opened, watch: Watch) -> Log:
    """The log of `opened`, as one whose disk is as quick as `watch` says."""
    old = opened.messages.log
    log = Log(old.journal, old.keys, old.files, clock=old._clock, random=old._random, stopwatch=watch)
    log._next = old.size
    return log


@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.floats(0, 2))
def test_the_loop_waits_for_slow_flushes_a_hundredth_of_its_time(took: list[float], between: float) -> None:
    watch = Watch()
    flushing, waited = Flushing(watch), 0.0
    for seconds in took:
        while not flushing.is_here():
            watch.now += 0.25
        watch.now += seconds
        flushing.took(seconds)
        if seconds > MESSAGES_FLUSH_HERE_S:
            waited += seconds
            assert not flushing.is_here()
        watch.now += between
    while not flushing.is_here():
        watch.now += 0.25
    assert waited <= watch.now / MESSAGES_FLUSH_SHARE + max(took)


def test_on_a_quick_disk_no_thread_writes_and_calls_of_a_moment_share_a_flush(tmp_path: Path, written: Written) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            log = watched(opened, Watch())
            begun = written.here
            for start in range(0, 100, 10):
                await asyncio.gather(*(log.keep(exchanged(number)) for number in range(start, start + 10)))
            assert (written.here - begun, written.aside) == (10, 0)
            assert log.size == 101

    asyncio.run(story())


def test_company_is_waited_for_while_it_comes_and_not_for_ever(tmp_path: Path, written: Written) -> None:
    """One a turn: sixteen share a flush; nobody else: the first turn without company is the last."""

    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            log, told, place = watched(opened, Watch()), [], written.here

            def heard(index: int, error: Exception | None) -> None:
                told.append(index)

            for number in range(2 * MESSAGES_GROUP):
                log.put(exchanged(number), heard)
                await asyncio.sleep(0)
            while len(told) < 2 * MESSAGES_GROUP:
                await asyncio.sleep(0)
            assert told == sorted(told)
            assert written.here - place <= 4
            log.put(exchanged(99), heard)
            for _ in range(3):
                await asyncio.sleep(0)
            assert len(told) == 2 * MESSAGES_GROUP + 1, "alone it waits for nobody"

    asyncio.run(story())


def test_a_slow_disk_is_waited_for_by_a_thread_and_tried_again(tmp_path: Path, written: Written) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            watch = Watch(2 * MESSAGES_FLUSH_HERE_S)
            log, place = watched(opened, watch), written.here
            for number in range(20):
                await log.keep(exchanged(number))
            assert written.here - place == 1, "that one told that it is slow"
            assert written.aside == 19
            watch.step = 0.0
            watch.now += MESSAGES_FLUSH_SHARE * 2 * MESSAGES_FLUSH_HERE_S
            for number in range(20, 30):
                await log.keep(exchanged(number))
            assert written.here - place == 11
            assert log.size == 31
        async with a_log(tmp_path / "log") as opened:
            found = await opened.messages.find("TW-29", HOSPITAL, 1)
            assert [one.xid for one in found] == [exchanged(29).xid]

    asyncio.run(story())


def test_what_came_just_before_the_end_is_durable(tmp_path: Path) -> None:
    told: list[int] = []

    def heard(index: int, error: Exception | None) -> None:
        told.append(index)

    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            opened.messages.put(exchanged(5), heard)
        async with a_log(tmp_path / "log") as opened:
            assert len(await opened.messages.find("TW-5", HOSPITAL, 1)) == 1
            closed = opened.messages.log.journal
            await opened.messages.log.close()
            with pytest.raises(Problem, match="closed"):
                closed.append_here(b"late")

    asyncio.run(story())
    assert told == [1]
