"""A pair of gateways beside a plain pair of reverse proxies and beside bare signatures, in one run, rounds interleaved.

    ./banyan bench exchange [--quick] [--json]

Client -> gateway A -> mTLS -> gateway B -> service, all processes of this machine, 32 connections of wrk. Ours does all
that a call meets: fair admission, directory, grants, P-256 signature and verification of request and answer on each
side, digest, nonce, and a message log that is on the disk before the answer goes on. The peer is aiohttp (server and
client, uvloop) with the same TLS, which signs, judges and keeps nothing. `ratio` is the median over the rounds of the
dearer gateway's CPU a call (GET, 1 KB answered) / one P-256 signature + one verification as `openssl speed` has them in
the same round. Also: 100 KB and 10 MB answered, 100 KB and 10 MB sent, latency at 70 % of saturation, and 10, 1,000 and
10,000 members with a grant each, 200 of them asking in turn (`--quick`: less of each).
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench import _exchange_admission as admission  # noqa: E402
from bench import _exchange_floor as floor  # noqa: E402
from bench import _exchange_load as load  # noqa: E402
from bench._exchange_pairs import PATH, Pair, Process, free_port  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

RATIO, CPU_US, CALLS = 2.5, 180.0, 2_000.0
SHARE_OF_SATURATION = 0.7
MEMBERS = (10, 1_000, 10_000)
ASKING = 200
KB, MB = 1_000, 1_000_000
CASES = {
    "1 KB answered": (KB, 0),
    "100 KB answered": (100 * KB, 0),
    "10 MB answered": (10 * MB, 0),
    "100 KB sent": (KB, 100 * KB),
    "10 MB sent": (KB, 10 * MB),
}
FEW = 4
"""Connections for bodies of 10 MB: more measure the memory bus."""
LARGE_S = 6.0
"""How long those are measured at least: a busy machine answers few a second."""


def primitives() -> dict[str, float]:
    """Microseconds of CPU of one P-256 signature and one verification: `openssl speed`, and the library that we use."""
    said = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", "1", "ecdsap256"], capture_output=True, text=True, check=True
    ).stdout
    signs, verifies = (float(one) for one in said.strip().splitlines()[-1].split(":")[-2:])
    key, data, how = ec.generate_private_key(ec.SECP256R1()), b"x" * 1024, ec.ECDSA(hashes.SHA256())
    made, public = key.sign(data, how), key.public_key()
    ours = _cpu_us(lambda: key.sign(data, how)), _cpu_us(lambda: public.verify(made, data, how))
    return {"openssl": 1e6 / signs + 1e6 / verifies, "cryptography": sum(ours)}


def _cpu_us(step: Callable[[], object], times: int = 1_000) -> float:
    before = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - before) / times * 1e6


def asking(pair: Pair, size: int, sent: int) -> load.Asking:
    clients = [f"TW/GOV/c{number}/desk" for number in range(min(ASKING, pair.members - 1))]
    return load.Asking(pair.edge_port, f"{PATH}/{size}", clients, sent)


def measured(pair: Pair, case: str, seconds: float) -> dict[str, float]:
    """One round of one case: CPU microseconds of each gateway a call, and calls a second."""
    size, sent = CASES[case]
    is_large = max(size, sent) >= MB
    connections, seconds = (FEW, max(LARGE_S, seconds)) if is_large else (load.CONNECTIONS, seconds)
    before = pair.cpu_s()
    found = load.closed(asking(pair, size, sent), seconds, connections)
    after = pair.cpu_s()
    a, b = ((late - early) / found.done * 1e6 for early, late in zip(before, after, strict=True))
    return {"a_us": a, "b_us": b, "calls": found.rate, "p99_ms": found.p99}


def median(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 1) for name in rows[0]}


def latency(pair: Pair, seconds: float, rounds: int) -> dict[str, float]:
    """At SHARE_OF_SATURATION of what it can, in rounds: the median of each figure. `idle`: one call after another."""
    asked = asking(pair, KB, 0)
    saturation = statistics.median(load.closed(asked, seconds).rate for _ in range(rounds))
    idle = [load.closed(asked, seconds, 1) for _ in range(rounds)]
    loaded = [load.constant(asked, saturation * SHARE_OF_SATURATION, seconds) for _ in range(rounds)]
    found = {f"idle_{name}": statistics.median(getattr(one, name) for one in idle) for name in ("p50", "p99")}
    found |= {name: statistics.median(getattr(one, name) for one in loaded) for name in ("p50", "p99", "p999", "rate")}
    return {name: round(value, 2) for name, value in found.items()} | {"saturation": round(saturation)}


def compare(pairs: list[Pair]) -> None:
    """Both carry the same bytes."""
    for size in (0, 1, KB, 100 * KB, MB):
        answers = [pair.ask(size) for pair in pairs]
        assert len(answers[0]) == size, f"{size} bytes were asked for, {len(answers[0])} came"
        assert all(one == answers[0] for one in answers), f"the answers of {size} bytes differ"


def run(rounds: int, seconds: float, cases: list[str], members: tuple[int, ...]) -> dict[str, Any]:
    """Everything, at the smallest number of members; then growth."""
    service_port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        running: list[Pair] = []
        service = Process(".venv", str(ROOT / "bench/_exchange_provider.py"), str(service_port))
        try:
            running += [Pair(stack, Path(folder), service_port, members[0]) for stack in ("ours", "aiohttp")]
            for pair in running:
                pair.wait(60)
            compare(running)
            found = compared(running, rounds, seconds, cases)
            found["latency_ms"] = {pair.stack: latency(pair, seconds, min(3, rounds)) for pair in running}
            found["rss_mb"] = {
                pair.stack: [round(pair.client.rss_mb()), round(pair.provider.rss_mb())] for pair in running
            }
            running.pop().stop()
            found["members"] = growth(running, members, Path(folder), (rounds, seconds, service_port))
        finally:  # before the folder goes: they write to it until they end
            for process in (*running, service):
                process.stop()
    return found


def compared(pairs: list[Pair], rounds: int, seconds: float, cases: list[str]) -> dict[str, Any]:
    rows: dict[str, dict[str, list[dict[str, float]]]] = {case: {pair.stack: [] for pair in pairs} for case in cases}
    bare: list[dict[str, float]] = []
    for number in range(rounds + 1):
        once = primitives()
        for case in cases:
            for pair in pairs:
                row = measured(pair, case, seconds)
                if number:  # the first round warms up
                    rows[case][pair.stack].append(row)
        if number:
            bare.append(once)
    dearest = [max(row["a_us"], row["b_us"]) for row in rows[cases[0]]["ours"]]
    ratios = [cost / one["openssl"] for cost, one in zip(dearest, bare, strict=True)]
    return {
        "ratio": round(statistics.median(ratios), 2),
        "ratio_rounds": [round(one, 2) for one in ratios],
        "primitives_us": median(bare),
        "cases": {case: {stack: median(row) for stack, row in found.items()} for case, found in rows.items()},
    }


def growth(
    running: list[Pair], members: tuple[int, ...], folder: Path, how: tuple[int, float, int]
) -> dict[int, dict[str, float]]:
    """Ours at each number of members, interleaved with the smallest."""
    rounds, seconds, service_port = how
    for many in members[1:]:
        running.append(Pair("ours", folder, service_port, many))
        running[-1].wait(120)
    rows: dict[int, list[dict[str, float]]] = {many: [] for many in members}
    for number in range(rounds + 1):
        for pair in running:
            row = measured(pair, "1 KB answered", seconds)
            if number:
                rows[pair.members].append(row)
    return {many: median(row) for many, row in rows.items()}


def interpreter() -> str:
    """Which one, for how it was built is a twentieth of what a call costs."""
    return f"Python {platform.python_version()} of {Path(sys.executable).resolve()}"


def show(found: dict[str, Any]) -> None:
    bare = found["primitives_us"]
    print(found["interpreter"])
    print(
        f"one P-256 signature and one verification: {bare['openssl']:.0f} us (openssl speed), "
        f"{bare['cryptography']:.0f} us (cryptography); {load.CONNECTIONS} connections, medians"
    )
    for case, row in found["cases"].items():
        said = "   ".join(
            f"{stack} A {one['a_us']:8,.0f} us B {one['b_us']:8,.0f} us {one['calls']:7,.0f}/s"
            for stack, one in row.items()
        )
        print(f"{case:16} {said}")
    print(f"dearer gateway / (signature + verification): {found['ratio']} {found['ratio_rounds']}")
    for stack, row in found["latency_ms"].items():
        print(
            f"{stack:8} alone p50 {row['idle_p50']:.2f} ms, p99 {row['idle_p99']:.2f}; at {row['rate']:,.0f}/s "
            f"(70 % of {row['saturation']:,.0f}) p50 {row['p50']:.2f}, p99 {row['p99']:.2f}, p99.9 {row['p999']:.2f}"
        )
    for many, row in found["members"].items():
        print(f"{many:7,} members  A {row['a_us']:6.0f} us B {row['b_us']:6.0f} us  {row['calls']:7,.0f}/s")
    print(f"what a gateway cannot do without, each alone and warm, us: {found['floor_us']}")
    print(f"memory, MB: {found['rss_mb']}; admission, us a call: {found['admission_us']}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if shutil.which("wrk") is None or shutil.which("openssl") is None:
        raise SystemExit("This measures with wrk and openssl: apt-get install wrk openssl")
    rounds, seconds = (2, 2.0) if options.quick else (5, 4.0)
    cases = list(CASES)[:2] if options.quick else list(CASES)
    found: dict[str, Any] = {"interpreter": interpreter()}
    found["admission_us"] = {name: round(cost, 1) for name, cost in admission.costs().items()}
    found["floor_us"] = {name: round(cost, 1) for name, cost in floor.floors().items()}
    found |= run(rounds, seconds, cases, MEMBERS[:2] if options.quick else MEMBERS)
    show(found)
    if options.json:
        first = found["cases"][cases[0]]["ours"]
        is_met = found["ratio"] <= RATIO and max(first["a_us"], first["b_us"]) <= CPU_US and first["calls"] >= CALLS
        result = {"name": "exchange", "peer": "P-256 sign + verify (openssl speed)", "ratio": found["ratio"]}
        print(json.dumps(result | {"target": RATIO, "met": is_met, "detail": found}))


if __name__ == "__main__":
    sys.exit(main())
