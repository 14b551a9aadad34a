"""Load for bench/stock_http.py: as fast as it goes (wrk, else our own loop), and at a constant rate of arrivals.

At a rate: `CALLERS` connections that each wait a random while before they ask again, by wrk, which keeps up where a
loop of ours in Python does not (it fell behind at 6,000 a second and measured itself). A stall is seen by as many
requests as there are callers. Without wrk our own open loop measures from the moment each request was due.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import deque
from itertools import cycle
from typing import Any, NamedTuple

import uvloop

FORWARDED = "203.0.113.7"
"""A documentation address: the request counts as passed on, and takes from a rate bucket."""
CONNECTIONS = 16
OPEN_CONNECTIONS = 128
CALLERS = 256
STEP_S = 0.0005
LUA = """local p = {%s}
local i = 0
wrk.headers["X-Forwarded-For"] = "%s"
request = function() i = i %% #p + 1; return wrk.format("GET", p[i]) end
done = function(s, l, r)
  io.write("REQUESTS " .. s.requests .. " " .. s.errors.status + s.errors.read + s.errors.connect + s.errors.timeout)
  io.write(" " .. s.duration / 1e6 .. "\\n")
end
"""


RATED = (
    LUA
    + """
math.randomseed(7)
delay = function() return -math.log(1 - math.random()) * %f end
local said = done
done = function(s, l, r)
  said(s, l, r)
  io.write("LATENCY " .. l:percentile(50) .. " " .. l:percentile(99) .. " " .. l:percentile(99.9) .. "\\n")
end
"""
)


def closed(port: int, targets: list[str], seconds: float, core: int) -> tuple[int, float]:
    """Requests answered and seconds they took, by `CONNECTIONS` clients that each ask again at once."""
    if shutil.which("wrk") is None:
        return uvloop.run(_closed(port, targets, seconds))
    script = LUA % (",".join(f'"{target}"' for target in targets), FORWARDED)
    done, errors, took = next(
        line for line in _wrk(port, script, CONNECTIONS, seconds, core) if line.startswith("REQUESTS")
    ).split()[1:]
    assert int(errors) == 0, f"{errors} errors"
    return int(done), float(took)


async def _closed(port: int, targets: list[str], seconds: float) -> tuple[int, float]:
    load = _Load(targets)
    clients = [await _client(port, load) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    load.until = started + seconds
    for client in clients:
        load.again(client)
    await asyncio.sleep(seconds + 0.5)
    for client in clients:
        client.transport.close()
    return len(load.took), seconds


class Latency(NamedTuple):
    """Milliseconds. `rate` is what was really answered a second; `behind` the share of requests that had to wait for a
    free connection of ours (0 with wrk)."""

    p50: float
    p99: float
    p999: float
    rate: float
    behind: float = 0.0


def constant(port: int, targets: list[str], rate: float, seconds: float, core: int) -> Latency:
    """Requests at about `rate` a second, whether or not the ones before were answered."""
    if shutil.which("wrk") is None:
        return uvloop.run(_constant(port, targets, rate, seconds))
    pause_ms = CALLERS / rate * 1e3
    found = _at(port, targets, pause_ms, seconds, core)
    # A caller asks again after its pause and the answer's own time: pause less, by what answers took.
    pause_ms = max(0.0, 2 * pause_ms - CALLERS / found.rate * 1e3)
    return _at(port, targets, pause_ms, seconds, core)


def _at(port: int, targets: list[str], pause_ms: float, seconds: float, core: int) -> Latency:
    """What `CALLERS` see that pause `pause_ms` on average."""
    script = RATED % (",".join(f'"{target}"' for target in targets), FORWARDED, pause_ms)
    lines = _wrk(port, script, CALLERS, seconds, core)
    done, errors, took = next(line for line in lines if line.startswith("REQUESTS")).split()[1:]
    assert int(errors) == 0, f"{errors} errors"
    cuts = next(line for line in lines if line.startswith("LATENCY")).split()[1:]
    p50, p99, p999 = (float(cut) / 1e3 for cut in cuts)
    return Latency(p50, p99, p999, int(done) / float(took))


def _wrk(port: int, script: str, connections: int, seconds: float, core: int) -> list[str]:
    """What wrk says that runs `script`."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        said = subprocess.run(
            [*command, "-s", file.name, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
        ).stdout
    return said.splitlines()


async def _constant(port: int, targets: list[str], rate: float, seconds: float) -> Latency:
    load = _Load(targets)
    clients = [await _client(port, load) for _ in range(OPEN_CONNECTIONS)]
    load.idle.extend(clients)
    started, due, behind = time.perf_counter(), 0, 0
    total = int(rate * seconds)
    while due < total:
        now = time.perf_counter()
        while due < total and started + due / rate <= now:
            behind += not load.idle
            load.ask(started + due / rate)
            due += 1
        await asyncio.sleep(STEP_S)
    if len(load.took) < total:
        load.ended_at = total
        await asyncio.wait_for(load.ended.wait(), 10)
    took_s = load.last - started
    for client in clients:
        client.transport.close()
    cuts = statistics.quantiles(load.took, n=1000)
    return Latency(cuts[499] * 1e3, cuts[989] * 1e3, cuts[998] * 1e3, total / took_s, behind / total)


class _Load:
    """What is asked, who is free to ask, and how long each took."""

    def __init__(self, targets: list[str]) -> None:
        self.requests = cycle(
            [
                f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {FORWARDED}\r\n\r\n".encode()
                for target in targets
            ]
        )
        self.idle: list[_Client] = []
        self.due: deque[float] = deque()
        self.took: list[float] = []
        self.last = self.until = 0.0
        self.ended, self.ended_at = asyncio.Event(), 0

    def ask(self, due: float) -> None:
        if self.idle:
            self.idle.pop().send(due, next(self.requests))
        else:
            self.due.append(due)

    def answered(self, client: _Client) -> None:
        self.last = time.perf_counter()
        self.took.append(self.last - client.due)
        if len(self.took) == self.ended_at:
            self.ended.set()
        if self.until:
            self.again(client)
        elif self.due:
            client.send(self.due.popleft(), next(self.requests))
        else:
            self.idle.append(client)

    def again(self, client: _Client) -> None:
        now = time.perf_counter()
        if now < self.until:
            client.send(now, next(self.requests))


class _Client(asyncio.Protocol):
    """One connection with one request at a time."""

    transport: Any

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._left = -1
        self._head = b""
        self.due = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, due: float, request: bytes) -> None:
        self.due, self._left, self._head = due, -1, b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            assert data.startswith(b"HTTP/1.1 200"), data[:200]
            at = data.find(b"content-length: ", 0, end) + 16
            self._left = end + 4 + int(data[at : data.index(b"\r", at)])
        self._left -= len(data)
        if self._left == 0:
            self._load.answered(self)


async def _client(port: int, load: _Load) -> _Client:
    _, client = await asyncio.get_running_loop().create_connection(lambda: _Client(load), "127.0.0.1", port)
    return client
