"""The group worker: groups under load, order, errors told to their own callers, a clean end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from banyan.errors import Limit, Unavailable
from banyan.kernel.storage.worker import Failed, GroupWorker
from banyan.limits import FLUSH_HERE_S, FLUSH_SHARE


class Echo:
    """Answers each job with itself; holds the first group until told."""

    def __init__(self, group: int = 4, queue: int = 100) -> None:
        self.groups: list[list[int]] = []
        self.may_go = threading.Event()
        self.worker: GroupWorker[int, int] = GroupWorker("echo", self.run, group=group, queue=queue)

    def run(self, jobs: list[int]) -> Sequence[int | Failed]:
        assert self.may_go.wait(10)
        self.groups.append(jobs)
        if 13 in jobs:
            raise OSError("the engine broke")
        return [Failed(ValueError(job)) if job < 0 else job for job in jobs]


async def ask(echo: Echo, jobs: list[int]) -> list[object]:
    tasks = [asyncio.create_task(echo.worker.do(job)) for job in jobs]
    await asyncio.sleep(0)
    echo.may_go.set()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def test_waiting_jobs_form_groups_in_their_order() -> None:
    echo = Echo()
    jobs = list(range(1, 11))
    assert asyncio.run(ask(echo, jobs)) == jobs
    assert [job for group in echo.groups for job in group] == jobs
    assert max(map(len, echo.groups)) == 4
    echo.worker.close()


def test_a_failure_is_told_to_its_own_caller() -> None:
    echo = Echo()
    answers = asyncio.run(ask(echo, [1, -2, 3]))
    assert (answers[0], answers[2]) == (1, 3)
    assert isinstance(answers[1], ValueError)
    echo.worker.close()


def test_a_group_that_breaks_is_told_to_all_and_the_next_is_done() -> None:
    echo = Echo(group=1)
    answers = asyncio.run(ask(echo, [1, 13, 2]))
    assert (answers[0], type(answers[1]), answers[2]) == (1, OSError, 2)
    echo.worker.close()


def test_a_full_queue_refuses() -> None:
    echo = Echo(queue=3)
    answers = asyncio.run(ask(echo, list(range(1, 11))))
    refused = [answer for answer in answers if isinstance(answer, Limit)]
    assert 6 <= len(refused) <= 7
    assert [answer for answer in answers if isinstance(answer, int)] == list(range(1, 11 - len(refused)))
    echo.worker.close()


def test_closing_finishes_what_waits() -> None:
    echo = Echo()

    async def close_meanwhile() -> list[int]:
        tasks = [asyncio.create_task(echo.worker.do(job)) for job in (1, 2, 3, 4, 5)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(echo.worker.close))
        echo.may_go.set()
        await closing
        return await asyncio.gather(*tasks)

    assert asyncio.run(close_meanwhile()) == [1, 2, 3, 4, 5]
    echo.worker.close()
    with pytest.raises(Unavailable):
        asyncio.run(echo.worker.do(6))


def test_a_loop_that_ended_does_not_stop_the_others() -> None:
    echo = Echo()

    async def leave() -> None:
        task = asyncio.create_task(echo.worker.do(1))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    assert asyncio.run(ask(echo, [2])) == [2]
    echo.worker.close()


class Diary:
    """Writes down who did which jobs; a group takes `takes_s` by its own watch."""

    def __init__(self, group: int = 4) -> None:
        self.now, self.takes_s = 0.0, 0.0
        self.done: list[tuple[bool, list[int]]] = []
        """Whether the loop itself did them, and the jobs."""
        self.may_go = threading.Event()
        self.may_go.set()
        self.loop = threading.get_ident()
        self.worker: GroupWorker[int, int] = GroupWorker(
            "diary", self.run, group=group, queue=100, stopwatch=lambda: self.now
        )

    def run(self, jobs: list[int]) -> Sequence[int | Failed]:
        is_here = threading.get_ident() == self.loop
        assert is_here or self.may_go.wait(10)
        self.now += self.takes_s
        self.done.append((is_here, jobs))
        if 13 in jobs:
            raise OSError("the engine broke")
        return jobs

    async def each(self, *jobs: int, is_small: bool = True) -> list[object]:
        asked = (self.worker.do(job, is_small=is_small) for job in jobs)
        return list(await asyncio.gather(*asked, return_exceptions=True))


def test_small_jobs_of_one_turn_are_done_by_the_loop_in_groups() -> None:
    diary = Diary()
    assert asyncio.run(diary.each(1, 2, 3, 4, 5)) == [1, 2, 3, 4, 5]
    assert diary.done == [(True, [1, 2, 3, 4]), (True, [5])]
    assert asyncio.run(diary.each(6, 7, is_small=False)) == [6, 7]
    assert diary.done[2:] == [(False, [6, 7])]
    diary.worker.close()


def test_a_small_job_waits_behind_what_the_thread_has() -> None:
    diary = Diary()

    async def story() -> None:
        diary.may_go.clear()
        large = asyncio.create_task(diary.worker.do(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        small = asyncio.create_task(diary.each(2))
        for _ in range(3):
            await asyncio.sleep(0)
        assert diary.done == []
        diary.may_go.set()
        await asyncio.gather(large, small)

    asyncio.run(story())
    assert [job for _, jobs in diary.done for job in jobs] == [1, 2]
    assert not any(is_here for is_here, _ in diary.done)
    diary.worker.close()


def test_the_thread_takes_over_where_the_disk_is_slow_and_the_loop_tries_again() -> None:
    diary = Diary(group=1)
    diary.takes_s = 2 * FLUSH_HERE_S
    assert asyncio.run(diary.each(1, 2)) == [1, 2]
    assert diary.done == [(True, [1]), (False, [2])], "the rest of the turn too"
    diary.takes_s = 0.0
    diary.now += FLUSH_SHARE * 2 * FLUSH_HERE_S
    assert asyncio.run(diary.each(3)) == [3]
    assert diary.done[2:] == [(True, [3])]
    diary.worker.close()


def test_a_small_job_that_breaks_is_told_and_the_next_is_done() -> None:
    diary = Diary(group=1)
    answers = asyncio.run(diary.each(1, 13, 2))
    assert (answers[0], type(answers[1]), answers[2]) == (1, OSError, 2)
    assert all(is_here for is_here, _ in diary.done)
    diary.worker.close()


def test_closing_waits_for_the_loop_that_writes() -> None:
    """What closes the files after `close` must find nobody at them."""
    diary, begun, order = Diary(), threading.Event(), list[str]()

    def run(jobs: list[int]) -> Sequence[int | Failed]:
        begun.set()
        closing.join(0.05)
        order.append("written")
        return jobs

    diary.worker._run = run

    def close() -> None:
        begun.wait(10)
        diary.worker.close()
        order.append("closed")

    closing = threading.Thread(target=close)
    closing.start()
    assert asyncio.run(diary.each(1)) == [1]
    closing.join()
    assert order == ["written", "closed"]
