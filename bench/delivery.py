"""Messages that are accepted now and carried out later: how many a gateway takes, what one costs it, how long it takes.

    .venv/bin/python bench/delivery.py [--quick] [--json]

Two gateways in processes of their own, mTLS and P-256 between them, SQLite at synchronous=FULL, 32 clients on their
own connections that each wait for their 202 (1 KB POST, so it is durable at A). `accept` has the provider's
gateway down: what acceptance alone costs. `carry` has it up: CPU of each gateway for a message all the way, until the
answer is back at A and durable there; the clients send as many and wait for all. CPU is the gateways' own (/proc);
calls are counted, not estimated. `pair` is one P-256 signature and one verification in the same run, to compare with a
quiet machine. The message log is off: bench/message_log.py has its cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from tests.kernel.exchange.delivery.test_kills import (  # noqa: E402  # the stage of the kill tests
    CLIENT,
    Provider,
    a_side,
    free_ports,
    read_message,
    unfinished,
)
from tests.kernel.exchange.delivery.zygote import UNHURRIED  # noqa: E402

CLIENTS: Final = 32
BODY: Final = b"x" * 1_024
TARGET: Final = 4.0
"""Acceptance in pairs (74 us on a quiet machine): parse, sign a receipt, two rows, the share of a flush."""


async def send(port: int, number: int, until: float, accepted: list[str], waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.monotonic() < until:
        count += 1
        name = f"store-{number}-{count}"
        head = (
            f"POST /r1/EE/BUSINESS/producer/sub/store/visits HTTP/1.1\r\nHost: a\r\nX-Road-Client: {CLIENT}\r\n"
            f"X-Road-Id: {name}\r\nPrefer: respond-async\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + BODY)
        line, _, body = await read_message(reader)
        waits.append(time.perf_counter() - began)
        assert line.split()[1] == "202", (line, body)
        accepted.append(name)
    writer.close()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pair_us(count: int = 400) -> float:
    """CPU of one P-256 signature and one verification, just now."""
    key, algorithm = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    began = time.process_time()
    for _ in range(count):
        key.public_key().verify(key.sign(BODY, algorithm), BODY, algorithm)
    return 1e6 * (time.process_time() - began) / count


async def measure(folder: Path, seconds: float, *, is_carried: bool) -> dict[str, float]:
    provider, accepted, waits = Provider(Random(1)), list[str](), list[float]()
    address = await provider.start()
    a_port, b_port, edge = free_ports(3, Random())
    more = (str(a_port), str(b_port), str(edge), address)
    async with AsyncExitStack() as stack:
        sides = {"A": await stack.enter_async_context(a_side("a", folder, *more))}
        if is_carried:
            sides["B"] = await stack.enter_async_context(a_side("b", folder, *more))
        before = {name: cpu_s(side.pid) for name, side in sides.items()}
        began = time.monotonic()
        await asyncio.gather(*(send(edge, one, began + seconds, accepted, waits) for one in range(CLIENTS)))
        took = time.monotonic() - began
        while is_carried and unfinished(folder, accepted):  # noqa: ASYNC110  # told by files of other processes
            await asyncio.sleep(0.1)
        whole = time.monotonic() - began
        used = {name: cpu_s(side.pid) - before[name] for name, side in sides.items()}
    await provider.stop()
    count = len(accepted)
    waits.sort()
    pair = pair_us()
    found = {f"{name} CPU us": round(1e6 * spent / count, 1) for name, spent in used.items()}
    found |= {f"{name} / pair": round(1e6 * spent / count / pair, 2) for name, spent in used.items()}
    found |= {
        "pair us": round(pair, 1),
        "accepted/s": round(count / took, 1),
        "accept ms p50": round(1e3 * statistics.median(waits), 2),
        "accept ms p99": round(1e3 * waits[int(len(waits) * 0.99)], 2),
    }
    if is_carried:
        found["answered/s"] = round(count / whole, 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 3 s each")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    os.environ[UNHURRIED] = "1"
    rounds, seconds = (1, 3.0) if options.quick else (3, 8.0)
    print(__doc__.split("\n")[0])
    kept: dict[str, list[dict[str, float]]] = {"accept": [], "carry": []}
    for _ in range(rounds):
        for way, rows in kept.items():
            with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
                rows.append(asyncio.run(measure(Path(folder), seconds, is_carried=way == "carry")))
    found: dict[str, Any] = {
        way: {name: round(statistics.median(row[name] for row in rows), 2) for name in rows[0]}
        for way, rows in kept.items()
    }
    for way, values in found.items():
        for name, value in values.items():
            print(f"{way:8} {name:16} {value:>12,.2f}")
    cost = found["accept"]["A / pair"]
    result = {
        "name": "delivery", "peer": "its own bound", "ratio": round(TARGET / cost, 2), "target": 1.0,
        "met": cost <= TARGET, "detail": {"rounds": rounds, **found},
    }  # fmt: skip
    if options.json:
        print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
