"""The nearest 10 outlets with stock, ours beside PostGIS and Redis, while 10 % of all stocks are rewritten each round.

    ./banyan bench nearest [--quick] [--json]

6,700 and 1,000,000 outlets (`--quick`: 6,700) at real places of pharmacies with 500 m of scatter; 37 % have none; in
each round every side first takes the same new stocks, then answers the same questions from the same places, k = 10.
Medians of rounds, interleaved, sides in turn first. Ours is the board as the service asks it, in its process: its
`nearest`, and `apply` of one StockTick with its codes. The peers are asked over Unix sockets, nothing fsynced (how:
`_nearest_peers.py`). Equal: the answers. Every id of ours is compared with PostGIS's by the spheroid (ST_Distance of
the 40 nearest by `<->`); two may be swapped only where their metres differ by less than 1 in 1,000,000. PostGIS's own
`<->` orders by the sphere, and Redis knows the sphere only and rounds places to 0.6 m: how many of their answers hold
the same ids is reported.
The clock is what a caller waits; CPU is ours, or the peer's server process and our client, for shared machines.
Not equal, and said in the output: ours is asked in its own process and gives metres too, a peer through a socket and
ids alone; what the peer's server spends without our client is shown beside. Redis holds only what is in stock.
`net` are the questions a second left after a second's 10 % are taken in. `ratio` is the nearer peer's question to ours
by the clock, the least of the sizes measured: all must meet the target. Growth of ours: 6,700, 100,000, 1,000,000.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import _nearest_peers as peers  # noqa: E402

from banyan.craft.place import grid  # noqa: E402
from banyan.kernel.events.clock import EpochS  # noqa: E402
from banyan.service.supplies.board import Board  # noqa: E402
from banyan.service.supplies.model import Item, ItemsSet, Place, PlacesChanged, StockTick  # noqa: E402

TARGET = 20.0
K = 10
EMPTY = 0.37
SHARE = 0.1
SAME = 1e-6
OUTLETS = Path(os.environ.get("BANYAN_SHARED_DATA") or ROOT.parent / "shared/data") / "supplies/outlets.csv.gz"
Query = tuple[float, float]


class Ours:
    """The board of the service."""

    def __init__(self, lon: list[float], lat: list[float], stock: np.ndarray) -> None:
        self.board, self.codes = Board(), [f"{number:010}" for number in range(len(lon))]
        self._apply(ItemsSet(EpochS(1.0), (Item("mask", {}, {}),)))
        for start in range(0, len(lon), 50_000):
            part = range(start, min(start + 50_000, len(lon)))
            places = (Place(self.codes[row], self.codes[row], lon=lon[row], lat=lat[row]) for row in part)
            self._apply(PlacesChanged(EpochS(1.0), tuple(places)))
        self.update(np.arange(len(lon)), stock)

    def _apply(self, event: Any) -> float:
        started = time.perf_counter()
        self.board.apply(self.board.seq + 1, event)
        return time.perf_counter() - started

    def nearest(self, at: Query, k: int) -> grid.Found:
        return self.board.nearest(at[0], at[1], 0, k=k)

    def update(self, rows: np.ndarray, stock: np.ndarray) -> float:
        """Seconds to take a look in, as it comes out of the journal."""
        at, codes = EpochS(self.board.seq + 2.0), tuple(self.codes[row] for row in rows.tolist())
        return self._apply(StockTick(at, at, "bench", ("mask",), codes, (tuple(stock.tolist()),)))


class World:
    """Outlets and what they have."""

    def __init__(self, size: int) -> None:
        with gzip.open(OUTLETS, "rt", encoding="utf-8") as file:
            real = np.array([(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file) if row["lon"]])
        self.dice = np.random.default_rng(20_260_000 + size)
        self._real, self.size = real, size
        self.lon, self.lat = (column.tolist() for column in self._scattered(size).T)
        self.stock = self._stocks(size)

    def _scattered(self, count: int) -> np.ndarray:
        return self._real[self.dice.integers(0, len(self._real), count)] + self.dice.normal(0, 0.005, (count, 2))

    def _stocks(self, count: int) -> np.ndarray:
        return np.where(self.dice.random(count) < EMPTY, 0, self.dice.integers(1, 400, count)).astype(np.int32)

    def queries(self, count: int) -> list[Query]:
        return [(lon, lat) for lon, lat in self._scattered(count).tolist()]

    def change(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, what they had, what they have now."""
        rows = np.sort(self.dice.choice(self.size, int(self.size * SHARE), replace=False))
        before, after = self.stock[rows], self._stocks(len(rows))
        self.stock[rows] = after
        return rows, before, after


