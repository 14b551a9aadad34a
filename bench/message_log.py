"""What logging an exchange costs a gateway: CPU of `keep` (calling loop and journal's thread), and of what follows
behind (index, tiles, checkpoint each second), at 32 callers as in bench/exchange.py.

`./banyan bench message_log [--quick] [--json]`. CPU is the process's own (`time.process_time`): contention of other
jobs on the machine changes waiting times, not this figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.kernel.exchange.messages.house import BORDER, HOSPITAL, exchanged

from banyan.kernel.events.clock import EpochS, system_clock
from banyan.kernel.exchange.messages.opening import open_messages
from banyan.kernel.exchange.messages.record import entry_of, record_of
from banyan.kernel.exchange.road.model import Exchanged

CALLERS = 32
SECONDS = 0.5
"""Between two publishings: twice as often as a gateway does."""


async def kept(folder: Path, count: int, *, publishing: bool) -> dict[str, float]:
    """CPU and waiting of `count` keeps; with `publishing` the index, tiles and checkpoints as well."""
    exchanges = [exchanged(number, at=EpochS(time.time())) for number in range(2_000)]
    waits: list[float] = []
    async with open_messages(
        folder, origin="bench/road", members=[HOSPITAL, BORDER.provider], clock=system_clock, random=os.urandom
    ) as opened:
        messages = opened.messages

        async def caller(first: int) -> None:
            for number in range(first, count, CALLERS):
                began = time.perf_counter()
                await messages.keep(exchanges[number % len(exchanges)])
                waits.append(time.perf_counter() - began)

        async def publisher() -> None:
            while True:
                await asyncio.sleep(SECONDS)
                await messages.publish()

        behind = asyncio.ensure_future(publisher()) if publishing else None
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(caller(first) for first in range(CALLERS)))
        if behind is not None:
            behind.cancel()
            await asyncio.gather(behind, return_exceptions=True)
            await messages.publish()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    waits.sort()
    spread = quantiles(waits, n=100)
    return {"cpu_us": cpu / count * 1e6, "per_s": count / wall, "p50_ms": spread[49] * 1e3, "p99_ms": spread[98] * 1e3}


def made(count: int) -> float:
    """CPU of record and entry alone."""
    one: Exchanged = exchanged(1)
    began = time.process_time()
    for _ in range(count):
        entry_of(one, bytes(16), record_of(one))
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    is_quick = "--quick" in sys.argv
    rounds, count = (3, 4_000) if is_quick else (7, 20_000)
    runs: dict[str, list[dict[str, float]]] = {"keep": [], "keep and publish": []}
    for _ in range(rounds):
        for name, found in runs.items():
            with tempfile.TemporaryDirectory(dir=Path(__file__).parents[1]) as folder:
                found.append(asyncio.run(kept(Path(folder) / "log", count, publishing=name != "keep")))
    told = {
        name: {what: round(median(one[what] for one in found), 2) for what in found[0]} for name, found in runs.items()
    }
    told["record and entry alone"] = {"cpu_us": round(min(made(count) for _ in range(rounds)), 2)}
    for name, figures in told.items():
        print(f"{name:24}", "  ".join(f"{what} {value:,.2f}" for what, value in figures.items()))
    print(f"record {len(record_of(exchanged(1)))} B, {CALLERS} callers, medians of {rounds} x {count:,}")
    if "--json" in sys.argv:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
