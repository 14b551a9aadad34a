"""The HTTP door beside FastAPI and Litestar: CPU per request of the server process, in one run, rounds interleaved.

    ./banyan bench door [--quick] [--json]

Three requests (small GET with path and query, POST of 10 validated fields, list of 50 rows of 9 columns) at 12 and at
144 routes, always the last service's. Server pinned to one core, load (wrk, else our own loader) to another. `ratio` is
the worst case's median, over the rounds, of ours / FastAPI in the same round; all are in `detail`. Ours carries policy,
use records, the access record on disk and security headers; the peers carry none of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
TARGET = 0.4
CONNECTIONS = 16
STACKS = {"ours": ".venv", "fastapi": ".venv-peers", "litestar": ".venv-peers"}
FORM = {
    "name": "健保藥局", "address": "花蓮市中山路1號", "phone": "038358141", "county": "花蓮縣", "town": "花蓮市",
    "adult": 120, "child": 50, "lon": 121.6, "lat": 23.98, "tags": ["口罩", "藥局"],
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(stack: str, routes: int) -> tuple[subprocess.Popen[bytes], str]:
    """A server on core 0; returns when it answers."""
    port = free_port()
    command = [str(ROOT / STACKS[stack] / "bin/python"), str(ROOT / f"bench/_door_{stack}.py"), str(port), str(routes)]
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}" if stack == "ours" else ""}
    server = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    pin(server.pid, 0)
    url = f"http://127.0.0.1:{port}/api/s{routes // 12 - 1}"
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/item/7?verbose=true", timeout=2) as reply:
                assert json.load(reply)["id"] == 7
                return server, url
        except OSError:
            time.sleep(0.05)
    server.kill()
    raise SystemExit(f"{stack} did not start")


def pin(pid: int, core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {cores[core % len(cores)]})


def load_wrk(url: str, body: bytes, seconds: float) -> int:
    """Requests done by wrk within `seconds`."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body:
            text = body.decode().replace("\\", "\\\\").replace("'", "\\'")
            script.write(f"wrk.method='POST'\nwrk.body='{text}'\nwrk.headers['Content-Type']='application/json'\n")
        script.write(
            "done=function(s,l,r) io.write('REQUESTS '..s.requests..' '.."
            "(s.errors.status+s.errors.read+s.errors.connect+s.errors.timeout)..'\\n') end\n"
        )
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds:g}s" if seconds >= 1 else "-d1s",
            "-s",
            script.name,
            url,
        ]
        out = subprocess.run(
            ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[-1]), *command],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    done, errors = next(line for line in out.splitlines() if line.startswith("REQUESTS")).split()[1:]
    assert int(errors) == 0, f"{url}: {errors} errors"
    return int(done)


def load_own(url: str, body: bytes, seconds: float) -> int:
    """The same with our own loader, when wrk is not installed."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    head = f"{'POST' if body else 'GET'} /{path} HTTP/1.1\r\nHost: {host}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n" if body else "\r\n"
    request = head.encode() + body

    async def client(until: float) -> int:
        reader, writer = await asyncio.open_connection(name, int(port))
        done = 0
        while time.monotonic() < until:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            done += 1
        writer.close()
        return done

    async def run() -> int:
        until = time.monotonic() + seconds
        return sum(await asyncio.gather(*(client(until) for _ in range(CONNECTIONS))))

    return asyncio.run(run())


def measure(server: subprocess.Popen[bytes], url: str, body: bytes, seconds: float) -> float:
    """CPU microseconds (user + system) of the server process per request."""
    process = psutil.Process(server.pid)
    load = load_wrk if shutil.which("wrk") else load_own
    before = process.cpu_times()
    done = load(url, body, seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / done * 1e6


def run(rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Figures of every round by `case@routes` and stack."""
    body = json.dumps(FORM).encode()
    cases = {"get": ("/item/7?verbose=true", b""), "post": ("/save", body), "list": ("/list", b"")}
    figures: dict[str, dict[str, list[float]]] = {}
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for routes in (12, 144):
            running = {}
            for stack in STACKS:
                running[stack] = start(stack, routes)
                servers.append(running[stack][0])
            for number in range(rounds + 1):
                for case, (path, sent) in cases.items():
                    for stack, (server, url) in running.items():
                        used = measure(server, url + path, sent, seconds)
                        if number or rounds == 1:  # the first round warms up
                            figures.setdefault(f"{case}@{routes}", {}).setdefault(stack, []).append(used)
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    pin(os.getpid(), 1)
    figures = run(rounds=1 if options.quick else 5, seconds=1)
    medians = {
        key: {stack: round(statistics.median(values), 1) for stack, values in row.items()}
        for key, row in figures.items()
    }
    ratios = {
        key: round(statistics.median(ours / peer for ours, peer in zip(row["ours"], row["fastapi"], strict=True)), 3)
        for key, row in figures.items()
    }
    loader = "wrk" if shutil.which("wrk") else "own loader"
    print(f"CPU us per request, medians; load by {loader}, {CONNECTIONS} connections")
    for key, row in medians.items():
        shown = "  ".join(f"{stack} {value:7.1f}" for stack, value in row.items())
        print(f"{key:10} {shown}   ours/fastapi {ratios[key]:.3f}   ours/litestar {row['ours'] / row['litestar']:.3f}")
    worst = max(ratios.values())
    if options.json:
        detail = {"cpu_us": medians, "ratios": ratios, "loader": loader}
        result = {"name": "door", "peer": "FastAPI", "ratio": worst, "target": TARGET, "met": worst <= TARGET}
        print(json.dumps(result | {"detail": detail}))


if __name__ == "__main__":
    sys.exit(main())