def timed(ask: Callable[[Query, int], Any], queries: list[Query], pid: int = 0) -> tuple[dict[str, float], list[Any]]:
    """Microseconds a question: `us` by the clock, `own_us` of this process and `server_us` of process `pid` on a
    processor, `cpu_us` both. The answers."""
    server, own, started = peers.cpu_s(pid) if pid else 0.0, time.thread_time(), time.perf_counter()
    answers = [ask(at, K) for at in queries]
    took = {"us": time.perf_counter() - started, "own_us": time.thread_time() - own}
    took["server_us"] = peers.cpu_s(pid) - server if pid else 0.0
    took["cpu_us"] = took["own_us"] + took["server_us"]
    return {name: seconds / len(queries) * 1e6 for name, seconds in took.items()}, answers


def assert_equal(ours: list[tuple[int, float]], exact: list[tuple[int, float]]) -> None:
    """The same ids in the same order, but for those whose metres are the same to 1 in 1,000,000."""
    assert len(ours) == len(exact) == K, f"{len(ours)} and {len(exact)} found"
    for (mine, _), (theirs, metres), own in zip(ours, exact, [dict(exact).get(one) for one, _ in ours], strict=True):
        if mine != theirs:
            assert own is None or abs(own - metres) <= SAME * metres, f"{mine} at {own}, {theirs} at {metres}"
    left_out = {one for one, _ in ours} - {one for one, _ in exact}
    for one in left_out:  # then it ties with the last
        assert abs(dict(ours)[one] - ours[-1][1]) <= SAME * ours[-1][1], f"{one} is not among PostGIS's"


def measure(
    size: int, *, rounds: int, asked: dict[str, int], peer: tuple[peers.PostGis, peers.Redis]
) -> dict[str, Any]:
    """Medians of each side, and the counts of equal answers."""
    world, (postgis, redis) = World(size), peer
    ours = Ours(world.lon, world.lat, world.stock)
    postgis.load(world.lon, world.lat, world.stock.tolist())
    redis.load(world.lon, world.lat, world.stock)
    redis.calibrate(world.queries(100), K)
    sides: dict[str, tuple[Callable[[Query, int], Any], Callable[..., float], int]] = {
        "ours": (ours.nearest, lambda rows, _, after: ours.update(rows, after), 0),
        "postgis": (postgis.nearest, lambda rows, _, after: postgis.update(rows, after), postgis.pid),
        "redis": (redis.nearest, redis.update, redis.pid),
    }
    times: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    updates: dict[str, list[float]] = {name: [] for name in sides}
    same = {"postgis": 0, "redis": 0}
    compared = 0
    for round_ in range(rounds + 1):
        change, queries = world.change(), world.queries(max(asked.values()))
        names = [*sides][round_ % 3 :] + [*sides][: round_ % 3]
        answers = {}
        for name in names:
            ask, update, pid = sides[name]
            took = update(*change)
            micros, answers[name] = timed(ask, queries[: asked[name]], pid)
            if round_:  # the first round only warms
                updates[name].append(took / len(change[0]) * 1e6)
                times[name].append(micros)
        for place in range(min(asked.values())):
            mine = [*zip(*answers["ours"][place], strict=True)]
            assert_equal(mine, postgis.exact(queries[place], K))
            ids = {one for one, _ in mine}
            same["postgis"] += ids == set(answers["postgis"][place])
            same["redis"] += ids == set(answers["redis"][place])
            compared += 1
    found: dict[str, Any] = {"outlets": size, "compared": compared, "redis_radius_m": redis.radius_m}
    for name in sides:
        medians = {kind: statistics.median(one[kind] for one in times[name]) for kind in times[name][0]}
        row = statistics.median(updates[name])
        net = max(0, 1 - row * size * SHARE / 1e6) / medians["us"] * 1e6
        found[name] = {kind: round(micros, 2) for kind, micros in medians.items()}
        found[name] |= {"update_us_row": round(row, 3), "net": round(net)}
    for name in same:
        found[name]["ratio"] = round(found[name]["us"] / found["ours"]["us"], 1)
        found[name]["cpu_ratio"] = round(found[name]["cpu_us"] / found["ours"]["cpu_us"], 1)
        found[name]["server_ratio"] = round(found[name]["server_us"] / found["ours"]["cpu_us"], 1)
        found[name]["same"] = round(same[name] / compared, 4)
    return found


