"""The scanner of Taiwan's Ministry of Digital Affairs over addresses, or over pages as a browser got them."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.make import live_server, missing

PEERS: Final = Path(__file__).parents[2] / ".venv-peers"
SCAN: Final = """
import json, sys
from functools import cache
from a11y_moda import css_utils
from a11y_moda.models import Level
from a11y_moda.scanner import scan_page
css_utils.tinycss2.parse_stylesheet = cache(css_utils.tinycss2.parse_stylesheet)
walk, walked = css_utils._walk_rules, {}
def walk_once(nodes, source):
    if (id(nodes), source) not in walked:
        walked[id(nodes), source] = nodes, walk(nodes, source)
    return walked[id(nodes), source][1]
css_utils._walk_rules = walk_once
reports = [scan_page(address, level=Level.AA) for address in sys.stdin.read().split()]
failed = [[str(issue) for issue in one.issues if issue.status == "fail"] for one in reports]
json.dump([[one.url, one.status_code, faults] for one, faults in zip(reports, failed)], sys.stdout)
"""
"""Scans the addresses it is given in one process, as `a11y-moda scan --no-render --level AA` does each. Twelve of its
rules read the same style sheets anew on each page, which was most of its time: each is read once."""


FEW: Final = 20
"""So many pages are scanned sooner by one process than two are started."""


def needed() -> None:
    """Skips the test where the scanner is not installed; in CI it fails."""
    if not (PEERS / "bin/a11y-moda").exists():
        missing(".venv-peers is not installed")


def scanned(addresses: Sequence[str]) -> tuple[list[int], list[str]]:
    """The status of each address, and every fault with its address."""
    halves = [list(addresses)] if len(addresses) < FEW else [list(addresses[::2]), list(addresses[1::2])]
    with ThreadPoolExecutor(2) as pool:
        reports = [report for half in pool.map(_scanned, halves) for report in half]
    assert len(reports) == len(addresses)
    return [status for _, status, _ in reports], [f"{at}: {fault}" for at, _, faults in reports for fault in faults]


def sheets_of(kept: Mapping[str, bytes], origin: str) -> dict[str, bytes]:
    """The style sheets of pages as a browser got them from there."""
    sheets = {}
    for sheet in set(re.findall(rb'href="(/[^"]+\.css[^"]*)"', b"".join(kept.values()))):
        with urllib.request.urlopen(origin + sheet.decode()) as answer:
            sheets[sheet.decode().partition("?")[0]] = answer.read()
    return sheets


def scanned_kept(kept: Mapping[str, bytes], sheets: Mapping[str, bytes]) -> tuple[list[int], list[str]]:
    """As `scanned`, of pages as a browser got them: the scanner cannot sign in."""
    with _shelf({**kept, **sheets}) as url:
        return scanned([url + path for path in kept])


def _scanned(addresses: list[str]) -> list[list[Any]]:
    command = [str(PEERS / "bin/python"), "-c", SCAN]
    environment = {"A11Y_ALLOW_PRIVATE_HOSTS": "1"}
    done = subprocess.run(
        command, input="\n".join(addresses), capture_output=True, text=True, timeout=1200, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-500:]
    found: list[list[Any]] = json.loads(done.stdout)
    return found


@contextmanager
def _shelf(kept: Mapping[str, bytes]) -> Iterator[str]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in ("startup", "shutdown"):
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
            return
        body = kept.get(scope["path"], b"")
        kind = b"text/css" if scope["path"].endswith(".css") else b"text/html; charset=utf-8"
        fields = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    with live_server(app) as url:
        yield url
