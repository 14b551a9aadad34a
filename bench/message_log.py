"""What logging an exchange costs a gateway: CPU of `keep` (calling loop and journal's thread), and of what follows
behind (index, tiles, checkpoint each second), at 32 callers as in bench/exchange.py.

`./banyan bench message_log [--quick] [--json]`. CPU is the process's own (`time.process_time`). A shared machine makes
every instruction dearer, so a P-256 verification is measured beside it in each round: 62 us when this machine is quiet
(field note 3.1), and what a keep costs is told scaled to that as well.
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

import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.kernel.exchange.messages.house import BORDER, HOSPITAL, exchanged

from banyan.kernel.events.clock import EpochS, system_clock
from banyan.kernel.exchange.messages.opening import open_messages
from banyan.kernel.exchange.messages.record import written
from banyan.kernel.exchange.road.model import Exchanged

CALLERS = 32
QUIET_US = 62.0
SECONDS = 0.5
"""Between two publishings: twice as often as a gateway does."""


async def kept(folder: Path, count: int, *, publishing: bool) -> dict[str, float]:
    """CPU and waiting of `count` keeps; with `publishing` the index, tiles and checkpoints as well."""
    exchanges = [
        exchanged(number, at=EpochS(time.time())) for number in range(2 * CALLERS)
    ]  # as warm as one that just came
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
        written(one, bytes(16))
    return (time.process_time() - began) / count * 1e6


def verified(count: int) -> float:
    """CPU of one P-256 verification, the measure of the machine."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    how, public = ec.ECDSA(SHA256()), key.public_key()
    signature = key.sign(b"x" * 400, how)
    began = time.process_time()
    for _ in range(count):
        public.verify(signature, b"x" * 400, how)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    is_quick = "--quick" in sys.argv
    rounds, count = (3, 4_000) if is_quick else (7, 20_000)
    runs: dict[str, list[dict[str, float]]] = {"keep": [], "keep and publish": []}
    for _ in range(rounds):
        for name, found in runs.items():
            with tempfile.TemporaryDirectory(dir=Path(__file__).parents[1]) as folder:
                one = uvloop.run(kept(Path(folder) / "log", count, publishing=name != "keep"))
            found.append({**one, "cpu_quiet_us": one["cpu_us"] * QUIET_US / verified(500)})
    told = {
        name: {what: round(median(one[what] for one in found), 2) for what in found[0]} for name, found in runs.items()
    }
    alone = min(made(count) for _ in range(rounds))
    told["record and entry alone"] = {
        "cpu_us": round(alone, 2),
        "cpu_quiet_us": round(alone * QUIET_US / verified(500), 2),
    }
    told["one P-256 verification"] = {"cpu_us": round(verified(2_000), 2)}
    for name, figures in told.items():
        print(f"{name:24}", "  ".join(f"{what} {value:,.2f}" for what, value in figures.items()))
    print(f"record {len(written(exchanged(1), bytes(16))[1])} B, {CALLERS} callers, medians of {rounds} x {count:,}")
    if "--json" in sys.argv:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