def growth(sizes: tuple[int, ...]) -> list[dict[str, float]]:
    """Ours alone: microseconds a question and a changed row, seconds to build."""
    lines = []
    for size in sizes:
        world = World(size)
        ours = Ours(world.lon, world.lat, world.stock)
        started = time.perf_counter()
        ours.nearest((121.5, 25.0), K)
        built = time.perf_counter() - started
        times, spent, updates = [], [], []
        for _ in range(5):
            rows, _, after = world.change()
            updates.append(ours.update(rows, after) / len(rows) * 1e6)
            micros, _ = timed(ours.nearest, world.queries(3_000))
            times.append(micros["us"])
            spent.append(micros["cpu_us"])
        line = {
            "outlets": size,
            "us": statistics.median(times),
            "cpu_us": statistics.median(spent),
            "update_us_row": statistics.median(updates),
            "index_s": built,
        }
        lines.append({name: round(value, 3) for name, value in line.items()})
    return lines


def show(found: dict[str, Any]) -> None:
    for name in ("ours", "postgis", "redis"):
        one = found[name]
        beside = ""
        if name != "ours":
            cpu = f"{one['cpu_ratio']:.1f}x its CPU, {one['server_ratio']:.1f}x the server alone"
            beside = f"  {one['ratio']:>6.1f}x ours ({cpu}), same answer {one['same']:.1%}"
        print(
            f"{found['outlets']:>9,} outlets  {name:<8} {one['us']:>8.1f} us a question ({one['cpu_us']:.1f} CPU)"
            f"  {one['update_us_row']:>7.2f} us a changed row  net {one['net']:>8,}/s{beside}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="6,700 outlets only, under 60 s")
    parser.add_argument("--json", action="store_true", help="the last line is the result as one JSON object")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    print(__doc__.split("\n")[0])
    print("Not equal: ours answers in its own process, with metres; a peer through a socket and our client, ids alone.")
    why = peers.missing() or ("" if OUTLETS.exists() else f"{OUTLETS} is missing: the shared data.")
    if why:
        print(f"not run: {why}")
        return 2
    grid.warm().join()
    assert grid.is_compiled(), "numba is in requirements.lock"
    measured = []
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="banyan-bench-")))
        peer = running.enter_context(peers.postgis()), running.enter_context(peers.redis(folder))
        for size in (6_700,) if options.quick else (6_700, 1_000_000):
            asked = {"ours": 3_000, "postgis": 300, "redis": 300}
            measured.append(measure(size, rounds=5 if options.quick else 9, asked=asked, peer=peer))
            show(measured[-1])
        versions = {"postgis": peer[0].version, "redis": peer[1].version}
    grown = growth((6_700, 100_000) if options.quick else (6_700, 100_000, 1_000_000))
    for line in grown:
        shown = f"{line['us']:>6.1f} us a question ({line['cpu_us']:.1f} CPU), {line['update_us_row']:.2f} us a row"
        print(f"{line['outlets']:>9,} outlets  ours alone {shown}, index {line['index_s']:.2f} s")
    ratio, peer_name = min((found[name]["ratio"], name) for found in measured for name in ("postgis", "redis"))
    met = ratio >= TARGET
    named = {"postgis": "PostGIS geography, GiST <->", "redis": "Redis GEOSEARCH"}[peer_name]
    result = {
        "name": "nearest", "peer": named, "ratio": ratio, "target": TARGET, "met": met,
        "detail": {"sizes": measured, "growth": grown, "versions": versions},
    }  # fmt: skip
    if options.json:
        print(json.dumps(result, ensure_ascii=False))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
