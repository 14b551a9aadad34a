"""Show 1 of issue 6 in a browser: a pharmacist sells online and without a network, a citizen asks when she may buy, a
round goes from registration to pickup, a draw is run again by the independent script, an officer shares out, a family
finds its own.

Each stop is told to `take(name, page)`: a test looks at it, `tools/story_tour.py ration` takes its picture.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.access.going import entered, pressed
from tests.portal import until
from tests.story.ration_nation import Upped
from tests.story.road_walk import SHEET

from banyan.demo.agencies.people import LIN
from banyan.demo.rationing import samples
from banyan.epoch import EpochS

Take = Callable[[str, Any], None]
VERIFIER = Path(__file__).parents[2] / "docs/verify-draw.py"
VIEW = {"width": 1200, "height": 900}


def walk(chromium: Any, nation: Upped, take: Take, folder: Path) -> None:
    """The whole of it, in order."""
    ask(chromium, nation, take)
    offline = sell(chromium, nation, take)
    sell_offline(offline, nation, take)
    order(chromium, nation, take)
    draw(chromium, nation, take, folder)
    allocate(chromium, nation, take)
    find(chromium, nation, take)


def a_page(chromium: Any) -> Any:
    return chromium.new_context(locale="zh-TW", timezone_id="Asia/Taipei", viewport=VIEW).new_page()


def signed_in(chromium: Any, nation: Upped, persona: str) -> Any:
    page = a_page(chromium)
    page.goto(f"{nation.url}/openid/login", wait_until="domcontentloaded")
    pressed(page, f"button[value='{persona}']")
    return page


def main_of(page: Any) -> str:
    return str(page.locator("main").inner_text())


def ask(chromium: Any, nation: Upped, take: Take) -> None:
    """On a public screen by pressing, in the chat in one's own words."""
    page = a_page(chromium)
    page.goto(f"{nation.url}/rationing?kiosk=1")
    page.click("text=兒童口罩")
    page.click("text=0–16 歲")
    pressed(page, "text=看我可以買多少")
    assert page.locator("#told").count() == 1
    said = main_of(page)
    assert "現在可以買" in said, said
    take("37-when-kiosk", page)
    chat = a_page(chromium)
    chat.goto(f"{nation.url}/chat")
    chat.fill("main input[name=text][type=text]", "我什麼時候可以買口罩？")
    entered(chat)
    assert "每 14 天最多 9 個" in main_of(chat)
    take("38-when-chat", chat)


def read_card(page: Any, number: str) -> str:
    """As a reader does, then Enter to sell; what the screen answers."""
    page.focus("#f-card")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("#counter-answer:is(.is-sold, .is-refused, .is-problem)")
    return str(page.locator("#counter-answer").inner_text())


def sell(chromium: Any, nation: Upped, take: Take) -> Any:
    """By keys alone; a second time she is told from which day."""
    page = signed_in(chromium, nation, "demo.pharmacist")
    page.goto(f"{nation.url}/rationing/counter", wait_until="domcontentloaded")
    card = other_cards()[0]  # the citizen's own ration is in her order: there is one quota for all channels
    said = read_card(page, card)
    if "今天不販售" in said:  # a Sunday
        take("39-sold", page)
        return page
    assert "成人口罩 9 片" in said, said
    take("39-sold", page)
    page.goto(f"{nation.url}/rationing/counter", wait_until="domcontentloaded")
    said = read_card(page, card)
    assert "起可以買" in said, said
    take("40-not-yet", page)
    return page


def sell_offline(page: Any, nation: Upped, take: Take) -> None:
    """A lease is taken with the network, the network is cut, a sale goes on, and comes home."""
    page.goto(f"{nation.url}/rationing/offline")
    page.click("#offline-enrol button[type=submit]")
    page.wait_for_selector("#offline-desk:not([hidden])")
    page.fill("#offline-take-qty", "90")
    page.keyboard.press("Enter")
    page.wait_for_selector("#offline-sell:not([hidden])")
    until(lambda: page.evaluate("navigator.serviceWorker.ready.then((one) => one.active.state)") == "activated")
    page.context.set_offline(True)
    number = other_cards()[1]
    page.wait_for_selector("#offline-card:focus")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_selector("#offline-said:not([hidden])")
    take("41-sold-offline", page)
    page.context.set_offline(False)
    until(lambda: "已送" in page.inner_text("#offline-last li:first-child"), within_s=90)
    page.locator("#offline-last").scroll_into_view_if_needed()
    take("42-came-home", page)


