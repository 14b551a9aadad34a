"""The pool's bounds: a late query stops, a long line is refused, and the next question is answered."""

from __future__ import annotations

import asyncio

import pytest

from banyan.errors import Limit, Unavailable
from banyan.service.opendata.tables import workers
from banyan.service.opendata.tables.answers import Recent
from banyan.service.opendata.tables.workers import Connection, Workers

ENDLESS = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b WHERE a.range + b.range = -1"


def count(connection: Connection, sql: str = "SELECT 42") -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_a_late_query_is_stopped_and_the_next_answered() -> None:
    async def run() -> int:
        pool = Workers("test", threads=1, settings={})
        try:
            with pytest.raises(Limit) as caught:
                await pool.run(lambda connection: count(connection, ENDLESS), time_s=0.05)
            assert caught.value.kind == "query_time"
            return await pool.run(count)
        finally:
            pool.close()

    assert asyncio.run(run()) == 42


def test_a_caller_who_leaves_stops_the_query() -> None:
    async def run() -> int:
        pool = Workers("test", threads=1, settings={})
        try:
            late = asyncio.create_task(pool.run(lambda connection: count(connection, ENDLESS)))
            await asyncio.sleep(0.02)
            late.cancel()
            with pytest.raises(asyncio.CancelledError):
                await late
            return await pool.run(count)
        finally:
            pool.close()

    assert asyncio.run(run()) == 42


def test_a_long_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "QUERY_QUEUE", 2)

    async def run() -> list[object]:
        pool = Workers("test", threads=1, settings={})
        try:
            return list(await asyncio.gather(*(pool.run(count) for _ in range(5)), return_exceptions=True))
        finally:
            pool.close()

    answers = asyncio.run(run())
    assert [answer for answer in answers if answer == 42] == [42, 42]
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 3


def test_too_little_memory_is_a_limit() -> None:
    async def run() -> None:
        pool = Workers("test", threads=1, settings={"memory_limit": "20MB", "temp_directory": ""})
        try:
            sql = "SELECT count(*) FROM (SELECT DISTINCT CAST(range AS VARCHAR) || 'xxxxxxxxxx' FROM range(9000000))"
            with pytest.raises(Limit) as caught:
                await pool.run(lambda connection: count(connection, sql), time_s=30)
            assert caught.value.kind == "query_memory"
        finally:
            pool.close()

    asyncio.run(run())


def test_recent_keeps_its_weight() -> None:
    dropped: list[str] = []
    recent: Recent[str, str] = Recent(6, len, lambda key, _: dropped.append(key))
    recent.put("a", "xxx")
    recent.put("b", "xx")
    assert recent.get("a") == "xxx"
    recent.put("c", "xx")  # b was used longest ago
    assert (recent.get("b"), recent.weight, dropped) == (None, 5, ["b"])
    recent.put("d", "xxxxxxx")  # heavier than all: not kept
    assert recent.get("d") is None
    recent.clear()
    assert recent.weight == 0
