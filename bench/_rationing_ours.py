"""Our engine under the benchmark's load: commands made before the clock starts, answers durable before it stops."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import uvloop
from bench._rationing_peers import HISTORY, OUTLETS, PERSONS, UNITS

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Journal
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Buy, Buyer, Command, Deliver, Receipt
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook

DAY_S: Final = 86_400
NOW: Final = 20_000 * DAY_S
FORTNIGHT_S: Final = 14 * DAY_S
"""Each round is as much later: it sells so many more than PostgreSQL's that quotas would be used up in the second, and
a refusal, which says from when on more may be bought, costs ten times a sale."""
ITEM: Final = "mask-adult"
BATCH: Final = 512
CALLERS: Final = 4
RULE: Final = Rule(item=ITEM, quantity=9, window_days=14)
BOOK: Final = RuleBook((Edition(since=date(2000, 1, 1), rule=(RULE,)),))
BORN: Final = date(1980, 1, 1)


class Ours:
    """An engine over a journal in `folder`, with a million sales before."""

    def __init__(self, folder: Path) -> None:
        self._at = float(NOW - 100 * DAY_S)
        self.journal = Journal(folder)
        self.engine = JournalEngine(self.journal, lambda: EpochS(self._at), book=BOOK)
        self._dice, self._counter = random.Random(2), 0
        self._outlets = [f"{number:010}" for number in range(OUTLETS + 1)]
        uvloop.run(self._fill())

    async def _fill(self) -> None:
        stocks: list[Command] = [
            Deliver(key=self._key(), outlet=outlet, item=ITEM, qty=1_000_000_000) for outlet in self._outlets
        ]
        await self.engine.do_each(stocks)
        half = HISTORY // 2
        for days in range(2):
            self._at = float(NOW - (100 - days * 15) * DAY_S)
            for start in range(0, half, 50_000):
                persons = range(start, start + 50_000)
                sales: list[Command] = [self._sale(one, one % OUTLETS) for one in persons]
                answers = await self.engine.do_each(sales)
                assert all(isinstance(one, Receipt) for one in answers), "the history was sold"
        self._at = float(NOW)

    def _key(self) -> bytes:
        """A busy outlet's terminals count; 64 of them take turns."""
        self._counter += 1
        return b"term%04d" % (self._counter & 63) + (self._counter >> 6).to_bytes(8, "big")

    def _sale(self, person: int, place: int) -> Buy:
        name = (person * 0x9E3779B97F4A7C15 & (1 << 64) - 1).to_bytes(8, "big") + person.to_bytes(8, "big")
        return Buy(key=self._key(), buyer=Buyer(name, BORN), item=ITEM, qty=UNITS, outlet=self._outlets[place])

    def sales(self, count: int, place: Callable[[], int]) -> list[Command]:
        return [self._sale(self._dice.randrange(PERSONS), place()) for _ in range(count)]

    def run(self, name: str, count: int) -> dict[str, float]:
        """Sales a second, durable, in batches of 512 from four callers; and how long one batch takes."""
        self._at += FORTNIGHT_S
        place = (lambda: 7) if name == "hot" else (lambda: self._dice.randrange(OUTLETS))
        return uvloop.run(self._each(self.sales(count, place)))

    async def _each(self, sales: list[Command]) -> dict[str, float]:
        waits: list[float] = []
        batches = iter([sales[at : at + BATCH] for at in range(0, len(sales), BATCH)])

        async def caller() -> int:
            sold = 0
            for batch in batches:
                start = time.perf_counter()
                answers = await self.engine.do_each(batch)
                waits.append(time.perf_counter() - start)
                sold += sum(type(one) is Receipt for one in answers)
            return sold

        start, cpu = time.perf_counter(), time.process_time()
        sold = sum(await asyncio.gather(*(caller() for _ in range(CALLERS))))
        took, spent = time.perf_counter() - start, time.process_time() - cpu
        return {"per_s": len(sales) / took, "sold": sold, "cpu_us": spent / len(sales) * 1e6, **_waits(waits)}

    def run_single(self, count: int, callers: int) -> dict[str, float]:
        """As many callers, each waiting for its own sale."""
        self._at += FORTNIGHT_S
        sales = iter(self.sales(count, lambda: self._dice.randrange(OUTLETS)))
        waits: list[float] = []

        async def caller() -> None:
            for one in sales:
                start = time.perf_counter()
                await self.engine.do(one)
                waits.append(time.perf_counter() - start)

        async def run() -> float:
            start = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(callers)))
            return time.perf_counter() - start

        return {"per_s": count / uvloop.run(run()), **_waits(waits)}

    def close(self) -> None:
        asyncio.run(self.engine.close())
        self.journal.close()


def _waits(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    return {"p50_ms": statistics.median(ordered) * 1000, "p99_ms": ordered[int(len(ordered) * 0.99)] * 1000}
