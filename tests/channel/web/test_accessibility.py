"""Every page, in both languages, light and dark: axe-core and Taiwan's a11y-moda find nothing; 320 px holds.

One node, one browser, each page opened once: axe looks at it wide, then it is narrowed to 320 px.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.channel.web.conftest import Filled
from tests.portal import browser

ROOT = Path(__file__).parents[3]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
PEERS = ROOT / ".venv-peers"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
MODA = """
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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def seen(portal: Filled, chromium: Any) -> tuple[list[str], list[str]]:
    """Every page opened once: what axe finds, and the addresses that are wider than 320 px."""
    page = opened(chromium, "light")
    found, wide = [], []
    for address in addresses(portal):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(portal.url + address, wait_until="domcontentloaded")
        found += wrong(page, address)
        page.set_viewport_size({"width": 320, "height": 640})
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(address)
    return found, wide


def opened(chromium: Any, scheme: str) -> Any:
    """A page that holds axe from its start."""
    if not AXE.exists():
        pytest.skip("npm ci was not run in web/")
    page = chromium.new_context(color_scheme=scheme, bypass_csp=True).new_page()
    page.add_init_script(path=AXE)
    return page


def addresses(portal: Filled) -> list[str]:
    chinese = [quote(path, safe="/?&=%") for path in portal.paths]
    return [*chinese, *("/en" if path == "/" else "/en" + path for path in chinese)]


def wrong(page: Any, address: str) -> list[str]:
    """What axe finds on an open page, one line each."""
    found = page.evaluate(RUN, TAGS)["violations"]
    return [f"{address}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.browser
def test_axe_finds_nothing_on_any_page(seen: tuple[list[str], list[str]]) -> None:
    assert seen[0] == []


@pytest.mark.browser
def test_pages_reflow_at_320_pixels(seen: tuple[list[str], list[str]]) -> None:
    assert seen[1] == []


@pytest.mark.browser
@pytest.mark.slow
def test_axe_finds_nothing_in_the_dark(portal: Filled, chromium: Any) -> None:
    page = opened(chromium, "dark")
    found: list[str] = []
    for address in addresses(portal):
        page.goto(portal.url + address, wait_until="domcontentloaded")
        found += wrong(page, address)
    assert found == []


@pytest.mark.browser
def test_axe_finds_nothing_for_who_is_signed_in(portal: Filled, chromium: Any) -> None:
    page = opened(chromium, "light")
    page.goto(f"{portal.url}/session")
    page.fill("#f-token", portal.token)
    page.click("main button[type=submit]")
    found: list[str] = []
    for address in ("/publish", "/en/publish", "/dataset/stores/edit", f"/request/{portal.asked}", "/session"):
        page.goto(portal.url + address, wait_until="domcontentloaded")
        assert page.locator("h1").count() == 1
        found += wrong(page, address)
    page.goto(f"{portal.url}/publish")
    page.click("main form button[type=submit]")
    assert page.locator("#error-summary a[href='#f-file']").count() == 1
    found += wrong(page, "/publish with an error")
    assert found == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(portal: Filled) -> None:
    if not (PEERS / "bin/a11y-moda").exists():
        pytest.skip(".venv-peers is not installed")

    def scan(addresses: list[str]) -> list[list[Any]]:
        command = [str(PEERS / "bin/python"), "-c", MODA]
        given = "\n".join(portal.url + address for address in addresses)
        environment = {"A11Y_ALLOW_PRIVATE_HOSTS": "1"}
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=1200, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr[-500:]
        found: list[list[Any]] = json.loads(done.stdout)
        return found

    every = addresses(portal)
    with ThreadPoolExecutor(2) as pool:
        reports = [report for half in pool.map(scan, (every[::2], every[1::2])) for report in half]
    assert len(reports) == len(every)
    assert {status for _, status, _ in reports} == {200, 404}
    assert [f"{address}: {fault}" for address, _, faults in reports for fault in faults] == []
