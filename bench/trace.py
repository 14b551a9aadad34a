"""Who met 100 cases within 500 m in the same 5 minutes, over a day of pings: ours beside DuckDB, polars and pandas.

    ./banyan bench trace [--quick] [--json] [--pings 100]

Phones live in ten cities, commute and send a ping each 300 s: 1 M and 10 M pings (`--quick`: 1 M), and 100 M with
`--pings 100`. Every engine must find the same phones with the same buckets. Ours holds the pings in memory, and the
index of the cases is made within the time that is told. DuckDB holds them as a table (a file, 3 GB of memory, two
threads): a join on bucket, a box, then the haversine, as one would write it. polars and pandas run in .venv-peers and
join on bucket and a grid cell (the cases spread over the nine around), pings in memory; at 100 M polars reads the
Parquet files as it goes, which is then part of its time, and pandas is left out. PostGIS, where Debian's is installed,
has 1 M pings under an index of bucket and place, which is made before the clock starts (bench/_trace_postgis.py).
Processor seconds of the whole process (PostGIS: of its backend) and wall seconds, medians of rounds. Octets a ping: as
the lake writes them, sealed. `ratio` is DuckDB's processor time to ours at the largest size. Files lie in a folder of
their own (100 M: some 3 GB), memory stays under 8 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from banyan.craft.tracing.lake import Lake  # noqa: E402
from banyan.craft.tracing.model import HOUR_S, Fixes, Pings, Rule  # noqa: E402
from banyan.craft.tracing.tracing import hours_asked, in_memory, merged, question, trace  # noqa: E402

RULE = Rule(500.0, 300, 300)
CASES = 100
PER_PHONE = 288
TARGET = 5.0
DAY = 439_032 * HOUR_S
CITIES = np.array(
    [(121.54, 25.04, 27), (121.47, 25.01, 40), (120.68, 24.15, 28), (120.30, 22.63, 27), (120.21, 22.99, 18),
     (120.97, 24.80, 10), (121.74, 25.13, 4), (120.44, 23.48, 6), (121.60, 23.98, 3), (121.30, 24.99, 23)]
)  # fmt: skip
HAVERSINE = """2 * 6371008.8 * asin(sqrt(pow(sin(radians((p.lat - c.lat) / 1e6) / 2), 2) + cos(radians(p.lat / 1e6))
* cos(radians(c.lat / 1e6)) * pow(sin(radians((p.lon - c.lon) / 1e6) / 2), 2)))"""
SQL = f"""select p.phone, count(distinct p.bucket) as n from pings p join cases c on p.bucket = c.bucket
and p.lat between c.lat - 4600 and c.lat + 4600 and p.lon between c.lon - 5100 and c.lon + 5100
where {HAVERSINE} <= 500 group by 1"""


class Day:
    """A day's pings, in the order of time, made hour by hour and written to `folder` for the peers; of the phones
    a hundred are cases."""

    def __init__(self, pings: int, folder: Path) -> None:
        dice = np.random.default_rng(5_000)
        self.phones = size = pings // PER_PHONE
        city = dice.choice(len(CITIES), size, p=CITIES[:, 2] / CITIES[:, 2].sum())
        spread = dice.choice([0.02, 0.05, 0.15], size, p=[0.5, 0.35, 0.15])
        home = [np.clip(CITIES[city, at] + dice.normal(0, spread), low, high)
                for at, low, high in ((0, 119.5, 122.0), (1, 21.9, 25.3))]  # fmt: skip
        work = [home[0] + dice.normal(0, 0.06, size), home[1] + dice.normal(0, 0.05, size)]
        leaves, back = dice.integers(72, 120, size), dice.integers(190, 250, size)
        self.hours: dict[int, Pings] = {}
        for hour in range(24):
            columns: list[tuple[np.ndarray, ...]] = []
            for bucket in range(hour * 12, hour * 12 + 12):
                share = np.clip((bucket - leaves) / 6, 0, 1) * np.clip((back - bucket) / 6, 0, 1)
                way = [home[at] + (work[at] - home[at]) * share + dice.normal(0, 0.0008, size) for at in (0, 1)]
                place = [(one * 1e6).astype(np.int32) for one in way]
                second = (dice.integers(0, 300, size) + bucket % 12 * 300).astype(np.uint16)
                columns.append((np.arange(size, dtype=np.uint32), second, *place))
            made = Pings(*(np.concatenate([one[at] for one in columns]) for at in range(4)))
            self.hours[DAY // HOUR_S + hour] = made
            pq.write_table(table(flat(DAY // HOUR_S + hour, made)), folder / f"pings-{hour:02}.parquet")
        self.own = np.linspace(0, size - 1, CASES).astype(np.uint32)
        parts = [flat(hour, one.take(np.isin(one.phone, self.own))) for hour, one in self.hours.items()]
        names = Fixes.__struct_fields__
        self.cases = Fixes(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))
        pq.write_table(table(self.cases), folder / "cases.parquet")


def flat(hour: int, one: Pings) -> Fixes:
    return Fixes(one.phone, one.second.astype(np.int64) + hour * HOUR_S, one.lon, one.lat)


def ours(day: Day) -> np.ndarray:
    asked = question(day.cases, RULE, phones=day.phones, own=day.own)
    return merged(trace(asked, in_memory(day.hours), hours_asked(asked)), day.phones)


def counts(day: Day, phone: Any, many: Any) -> np.ndarray:
    total = np.zeros(day.phones, np.uint32)
    total[np.asarray(phone)] = np.asarray(many)
    total[day.own] = 0
    return total


def table(given: Fixes) -> pa.Table:
    names = ("phone", "bucket", "lon", "lat")
    columns = (given.phone, (given.at // 300).astype(np.int32), given.lon, given.lat)
    return pa.table(dict(zip(names, columns, strict=True)))


def in_duckdb(day: Day, folder: Path) -> Callable[[], np.ndarray]:
    db = duckdb.connect(str(folder / "pings.duckdb"))
    for option in ("threads = 2", "memory_limit = '3GB'", f"temp_directory = '{folder}'"):
        db.execute(f"set {option}")
    for name, files in (("pings", "pings-*"), ("cases", "cases")):
        db.execute(f"create table {name} as select * from read_parquet('{folder}/{files}.parquet')")

    def run() -> np.ndarray:
        found = db.execute(SQL).fetchnumpy()
        return counts(day, found["phone"], found["n"])

    return run


def peer(day: Day, folder: Path, engine: str, rounds: int) -> tuple[np.ndarray, dict[str, float]] | None:
    """polars or pandas; None where they are not installed."""
    python = ROOT / ".venv-peers/bin/python"
    library = engine.removesuffix("-scan")
    if (
        not python.exists()
        or subprocess.run([python, "-c", f"import {library}"], capture_output=True, check=False).returncode
    ):
        print(f"  {library} is not installed here", file=sys.stderr)
        return None
    command = [str(python), str(ROOT / "bench/_trace_peers.py"), engine, str(folder), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3_600, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} failed: {done.stderr[-800:]}")
    found = np.load(folder / f"{engine}.npz")
    return counts(day, found["phone"], found["many"]), json.loads(done.stdout)


def postgis(day: Day, folder: Path, rounds: int) -> tuple[np.ndarray, dict[str, float]] | None:
    """None where it is not installed."""
    from _trace_postgis import in_postgis, programs

    if (binaries := programs()) is None:
        print("  postgis is not installed here", file=sys.stderr)
        return None
    with in_postgis(folder, binaries) as run:
        told = [run() for _ in range(rounds)]
    phone, many = told[0][0]
    middle = statistics.median
    return counts(day, phone, many), {"wall_s": middle(one[1] for one in told), "cpu_s": middle(one[2] for one in told)}


def octets(day: Day) -> float:
    """A ping on disk, sealed: the busiest hour's."""
    hour, pings = max(day.hours.items(), key=lambda one: len(one[1]))
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder), lambda _: b"k" * 32, random=secrets.token_bytes)
        given = Fixes(pings.phone, pings.second.astype(np.int64) + hour * HOUR_S, pings.lon, pings.lat)
        taken = lake.add(given, now=float((hour + 1) * HOUR_S))
        return lake.size() / taken.rows


