"""`./banyan up` as a newcomer starts it, with the whole demonstration, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from tests.portal import free_port, until

DRAWN_S = 300.0
"""The demonstration's draw is over within two minutes of a quiet machine."""


class Upped(msgspec.Struct, frozen=True):
    """Its address and its data folder."""

    url: str
    data: Path

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def live_up(data: Path) -> Iterator[Upped]:
    """Ready when the demonstration's draw is published; stopped as Ctrl-C does."""
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "banyan", "up", "--data", str(data), "--port", str(port)]
    said = (data.parent / "up.log").open("w+")
    process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=os.environ | {"BANYAN_TOKEN": ""})
    upped = Upped(f"http://localhost:{port}", data)
    try:
        until(lambda: "Banyan is up" in Path(said.name).read_text(), within_s=DRAWN_S)
        until(lambda: b'"published"' in upped.get("/api/rationing/draws"), within_s=DRAWN_S)
        yield upped
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        said.close()