def other_cards() -> list[str]:
    """Cards of the demonstration whose holders have ordered nothing."""
    return [one.number for one in samples(EpochS(0.0))[:3]]


def order(chromium: Any, nation: Upped, take: Take) -> None:
    """Rounds in public, one's own order with its code, and the store that hands out once."""
    page = a_page(chromium)
    page.goto(f"{nation.url}/rationing/rounds")
    take("43-rounds", page)
    lin = signed_in(chromium, nation, "demo.lin")

    def code() -> str:
        lin.goto(f"{nation.url}/rationing/orders")
        found = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{4,8})\b", main_of(lin))
        return found[1] if found else ""

    pickup = until(code, within_s=120)
    lin.locator("text=" + pickup).first.scroll_into_view_if_needed()
    take("44-my-order", lin)
    store = signed_in(chromium, nation, "demo.store")
    for words, name in (("可以發放", "45-handed-out"), ("已經領過", "")):
        store.goto(f"{nation.url}/rationing/pickup")
        store.fill("#f-code", pickup)
        store.fill("#f-person", LIN)
        pressed(store, "main form button[type=submit]")
        assert words in main_of(store), main_of(store)
        if name:
            take(name, store)
    assert store.locator(".banner-done").count() == 0, "goods are handed out once"


def draw(chromium: Any, nation: Upped, take: Take, folder: Path) -> None:
    """The published draw, and the script that trusts nobody: it holds, and changed it does not."""
    draws = json.loads(nation.get("/api/rationing/draws"))
    id = next(one["draw"] for one in draws if one["state"] == "published")
    page = a_page(chromium)
    page.goto(f"{nation.url}/rationing/draws/{id}")
    take("46-draw", page)
    bundle, ranks = folder / "draw.json", folder / "ranks.csv"
    bundle.write_bytes(nation.get(f"/rationing/draws/{id}/draw.json"))
    ranks.write_bytes(nation.get(f"/rationing/draws/{id}/ranks.csv"))
    holds = ran(bundle, ranks)
    assert holds.startswith("HOLDS: 600 tickets"), holds
    torn = folder / "torn.csv"
    rows = ranks.read_text().splitlines()
    rows[1], rows[2] = rows[2], rows[1]
    torn.write_text("\n".join(rows) + "\n")
    refused = ran(bundle, torn)
    assert refused.startswith("REFUSED"), refused
    lines = (
        ("$ python verify-draw.py draw.json ranks.csv", holds),
        ("$ python verify-draw.py draw.json torn.csv", refused),
    )
    parts = "".join(f"<pre><b>{html.escape(one)}</b>\n{html.escape(out)}</pre><br>" for one, out in lines)
    page.set_content(f"{SHEET}<h1>四十行就能重抽一次 · Anybody can run the draw again</h1>{parts}")
    take("47-draw-verified", page)


def ran(bundle: Path, ranks: Path) -> str:
    command = [sys.executable, str(VERIFIER), str(bundle), str(ranks)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def allocate(chromium: Any, nation: Upped, take: Take) -> None:
    """What each outlet gets tomorrow, and why."""
    page = signed_in(chromium, nation, "demo.supplies")
    page.goto(f"{nation.url}/allocation")
    pressed(page, "main a[href*='/allocation/plans/'] >> nth=0")
    take("48-plan", page)


def find(chromium: Any, nation: Upped, take: Take) -> None:
    """A mother who acts for her child sees where it lies; nobody else does."""
    page = signed_in(chromium, nation, "demo.guardian")
    page.goto(f"{nation.url}/casualties/family")
    assert "榕樹醫院" in main_of(page)
    take("49-family", page)
