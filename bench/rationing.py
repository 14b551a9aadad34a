"""Durable purchases a second: our engine beside PostgreSQL (same rules in plpgsql) and SQLite, in the same run.

    ./banyan bench rationing [--quick] [--json]

Every purchase checks its key, sums the person's last 14 days over a million sales before, takes from the outlet's stock
and is on disk when it is answered. Ours: batches of 512 from four callers, and 64 callers with one sale each.
HTTP: a whole node (door, gate, order, pseudonyms), 64 connections by wrk, one sale a request and 32.
PostgreSQL: its own pgbench, 32 clients, prepared, `synchronous_commit=on`, over 6,500 outlets and on one hot row.
`cpu_us` is what a sale costs: of our process, of PostgreSQL's and pgbench's.
SQLite: WAL, FULL, a commit a sale. Rounds interleaved, medians. `ratio` is engine / PostgreSQL; the day of 14 February
2020 (shared data, when there) is replayed a thousand times as fast. Memory: bench/_rationing_memory.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench import _rationing_day  # noqa: E402
from bench._rationing_http import OurNode  # noqa: E402
from bench._rationing_ours import Ours  # noqa: E402
from bench._rationing_peers import Postgres, sqlite_full  # noqa: E402
from tests.postgres import postgres_server  # noqa: E402

TARGET, HOT_TARGET, HTTP_TARGET = 8.0, 30.0, 1.0
HTTP = ("a sale a request", "32 sales a request")
SERIES = Path(os.environ.get("BANYAN_SHARED_DATA") or ROOT.parent / "shared/data") / _rationing_day.SERIES
Figures = dict[str, float]


def measure(folder: Path, address: str, *, rounds: int, seconds: float) -> dict[str, Figures]:
    ours, postgres, sqlite = Ours(folder / "journal"), Postgres(address, Path(tempfile.mkdtemp())), sqlite_full(folder)
    node, count = OurNode(folder), round(60_000 * seconds)
    ways: dict[str, Callable[[], Figures]] = {
        "engine": lambda: ours.run("spread", count),
        "postgresql": lambda: postgres.run("spread", seconds),
        "engine, one hot outlet": lambda: ours.run("hot", count),
        "postgresql, one hot outlet": lambda: postgres.run("hot", seconds),
        "engine, 64 callers of one": lambda: ours.run_single(count // 3, 64),
        "http, a sale a request": lambda: node.run(seconds, 1),
        "http, 32 sales a request": lambda: node.run(seconds, 32),
        "sqlite": lambda: sqlite(seconds),
    }
    found: dict[str, list[Figures]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            found[name].append(run())
    ours.close()
    assert node.sold() > 0, "the node sold nothing"
    return {
        name: {what: round(statistics.median(row[what] for row in rows), 2) for what in rows[0]}
        for name, rows in found.items()
    }


async def real_day() -> Figures:
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder:
        return await _rationing_day.replay(SERIES, Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short rounds, under two minutes")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    print(__doc__.split("\n")[0])
    rounds, seconds = (3, 2.0) if options.quick else (7, 5.0)
    with tempfile.TemporaryDirectory(prefix="banyan-bench-") as folder, postgres_server() as address:
        found = measure(Path(folder), address, rounds=rounds, seconds=seconds)
    for name, values in found.items():
        print(f"{name:30}" + "  ".join(f"{what} {value:,.2f}" for what, value in values.items()))
    ratio = found["engine"]["per_s"] / found["postgresql"]["per_s"]
    hot = found["engine, one hot outlet"]["per_s"] / found["postgresql, one hot outlet"]["per_s"]
    day = {"14 February 2020": asyncio.run(real_day())} if SERIES.exists() else {}
    print(*(f"{name:30}{values}" for name, values in day.items()))
    one, many = (found[f"http, {name}"]["per_s"] / found["postgresql"]["per_s"] for name in HTTP)
    print(f"engine / PostgreSQL {ratio:.1f} (target {TARGET}), one hot outlet {hot:.1f} (target {HOT_TARGET})")
    print(f"http / PostgreSQL: a sale a request {one:.2f}, 32 sales {many:.2f} (target {HTTP_TARGET})")
    detail = {"hot": round(hot, 1), "http": round(one, 2), "http 32": round(many, 2), **found, **day}
    result = {
        "name": "rationing", "peer": "PostgreSQL, plpgsql, pgbench 32 clients", "ratio": round(ratio, 2),
        "target": TARGET, "met": ratio >= TARGET and hot >= HOT_TARGET and many >= HTTP_TARGET, "detail": detail,
    }  # fmt: skip
    if options.json:
        print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