def measured(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    wall, used = time.perf_counter(), time.process_time()
    found = run()
    return found, time.perf_counter() - wall, time.process_time() - used


def round_of(day: Day, millions: int, rounds: int, folder: Path) -> dict[str, dict[str, float]]:
    engines: dict[str, Callable[[], np.ndarray]] = {"ours": lambda: ours(day), "duckdb": in_duckdb(day, folder)}
    expected = ours(day)  # compiled or loaded before the clock starts
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, run in engines.items():
            found, wall, used = measured(run)
            if not np.array_equal(found, expected):
                raise SystemExit(f"{name} found another answer")
            told[name].append((wall, used))
    middle = statistics.median
    result = {
        name: {"wall_s": middle(one[0] for one in all_), "cpu_s": middle(one[1] for one in all_)}
        for name, all_ in told.items()
    }
    peers = ("polars", "pandas") if millions <= 10 else ("polars-scan",)
    for name in (*peers, "postgis") if millions == 1 else peers:
        of_peer = postgis(day, folder, rounds) if name == "postgis" else peer(day, folder, name, rounds)
        if of_peer is not None:
            if not np.array_equal(of_peer[0], expected):
                raise SystemExit(f"{name} found another answer")
            result[name] = of_peer[1]
    print(f"  {int((expected > 0).sum()):,} contacts, the same by {', '.join(result)}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pings", type=int, default=10, help="the largest size, millions: 1, 10 or 100")
    options = parser.parse_args()
    most = 1 if options.quick else options.pings
    result: dict[str, Any] = {"name": "trace", "unit": "cpu_s", "sizes": {}}
    ratio = 0.0
    for millions in (one for one in (1, 10, 100) if one <= most):
        print(f"{millions} M pings, {CASES} cases, {RULE.radius_m:g} m in the same {RULE.bucket_s} s")
        with tempfile.TemporaryDirectory(prefix="bench-trace-") as folder:
            day = Day(millions * 1_000_000, Path(folder))
            found = round_of(day, millions, 3 if millions < 100 else 1, Path(folder))
        size = octets(day)
        for name, one in found.items():
            print(f"  {name:11} {one['wall_s']:9.3f} s wall {one['cpu_s']:9.3f} s CPU")
        print(f"  {size:.2f} octets a ping on disk, sealed")
        ratio = found["duckdb"]["cpu_s"] / found["ours"]["cpu_s"]
        result["sizes"][str(millions)] = {**found, "octets": size}
    result |= {"ratio": ratio, "target": TARGET, "met": ratio >= TARGET}
    print(f"ratio {ratio:.1f} of DuckDB's CPU to ours (target {TARGET:g})")
    print(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most")
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
