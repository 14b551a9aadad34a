"""The nearest outlets with stock over HTTP: our endpoint beside FastAPI + orjson, requests a CPU second of the server.

    ./banyan bench stock_http [--quick] [--json]

`GET /api/supplies/nearest_stock?lon=&lat=&item=&k=10` of a whole node (policy, use record, access line on disk, rate
bucket, nine headers) beside FastAPI with the same board and compiled search in its process, parameters validated by
pydantic, JSON by orjson; both one uvicorn process (uvloop, httptools) on one core, load on another, rounds interleaved,
one outlet in ten changing every 5 s in both. Equal: every one of 200 answers, as JSON. `ratio` is the median over the
rounds at 6,700 outlets, FastAPI's CPU time a request / ours. Also measured: FastAPI answering ready bytes (`bare`); our
latency at 70 % of saturation, requests arriving at a constant rate, timed from when they were due; 100,000 and
1,000,000 outlets (`--quick`: 6,700 only); bytes a client-minute of the feed of changes beside the whole CSV.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench import _stock_bytes as feed  # noqa: E402
from bench import _stock_load as load  # noqa: E402
from bench._stock_board import targets  # noqa: E402

TARGET = 5.0
P99_MS = 30.0
SHARE_OF_SATURATION = 0.7
EVERY_S = 5.0
SIZES = (6_700, 100_000, 1_000_000)
ASKED = 3_000
COMPARED = 200
STACKS = {"ours": ".venv", "fastapi": ".venv-peers"}


class Running:
    """A server under measurement on the first core. What it says goes to a file, shown when it ends too early."""

    def __init__(self, stack: str, size: int, at: float) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        arguments = [str(self.port), str(size), str(at), str(EVERY_S)]
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self.process = subprocess.Popen(
            [str(ROOT / STACKS[stack] / "bin/python"), str(ROOT / f"bench/_stock_{stack}.py"), *arguments],
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            cwd=ROOT,
            stderr=self.said,
            stdout=self.said,
        )
        os.sched_setaffinity(self.process.pid, {cores()[0]})
        self._watched = psutil.Process(self.process.pid)

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            try:
                self.get("/api/supplies/nearest_stock?lon=121.5&lat=25.0&item=mask-adult")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.said.seek(0)
                    raise RuntimeError(f"no answer: {self.said.read()[-2000:]!r}") from None
                time.sleep(0.1)

    def get(self, target: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{target}", timeout=10) as reply:
            return json.load(reply)

    def cpu_s(self) -> float:
        used = self._watched.cpu_times()
        return used.user + used.system

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.said.close()


def cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


LOAD_CORE = cores()[-1]


def cpu_us(server: Running, asked: list[str], seconds: float) -> tuple[float, float]:
    """CPU microseconds of the server a request, and requests a second."""
    before = server.cpu_s()
    done, took = load.closed(server.port, asked, seconds, LOAD_CORE)
    return (server.cpu_s() - before) / done * 1e6, done / took


def compare(running: dict[str, Running], asked: list[str]) -> None:
    """Every answer of ours is FastAPI's."""
    for target in asked[:COMPARED]:
        ours, theirs = (server.get(target) for server in running.values())
        assert ours == theirs, f"{target}: the answers differ"


def measure(size: int, rounds: int, seconds: float, *, is_first: bool) -> dict[str, Any]:
    """Both servers at one size."""
    asked, at = targets(ASKED), time.time()
    bare = [target.replace("/api/supplies/nearest_stock", "/bare") for target in asked]
    running = {stack: Running(stack, size, at) for stack in STACKS}
    figures: dict[str, list[tuple[float, float]]] = {"ours": [], "fastapi": [], "bare": []}
    found: dict[str, Any] = {}
    try:
        for server in running.values():
            server.wait(600)
        compare(running, asked)
        for server in running.values():
            server.process.send_signal(signal.SIGUSR1)
        for number in range(rounds + 1):
            for name in figures if number else running:  # the first round warms up
                server, wanted = (running["fastapi"], bare) if name == "bare" else (running[name], asked)
                taken = cpu_us(server, wanted, seconds)
                if number:
                    figures[name].append(taken)
        if is_first:
            found["latency_ms"] = {name: latency(server, asked, seconds) for name, server in running.items()}
    finally:
        for server in running.values():
            server.stop()
    for name, row in figures.items():
        found[name] = {"cpu_us": round(statistics.median(used for used, _ in row), 1)}
        found[name]["a_second"] = round(statistics.median(rate for _, rate in row))
    pairs = list(zip(figures["ours"], figures["fastapi"], strict=True))
    found["ratio"] = round(statistics.median(theirs / ours for (ours, _), (theirs, _) in pairs), 2)
    found["ratio_rounds"] = [round(theirs / ours, 2) for (ours, _), (theirs, _) in pairs]
    return found


def latency(server: Running, asked: list[str], seconds: float) -> dict[str, float]:
    """At SHARE_OF_SATURATION of what it can, in three rounds: the median of each figure."""
    saturation = statistics.median(cpu_us(server, asked, seconds)[1] for _ in range(3))
    rounds = [load.constant(server.port, asked, saturation * SHARE_OF_SATURATION, seconds, LOAD_CORE) for _ in range(3)]
    figures = {
        name: round(statistics.median(getattr(one, name) for one in rounds), 2) for name in ("p50", "p99", "p999")
    }
    rates = {name: round(statistics.median(getattr(one, name) for one in rounds), 3) for name in ("rate", "behind")}
    return figures | rates | {"saturation": round(saturation)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    rounds, seconds = (3, 1.0) if options.quick else (7, 3.0)
    sizes = SIZES[:1] if options.quick else SIZES
    grown = {size: measure(size, rounds, seconds, is_first=size == SIZES[0]) for size in sizes}
    taken = feed.measured(feed.DAYS[1:2] if options.quick else feed.DAYS)
    show(grown, taken)
    first = grown[SIZES[0]]
    if options.json:
        is_met = first["ratio"] >= TARGET and first["latency_ms"]["ours"]["p99"] < P99_MS
        result = {"name": "stock_http", "peer": "FastAPI + orjson", "ratio": first["ratio"], "target": TARGET}
        print(json.dumps(result | {"met": is_met, "detail": {"sizes": grown, "client_minute": taken}}))


def show(grown: dict[int, dict[str, Any]], taken: dict[str, Any]) -> None:
    print(f"{COMPARED} answers equal at each size; CPU of the server a request, medians")
    for size, row in grown.items():
        said = "  ".join(
            f"{name} {row[name]['cpu_us']:7.1f} us ({row[name]['a_second']:6,}/s)"
            for name in ("ours", "fastapi", "bare")
        )
        print(f"{size:9,} outlets  {said}   ratio {row['ratio']:.2f}")
    for name, row in grown[SIZES[0]]["latency_ms"].items():
        print(
            f"{name:8} at {row['rate']:8,.0f}/s (70 % of {row['saturation']:,}): p50 {row['p50']:.2f} ms, "
            f"p99 {row['p99']:.2f} ms, p99.9 {row['p999']:.2f} ms"
        )
    for day, row in taken.items():
        for name in ("gzip", "plain"):
            print(
                f"{day} {name:5} a client-minute: whole CSV each 30 s {row['csv_a_minute'][name]:,} bytes, "
                f"changes as they came {row['delta_a_minute'][name]:,}, "
                f"were as much news to come each 30 s {row['delta_each_30_s_a_minute'][name]:,}"
            )


if __name__ == "__main__":
    sys.exit(main())
