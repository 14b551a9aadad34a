"""The group worker: groups under load, order, errors told to their own callers, a clean end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from banyan.errors import Limit, Unavailable
from banyan.kernel.storage.worker import Failed, GroupWorker


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
