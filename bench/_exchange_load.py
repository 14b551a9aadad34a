"""Load for bench/exchange.py by wrk: as fast as it goes on 32 connections, and at a rate of arrivals.

At a rate: CALLERS connections that each wait a random while before they ask again, and a second run with the pause
corrected by what answers took. wrk keeps up where a loop of ours in Python would measure itself.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

CONNECTIONS = 32
CALLERS = 256
PAUSE_S = 0.2
"""About how long a caller waits before it asks again, as long as CALLERS are enough."""
LUA = """local clients = {%s}
local bodies = {%s}
local i, j = 0, 0
wrk.method = "%s"
request = function()
  i, j = i %% #clients + 1, j %% #bodies + 1
  return wrk.format(nil, nil, {["X-Road-Client"] = clients[i]%s}, bodies[j])
end
%s
done = function(s, l, r)
  io.write("FOUND " .. s.requests .. " " .. s.errors.status + s.errors.read + s.errors.connect + s.errors.timeout)
  io.write(" " .. s.duration / 1e6)
  io.write(" " .. l:percentile(50) .. " " .. l:percentile(99) .. " " .. l:percentile(99.9) .. "\\n")
end
"""
DELAY = """math.randomseed(7)
delay = function() return -math.log(1 - math.random()) * %f end
"""


LONGER = 5


class NoAnswer(Exception):
    """No call was answered in all the time."""


class Asking(NamedTuple):
    """What is asked of an edge: where, by which clients in turn, and with how large a body (0: GET), or with these JSON
    texts in turn."""

    port: int
    path: str
    clients: list[str]
    sent: int = 0
    texts: Sequence[str] = ()


class Found(NamedTuple):
    """Calls answered, seconds, and milliseconds of latency."""

    done: int
    took_s: float
    p50: float
    p99: float
    p999: float

    @property
    def rate(self) -> float:
        return self.done / self.took_s


def closed(asking: Asking, seconds: float, connections: int = CONNECTIONS) -> Found:
    """`connections` clients that each ask again at once. On a machine so busy that none was answered: for longer."""
    try:
        return _wrk(asking, seconds, connections, "")
    except NoAnswer:
        return _wrk(asking, LONGER * seconds, connections, "")


def constant(asking: Asking, rate: float, seconds: float) -> Found:
    """Calls at about `rate` a second, whether or not the ones before were answered."""
    callers = min(CALLERS, max(16, round(rate * PAUSE_S)))
    pause_ms = callers / rate * 1e3
    found = _wrk(asking, seconds, callers, DELAY % pause_ms)
    pause_ms = max(0.0, 2 * pause_ms - callers / found.rate * 1e3)
    return _wrk(asking, seconds, callers, DELAY % pause_ms)


def _wrk(asking: Asking, seconds: float, connections: int, delay: str) -> Found:
    names = ",".join(f'"{client}"' for client in asking.clients)
    bodies = ",".join(f"[[{text}]]" for text in asking.texts) or f'string.rep("x", {asking.sent})'
    is_sent = bool(asking.sent or asking.texts)
    said = ', ["Content-Type"] = "application/json"' if asking.texts else ""
    script = LUA % (names, bodies if is_sent else "", "POST" if is_sent else "GET", said, delay)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "-s",
            file.name,
        ]
        url = f"http://127.0.0.1:{asking.port}{asking.path}"
        said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    found = next(line for line in said.splitlines() if line.startswith("FOUND")).split()[1:]
    assert int(found[1]) == 0, f"{found[1]} of {found[0]} calls failed: {said}"
    if int(found[0]) == 0:
        raise NoAnswer(f"no call was answered: {said}")
    p50, p99, p999 = (float(one) / 1e3 for one in found[3:])
    return Found(int(found[0]), float(found[2]), p50, p99, p999)
