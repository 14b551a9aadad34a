"""A live portal for browser tests: `./banyan up` in a process of its own, and Debian's Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from banyan.demo.federation.hosting import free_port as any_free_port

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
TOWNS = (
    ("1001", "藥局一號", "花蓮縣花蓮市", 121.6044, 23.9769, 12),
    ("1002", "藥局二號", "臺北市中正區", 121.5199, 25.0324, 40),
    ("1003", "藥局三號", "高雄市苓雅區", 120.3120, 22.6240, 7),
    ("1004", "<b>藥局</b>四號", "臺南市東區", 120.2200, 22.9800, 0),
)
"""A small table with points; one name holds markup, which must come out as text."""


class LivePortal(msgspec.Struct, frozen=True):
    """Its address and the administrator's token."""

    url: str
    token: str

    def publish(self, filename: str, content: bytes, **fields: str) -> dict[str, Any]:
        """Publish bytes under a name; the job as the upload answers it."""
        query = urllib.parse.urlencode({"filename": filename, **fields})
        request = urllib.request.Request(f"{self.url}/api/opendata/upload?{query}", content, method="POST")
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def get(self, path: str) -> str:
        """A page as text."""
        request = urllib.request.Request(self.url + urllib.parse.quote(path, safe="/?&=%:"))
        request.add_header("Accept", "text/html")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()


def small_table() -> bytes:
    lines = ["代碼,名稱,地址,經度,緯度,數量"]
    lines += [",".join(str(value) for value in row) for row in TOWNS]
    return ("\n".join(lines) + "\n").encode()


def free_port() -> int:
    return any_free_port(0)


@contextmanager
def live_portal(data: Path, *, is_empty: bool = True) -> Iterator[LivePortal]:
    """`banyan up` on a free port, in its own process; stopped as Ctrl-C does. Its pages name their template."""
    banyan = [sys.executable, "-m", "tests.access.shown"]
    command = [*banyan, "up", "--data", str(data), "--port", str(free_port()), *(["--empty"] if is_empty else [])]
    environment = os.environ | {"BANYAN_TOKEN": "", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=data
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Banyan is up"):
                break
        else:
            raise AssertionError("".join(said))
        address = json.loads((data / "node.json").read_text(encoding="utf-8"))["url"]
        yield LivePortal(address, (data / "administrator.token").read_text(encoding="ascii").strip())
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def has_chromium() -> bool:
    return Path(CHROMIUM).exists() or shutil.which("chromium") is not None


@contextmanager
def browser() -> Iterator[Any]:
    """Debian's Chromium through Playwright; the test is skipped where there is none."""
    if not has_chromium():
        pytest.skip("no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


def until(check: Any, *, within_s: float = 20.0) -> Any:
    """The first true answer of `check`; AssertionError when there is none in time."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")
