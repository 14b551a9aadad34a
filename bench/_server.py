"""A server process under measurement and one kept connection to it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Started, waited for until `probe` answers 200, asked, stopped. Its standard input ends when we do."""

    def __init__(self, command: list[str], port: int, probe: str, *, wait_s: float) -> None:
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "LANG": "C.UTF-8"}
        self.said = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop
        self.process = subprocess.Popen(
            command, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said
        )
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.last = time.monotonic()
        try:
            self._wait(command[:2], probe, time.monotonic() + wait_s)
        except BaseException:
            self.stop()
            raise

    def _wait(self, name: list[str], probe: str, until: float) -> None:
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{name} ended:\n{self.last_words()}")
            try:
                self.get(probe)
                return
            except (OSError, http.client.HTTPException):
                self.connection.close()
                assert time.monotonic() < until, f"{name} did not start"
                time.sleep(0.1)

    def get(self, target: str) -> tuple[float, Any]:
        """Milliseconds until the whole body is here, and the body. A connection idle for 5 s, which a server may have
        closed while the other side worked, is opened anew within the time."""
        if time.monotonic() - self.last > 5:
            self.connection.close()
        started = time.perf_counter()
        self.connection.request("GET", target)
        reply = self.connection.getresponse()
        body = reply.read()
        took = (time.perf_counter() - started) * 1000
        self.last = time.monotonic()
        assert reply.status == 200, f"{target}: {reply.status} {body[:300]!r}"
        return took, json.loads(body)

    def last_words(self) -> str:
        """The end of what the process wrote to standard error, once it has ended."""
        self.process.wait(60)
        self.said.seek(0)
        return self.said.read().decode()[-2000:]

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait(60)
        self.said.close()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
