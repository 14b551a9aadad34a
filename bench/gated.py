"""What a call by road costs when the law stands behind it: a pair of gateways, and behind the provider's a plain
service, an operation of its node's gate, and a plain service whose calls the gate weighs first.

    ./banyan bench gated [--quick] [--json] [--beside FOLDER]

32 connections of wrk; persons in turn out of 2,000; the gate's whole release (weigh, count, ledger on the disk) is in
the provider's gateway, published each second. `--beside`, once or more: another checkout, whose `src` runs in turn.
`ratio` is the dearer of the two gated calls / the plain one, CPU at the provider's gateway, medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench import _exchange_load as load  # noqa: E402
from bench._exchange_pairs import Pair, Process, free_port  # noqa: E402

AT: Final = "/r1/TW/GOV/provider/files"
MEMBERS: Final = 10
CASES: Final = {"plain": "/bytes/100", "gate": "/card/", "weighed": "/outside/100"}
"""As much is sent and about as much answered in each."""
PERSONS: Final = 2_000
TARGET: Final = 3.0


def number_of(place: int) -> str:
    """A national number with its check digit."""
    digits = f"1{place:07}"
    tail = sum(int(digit) * weight for digit, weight in zip(digits, (8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"A{digits}{-(1 + tail) % 10}"


def measured(pair: Pair, case: str, seconds: float, connections: int) -> dict[str, float]:
    """One round of one case: CPU microseconds of each gateway a call, and calls a second."""
    clients = [f"TW/GOV/c{number}/desk" for number in range(pair.members - 1)]
    texts = [json.dumps({"person": number_of(place)}) for place in range(PERSONS)]
    before = pair.cpu_s()
    found = load.closed(load.Asking(pair.edge_port, AT + CASES[case], clients, texts=texts), seconds, connections)
    after = pair.cpu_s()
    a, b = ((late - early) / found.done * 1e6 for early, late in zip(before, after, strict=True))
    return {"a_us": a, "b_us": b, "calls": found.rate, "p50_ms": found.p50, "p99_ms": found.p99}


def run(rounds: int, seconds: float, sources: dict[str, Path], connections: int) -> dict[str, Any]:
    rows: dict[str, dict[str, list[dict[str, float]]]] = {case: {name: [] for name in sources} for case in CASES}
    service_port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        service = Process(".venv", str(ROOT / "bench/_exchange_provider.py"), str(service_port))
        pairs: dict[str, Pair] = {}
        try:
            for name, source in sources.items():
                own = Path(folder) / name
                own.mkdir()
                pairs[name] = Pair("gated", own, service_port, MEMBERS, source)
                pairs[name].wait(60)
            for number in range(rounds + 1):
                for case in CASES:
                    for name, pair in list(pairs.items())[:: -1 if number % 2 else 1]:
                        row = measured(pair, case, seconds, connections)
                        if number:  # the first round warms up
                            rows[case][name].append(row)
        finally:  # before the folder goes: they write to it until they end
            for process in (*pairs.values(), service):
                process.stop()
    return {case: {name: median(each) for name, each in found.items()} for case, found in rows.items()}


def median(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--beside", type=Path, action="append", default=[])
    parser.add_argument("--connections", type=int, default=load.CONNECTIONS)
    options = parser.parse_args()
    sources = {"here": ROOT / "src"} | {folder.name: folder / "src" for folder in options.beside}
    rounds, seconds = (2, 2.0) if options.quick else (7, 4.0)
    cases = run(rounds, seconds, sources, options.connections)
    for case, found in cases.items():
        for name, row in found.items():
            print(
                f"{case:8} {name:7} A {row['a_us']:6.0f} us  B {row['b_us']:6.0f} us  {row['calls']:6,.0f}/s"
                f"  p50 {row['p50_ms']:.1f} ms  p99 {row['p99_ms']:.1f} ms"
            )
    ratio = round(max(cases[case]["here"]["b_us"] for case in ("gate", "weighed")) / cases["plain"]["here"]["b_us"], 2)
    print(f"a call that the gate releases / a plain one, at the provider's gateway: {ratio}")
    if options.json:
        result = {"name": "gated", "peer": "a plain call of the same road", "ratio": ratio, "target": TARGET}
        print(json.dumps(result | {"met": ratio <= TARGET, "detail": cases}))


if __name__ == "__main__":
    sys.exit(main())
