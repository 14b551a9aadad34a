"""14 February 2020 again: what the pharmacies' stocks went down by, sold through the engine a thousand times as fast.

Each fall of an outlet's stock between two snapshots is sold in twos, spread evenly over the time between; each rise is
a delivery. In the end every outlet must have what the last snapshot said. The data stay where they are (`SOURCES.md`).
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import time
from datetime import date, datetime
from pathlib import Path
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Journal
from banyan.service.rationing.engine.journalled import JournalEngine
from banyan.service.rationing.engine.model import Buy, Buyer, Command, Deliver, Receipt
from banyan.service.rationing.engine.rulebook import Edition, Rule, RuleBook

SERIES: Final = "supplies/stock_series_2020-02-14.csv.gz"
SPEED: Final = 1_000
ITEM: Final = "mask-adult"
BOOK: Final = RuleBook((Edition(since=date(2020, 2, 6), rule=(Rule(item=ITEM, quantity=2, window_days=7),)),))
BORN: Final = date(1980, 1, 1)
TICK_S: Final = 0.01


class Day:
    """`acts`: (moment, command) in the order of their moments; `last`: the stock that each outlet must end with."""

    def __init__(self, path: Path) -> None:
        self.acts: list[tuple[float, Command]] = []
        self.last: dict[str, int] = {}
        seen: dict[str, float] = {}
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                at, outlet, now = datetime.fromisoformat(row["ts"]).timestamp(), row["id"], int(row["adult"])
                self._step(outlet, self.last.get(outlet, 0), now, seen.get(outlet, at), at)
                self.last[outlet], seen[outlet] = now, at
        self.acts.sort(key=lambda act: act[0])
        self.start = self.acts[0][0]

    def _step(self, outlet: str, before: int, now: int, since: float, at: float) -> None:
        if now > before:
            self.acts.append((since, Deliver(key=self._key(), outlet=outlet, item=ITEM, qty=now - before)))
            return
        sales = [2] * ((before - now) // 2) + [1] * ((before - now) % 2)
        for place, qty in enumerate(sales, 1):
            key = self._key()
            buyer = Buyer(key[8:] + key[:8], BORN)
            moment = since + (at - since) * place / (len(sales) + 1)
            self.acts.append((moment, Buy(key=key, buyer=buyer, item=ITEM, qty=qty, outlet=outlet)))

    def _key(self) -> bytes:
        return b"20200214" + (len(self.acts) + 1).to_bytes(8, "big")


async def replay(path: Path, folder: Path) -> dict[str, float]:
    """How fast the day went, how long a sale waited, and how far behind its moment the latest came (real time)."""
    day = Day(path)
    journal = Journal(folder)
    now = [day.start]
    engine = JournalEngine(journal, lambda: EpochS(now[0]), book=BOOK)
    started, place, waits, late, sold = time.perf_counter(), 0, list[float](), 0.0, 0
    while place < len(day.acts):
        now[0] = day.start + (time.perf_counter() - started) * SPEED
        until = place
        while until < len(day.acts) and day.acts[until][0] <= now[0]:
            until += 1
        if until == place:
            await asyncio.sleep(TICK_S)
            continue
        asked = time.perf_counter()
        answers = await engine.do_each([act for _, act in day.acts[place:until]])
        waits.append(time.perf_counter() - asked)
        late = max(late, time.perf_counter() - started - (day.acts[place][0] - day.start) / SPEED)
        assert all(isinstance(one, Receipt) for one in answers), "the day was sold"
        sold, place = sold + len(answers), until
    took = time.perf_counter() - started
    stocks = await engine.stocks()
    assert all(stocks[outlet, ITEM].available == left for outlet, left in day.last.items() if (outlet, ITEM) in stocks)
    await engine.close()
    journal.close()
    waits.sort()
    return {
        "acts": sold, "per_s": round(sold / took), "speed": round((day.acts[-1][0] - day.start) / took),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 1), "latest_ms": round(late * 1e3, 1),
    }  # fmt: skip
