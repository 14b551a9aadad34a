"""Every page, in both languages, light and dark: axe-core and Taiwan's a11y-moda find nothing; 320 px holds."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.channel.web.conftest import Filled
from tests.portal import browser

ROOT = Path(__file__).parents[3]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
MODA = ROOT / ".venv-peers/bin/a11y-moda"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"


def addresses(portal: Filled) -> list[str]:
    chinese = [quote(path, safe="/?&=%") for path in portal.paths]
    return [*chinese, *("/en" if path == "/" else "/en" + path for path in chinese)]


def wrong(page: Any, address: str) -> list[str]:
    """What axe finds on an open page, one line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN, TAGS)["violations"]
    return [f"{address}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_on_any_page(portal: Filled, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("npm ci was not run in web/")
    with browser() as chromium:
        page = chromium.new_context(color_scheme=scheme, bypass_csp=True).new_page()
        found: list[str] = []
        for address in addresses(portal):
            page.goto(portal.url + address, wait_until="domcontentloaded")
            found += wrong(page, address)
    assert found == []


@pytest.mark.browser
def test_axe_finds_nothing_for_who_is_signed_in(portal: Filled) -> None:
    if not AXE.exists():
        pytest.skip("npm ci was not run in web/")
    with browser() as chromium:
        page = chromium.new_context(bypass_csp=True).new_page()
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


@pytest.mark.browser
def test_pages_reflow_at_320_pixels(portal: Filled) -> None:
    with browser() as chromium:
        page = chromium.new_context(viewport={"width": 320, "height": 640}).new_page()
        wide: list[str] = []
        for address in addresses(portal):
            page.goto(portal.url + address)
            if page.evaluate("document.documentElement.scrollWidth") > 320:
                wide.append(address)
    assert wide == []


@pytest.mark.peers
def test_moda_rules_fail_nowhere(portal: Filled) -> None:
    if not MODA.exists():
        pytest.skip(".venv-peers is not installed")

    def scan(address: str) -> list[str]:
        command = [str(MODA), "scan", portal.url + address, "--allow-private-hosts", "--no-render", "--level", "AA"]
        done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, timeout=120, check=False)
        report = json.loads(done.stdout)
        assert report["status_code"] in (200, 404), done.stderr[-500:]
        return [f"{address}: {one}" for one in report["issues"] if one["status"] == "fail"]

    with ThreadPoolExecutor(2) as pool:
        found = [line for lines in pool.map(scan, addresses(portal)) for line in lines]
    assert found == []
