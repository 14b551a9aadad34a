"""Show 1 of issue 7 in a browser: powers under an order, used, seen by whom they touch, and over when they are over.

A fence that asks before it sends anybody; a warning that two officers release, on every channel; a ship's day ashore,
counted first and named by two agencies; a travel flag at a hospital; an order that ends, and what is left of it.
Each stop is told to `take(name, page)`: a test looks at it, `tools/story_tour.py guard` takes its picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.access.going import pressed
from tests.portal import until
from tests.story import travel_walk
from tests.story.ration_nation import Upped
from tests.story.ration_walk import a_page, main_of, signed_in

from banyan.demo.tracing import DOCK, ORDER

Take = Callable[[str, Any], None]
TAIPEI = timezone(timedelta(hours=8))
SEEDED_S = 240.0
"""The drill's thousand people and the ship's day are written behind the start."""
WATCHED = re.compile(r"受圍籬人數</dt>\s*<dd>1,\d{3}</dd>")
UNDER_WAY = re.compile("傳送中|部分")
"""What a channel's result says while some cells or numbers have it not yet."""


def walk(chromium: Any, nation: Upped, take: Take, folder: Path) -> None:
    """The whole of it, in order."""
    fence(chromium, nation, take)
    warn(chromium, nation, take)
    trace(chromium, nation, take)
    travel(chromium, nation, take)
    over(chromium, nation, take)


def fence(chromium: Any, nation: Upped, take: Take) -> None:
    """She is asked before anybody comes; an officer takes the alarm, sees her for a reason, and closes it."""
    until(lambda: WATCHED.search(nation.get("/fence").decode()), within_s=SEEDED_S)
    page = a_page(chromium)
    page.goto(f"{nation.url}/fence")
    assert "每千人日誤報" in main_of(page)
    take("50-fence-power", page)
    her = signed_in(chromium, nation, "demo.lin")

    def asked() -> bool:
        her.goto(f"{nation.url}/fence/mine")
        return "請回答：您在家嗎？" in main_of(her)

    until(asked, within_s=SEEDED_S)
    take("51-fence-asked", her)
    pressed(her, "button[value=away]")
    officer = signed_in(chromium, nation, "demo.epidemic")

    def handed_on() -> Any:
        officer.goto(f"{nation.url}/fence/duty")
        card = officer.locator("section[aria-labelledby=work] article", has_text="本人說不在家")
        return card.first if card.count() else None

    card = until(handed_on, within_s=SEEDED_S)
    pressed(officer, card.locator("button[value=claim]"))
    mine = officer.locator("section[aria-labelledby=work] article", has_text="本人說不在家").first
    mine.scroll_into_view_if_needed()
    take("52-fence-duty", officer)
    mine.locator("input[name=reason]").fill("本人回覆不在家，聯絡確認")
    pressed(officer, mine.locator("button[value=open_case]"))
    assert officer.locator("#seen").count() == 1, main_of(officer)
    officer.locator("#seen").scroll_into_view_if_needed()
    take("53-fence-timeline", officer)
    mine = officer.locator("section[aria-labelledby=work] article", has_text="本人說不在家").first
    mine.locator("select[name=cause]").select_option("shopping")
    mine.locator("input[name=note]").fill("已返家，說明規定")
    pressed(officer, mine.locator("button[value=close]"))
    her.goto(f"{nation.url}/fence/mine")
    assert "本人回覆不在家，聯絡確認" in main_of(her), "she sees who looked, and why"


def warn(chromium: Any, nation: Upped, take: Take) -> None:
    """Written by one agency with every channel's exact text, released by another's officer, on every screen."""
    author = signed_in(chromium, nation, "demo.rescue")
    author.goto(f"{nation.url}/alerts/desk/new")
    author.fill("#f-areas", "花蓮縣花蓮市")
    pressed(author, author.locator("main form button").last)
    assert "手機細胞廣播" in main_of(author), main_of(author)
    take("54-alert-preview", author)
    pressed(author, "button[value=propose]")
    address = author.url
    second = signed_in(chromium, nation, "demo.epidemic")
    second.goto(address)
    second.check("#f-sure")
    pressed(second, "button[value=release]")

    def sent() -> bool:
        second.goto(address)
        return not UNDER_WAY.search(second.locator("table").first.inner_text())

    until(sent, within_s=60)
    take("55-alert-sent", second)
    page = a_page(chromium)
    page.goto(f"{nation.url}/alerts")
    assert "花蓮縣花蓮市" in main_of(page)
    take("56-alert-public", page)
    page.goto(f"{nation.url}/alerts/phones")
    take("57-alert-phones", page)


def trace(chromium: Any, nation: Upped, take: Take) -> None:
    """A ship's guests at the dock; counts first; another agency lets the contacts be told."""
    officer = signed_in(chromium, nation, "demo.epidemic")
    officer.goto(f"{nation.url}/tracing/desk")
    day = datetime.now(TAIPEI).date() - timedelta(days=1)
    for name, value in (
        ("lon", str(DOCK[0])), ("lat", str(DOCK[1])), ("start", f"{day}T06:00"), ("end", f"{day}T17:30"),
        ("reason", "郵輪旅客登岸"),
    ):  # fmt: skip
        officer.fill(f"#f-{name}", value)
    pressed(officer, "button[value=ask]")
    assert officer.locator("#found").count() == 1, main_of(officer)
    officer.evaluate("document.querySelector('#found').scrollIntoView()")
    take("58-trace-counted", officer)
    other = signed_in(chromium, nation, "demo.border")
    other.goto(f"{nation.url}/tracing/desk")
    pressed(other, "button[value=release]")
    take("59-trace-released", other)


def travel(chromium: Any, nation: Upped, take: Take) -> None:
    """A hospital's record system is told one flag; the patient sees the look and contests it."""
    names = {"travel-record-card": "60-travel-card", "travel-mine": "61-travel-mine"}

    def some(name: str, page: Any) -> None:
        if name in names:
            if name == "travel-record-card":
                page.locator("#cards").scroll_into_view_if_needed()
            take(names[name], page)

    until(lambda: bool(travel_walk.records_at(nation)), within_s=SEEDED_S)
    travel_walk.clinic(chromium, nation, some)
    travel_walk.record_system(chromium, nation, some)
    travel_walk.own(chromium, nation, some)


def over(chromium: Any, nation: Upped, take: Take) -> None:
    """The order is ended; the next question is refused, and a receipt says what was destroyed."""
    officer = signed_in(chromium, nation, "demo.epidemic")
    officer.goto(f"{nation.url}/powers/orders/{ORDER}")
    officer.check("#f-sure")
    pressed(officer, "button[value=end]")
    officer.goto(f"{nation.url}/tracing/desk")
    assert "沒有生效中的命令" in main_of(officer) or "目前沒有命令" in main_of(officer)
    take("62-trace-over", officer)

    def destroyed() -> bool:
        officer.goto(f"{nation.url}/powers/orders/{ORDER}")
        return bool(re.search("銷毀", main_of(officer)))

    until(destroyed, within_s=90)
    take("63-keys-destroyed", officer)
