"""Take the pictures of docs/tour from a live portal: publish two real files, then walk as a citizen would. The first
page is that of the demonstration nation, as `./banyan up` shows it; the stock map's are of a portal whose clock stands
at 14 February 2020, 08:58, over the nation's real stock of that morning.

.venv/bin/python tools/tour.py          # about a minute; needs Chromium and ../shared/data
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.make import shared_data  # noqa: E402
from tests.portal import LivePortal, browser, live_portal, until  # noqa: E402
from tests.service.supplies.pages.stage import MORNING, a_real_morning, stage  # noqa: E402

from banyan.demo.nation import DATASETS  # noqa: E402

MASKS = "supplies/raw/maskdata_20200214T085535.csv.gz"
OUTLETS = "supplies/outlets.csv.gz"
OUT = ROOT / "docs/tour"
LARGEST_BYTES = 300_000
SIZE = {"width": 1200, "height": 860}
WHOLE = {one.name for one in DATASETS} | {f"allocation-mask-adult-{part}" for part in ("plan", "inputs")}


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, live_portal(Path(folder), is_empty=False) as nation, browser() as chromium:
        until(lambda: set(json.loads(nation.get("/api/3/action/package_list"))["result"]) >= WHOLE, within_s=120.0)
        page = chromium.new_page(viewport=SIZE)
        _take(page, nation, "01-home", "/", "")
    with TemporaryDirectory() as folder, live_portal(Path(folder)) as portal, browser() as chromium:
        masks = portal.publish(
            Path(MASKS).name,
            shared_data(MASKS).read_bytes(),
            name="masks",
            title="藥局口罩存量（2020-02-14）",
            notes="實名制口罩各藥局與衛生所的剩餘數量。",
            tag="口罩",
            agency="衛生福利部中央健康保險署",
            frequency="每日",
        )
        outlets = portal.publish(
            Path(OUTLETS).name, shared_data(OUTLETS).read_bytes(), name="outlets", title="藥局與衛生所位置", tag="藥局"
        )
        page = chromium.new_page(viewport=SIZE)
        for number, (name, path, wait) in enumerate(_stops(masks, outlets), start=2):
            _take(page, portal, f"{number:02d}-{name}", path, wait)
        _chat(page, portal)
    with (
        TemporaryDirectory() as folder,
        stage(Path(folder), a_real_morning(), at=MORNING + 180) as map_portal,
        browser() as chromium,
    ):
        _stock_map(chromium, map_portal.url)
    return 0


def _stops(masks: dict[str, Any], outlets: dict[str, Any]) -> list[tuple[str, str, str]]:
    table = f"/dataset/masks/resource/{masks['published']['resource_id']}"
    places = f"/dataset/outlets/resource/{outlets['published']['resource_id']}"
    return [
        ("search", "/dataset?q=藥局", ""),
        ("dataset", "/dataset/masks", ""),
        ("rows", f"{table}?f=醫事機構地址&o=contains&v=花蓮縣&sort=成人口罩剩餘數&down=1", ""),
        ("mended", f"{places}/notes", ""),
        ("chart", f"{table}/chart?by=醫事機構名稱&measure=sum&of=成人口罩剩餘數", ".chart-canvas canvas"),
        ("map", f"{places}/map", "#map[data-ready]"),
        ("quality", "/dataset/masks/quality", ""),
        ("api", f"{table}/api", ""),
        ("english", "/en/dataset/masks", ""),
    ]


def _take(page: Any, portal: LivePortal, name: str, path: str, wait: str) -> None:
    page.goto(portal.url + path)
    if wait:
        page.wait_for_selector(wait, timeout=30_000)
        page.wait_for_timeout(600)  # the canvas's own fade
    if name.endswith("map"):
        page.locator("#map").scroll_into_view_if_needed()
        page.evaluate("window.scrollTo(0, document.querySelector('.views').offsetTop - 20)")
    _save(page, name)


def _chat(page: Any, portal: LivePortal) -> None:
    page.goto(f"{portal.url}/chat")
    page.fill("#f-text", "花蓮縣有哪些藥局？")
    page.click("form.chat-form button[type=submit]")
    page.wait_for_selector(".chat-you")
    _save(page, "11-chat")


def _stock_map(chromium: Any, url: str) -> None:
    """The map with script, the list and picture without, a public screen, paper, a frame: each at its usual size."""
    town = "area=10015010"
    for name, path, size, options in (
        ("12-stock-map", "/supplies?least=0", (1200, 1150), {}),
        ("13-stock-list", f"/supplies?{town}&least=0", (1200, 1150), {"java_script_enabled": False}),
        ("14-stock-kiosk", f"/supplies/kiosk?{town}&kiosk=1", (1080, 1500), {}),
        ("15-stock-paper", "/supplies/print/10015010", (794, 1123), {}),
        ("16-stock-frame", f"/supplies/widget?{town}", (380, 640), {}),
    ):
        page = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options).new_page()
        page.goto(url + path)
        if "map" in name:
            page.wait_for_selector("#stock-map[data-live]", timeout=30_000)
            page.wait_for_timeout(600)  # the canvas's own fade
        _save(page, name)


def _save(page: Any, name: str) -> None:
    path = OUT / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    assert size <= LARGEST_BYTES, f"{path.name} has {size} bytes"
    print(f"{path.relative_to(ROOT)}  {size:,} bytes")


if __name__ == "__main__":
    raise SystemExit(main())
