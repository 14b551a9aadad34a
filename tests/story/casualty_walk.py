"""A day of the casualty look-up in a browser: two hospitals, a family, the disaster centre, the press, and the end.

Each stop is told to `take(name, page)`: a test looks at it, a picture can be taken of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.access.going import pressed
from tests.story.consent_walk import officer
from tests.story.nation import Nation

from banyan.demo.casualties import seed_drill
from banyan.demo.personas import seed_personas
from banyan.kernel.events.clock import Clock
from banyan.limits_casualties import CASUALTY_DAYS
from banyan.node import Node, open_node
from banyan.service.casualties.parts import SERVICE
from banyan.settings import Settings

Take = Callable[[str, Any], None]
ONLY = Settings(
    services=tuple(
        f"banyan.service.{one}.parts:SERVICE" for one in ("identity", "mydata", "powers", "transparency", "casualties")
    )
)
SHEET = "姓名\t性別\t生日\t身分證字號\t狀況\t轉往\n江小樹\t女\t2001-05-06\t\t急診\t\n高小枝\t女\t2001-13-06\t\t急診\t"
SENT = "姓名\t性別\t生日\t身分證字號\t狀況\t轉往\n江小樹\t女\t2001-05-06\t\t轉院\t福木醫院（示範）"
CAME = "江小树\t女\t2001-05-06\t\t住院"


@asynccontextmanager
async def drilled(folder: Path, clock: Clock) -> AsyncIterator[Node]:
    """The node with the drill and its order."""
    async with open_node(folder, ONLY, clock=clock, is_demo=True) as node:
        await seed_personas(node.persons)
        assert await seed_drill(node.gate) > 200
        yield node


def walk(chromium: Any, nation: Nation, take: Take) -> None:
    """The whole of it, in order."""
    hospitals(chromium, nation, take)
    public(chromium, nation, take)
    family(chromium, nation, take)
    centre(chromium, nation, take)
    protection(chromium, nation, take)
    press_and_end(chromium, nation, take)


def paste(page: Any, nation: Nation, sheet: str) -> str:
    page.goto(f"{nation.url}/casualties/report")
    page.fill("#f-text", sheet)
    pressed(page, "button[value='paste']")
    return str(page.locator("main").inner_text())


def hospitals(chromium: Any, nation: Nation, take: Take) -> None:
    """One enters, is told which cell does not stand, sends on; the other receives: one person."""
    doctor = officer(chromium, nation, "demo.doctor")
    said = paste(doctor, nation, SHEET)
    assert "新增 1 人" in said
    assert "C3 格（生日）" in said
    take("casualty-cell", doctor)
    nation.moved[0] += 3_600
    assert "更新 1 筆" in paste(doctor, nation, SENT)
    nation.moved[0] += 3_600
    nurse = officer(chromium, nation, "demo.nurse")
    assert "由他院轉來 1 人" in paste(nurse, nation, CAME)


def ask(page: Any, nation: Nation, name: str, secret: str, lang: str = "") -> str:
    page.goto(f"{nation.url}{lang}/casualties")
    page.fill("#f-name", name)
    page.fill("#f-secret", secret)
    pressed(page, "main form button[type=submit]")
    return str(page.locator("main").inner_text())


def public(chromium: Any, nation: Nation, take: Take) -> None:
    """Anybody with the full name and the date: masked, and where she is now."""
    page = chromium.new_context(locale="zh-TW", viewport={"width": 1200, "height": 900}).new_page()
    said = ask(page, nation, "江小樹", "90/5/6")
    for word in ("江○樹", "福木醫院", "演習"):
        assert word in said, said
    assert "江小樹" not in said
    take("casualty-public", page)
    assert "沒有可以在這裡告訴您的資料" in ask(page, nation, "江小樹", "90/5/7")
    take("casualty-nobody", page)
    assert "nothing we can tell you" in ask(page, nation, "江%", "90/5/6", "/en")
    page.goto(f"{nation.url}/casualties?kiosk=1")
    take("casualty-kiosk", page)


def family(chromium: Any, nation: Nation, take: Take) -> None:
    """A mother who acts for her child sees ward and telephone; and a sister asks by number."""
    mother = officer(chromium, nation, "demo.guardian")
    mother.goto(f"{nation.url}/casualties/family")
    said = mother.locator("main").inner_text()
    for word in ("我代理的人", "林小榕", "5B-07", "02-0000-1351", "榕樹醫院", "轉院歷程"):
        assert word in said, word
    take("casualty-family", mother)
    sister = officer(chromium, nation, "demo.mother")
    sister.goto(f"{nation.url}/en/casualties/family")
    sister.fill("#f-person", "A123456789")
    sister.fill("#f-name", "林小榕")
    sister.select_option("#f-relation", "parent")
    pressed(sister, "main form button[type=submit]")
    assert "5B-07" in sister.locator("main").inner_text()
    take("casualty-relative", sister)


def centre(chromium: Any, nation: Nation, take: Take) -> None:
    """The disaster centre: a double decided on its evidence, and a chain of transfers with a reason."""
    page = officer(chromium, nation, "demo.rescue")
    page.goto(f"{nation.url}/casualties/staff")
    take("casualty-staff", page)
    assert page.locator("article.card").count() == 5
    before = page.locator("article.card input[name=one]").first.get_attribute("value")
    page.locator("article.card").first.locator("input[name=reason]").fill("兩家醫院都確認")
    pressed(page, page.locator("article.card").first.locator("button[value=merge]"))
    assert "兩筆已合併為一人" in page.locator("main").inner_text()
    assert page.locator("article.card input[name=one]").first.get_attribute("value") != before
    page.fill("#f-find-name", "Chiang Hsiao-shu")
    pressed(page, "button[value=find]")
    take("casualty-found", page)
    page.fill("#found-reason-1", "家屬來電")
    pressed(page, "button[value=chain] >> nth=0")
    said = page.locator("main").inner_text()
    for word in ("江○樹", "榕樹醫院", "福木醫院", "已轉院", "各醫院怎麼寫"):
        assert word in said, word
    take("casualty-chain", page)
    page.fill("#f-record-person", "A123456789")
    page.fill("#f-record-reason", "家屬來電")
    pressed(page, "button[value=record]")
    assert "1990-03-12" in page.locator("main").inner_text()
    take("casualty-record", page)


def protection(chromium: Any, nation: Nation, take: Take) -> None:
    """A hospital hides its patient: to anybody, to the mother too; she herself still sees, and who asked."""
    page = officer(chromium, nation, "demo.rescue")
    page.goto(f"{nation.url}/casualties/staff")
    page.fill("#f-protect-person", "A123456789")
    page.fill("#f-protect-reason", "保護令")
    pressed(page, "section[aria-labelledby=hide] button[value=protect]")
    assert "對外一律查無此人" in page.locator("main").inner_text()
    take("casualty-protected", page)
    mother = officer(chromium, nation, "demo.guardian")
    mother.goto(f"{nation.url}/casualties/family")
    assert "5B-07" not in mother.locator("main").inner_text()
    lin = officer(chromium, nation, "demo.lin")
    lin.goto(f"{nation.url}/casualties/family")
    assert "5B-07" in lin.locator("main").inner_text()
    lin.goto(f"{nation.url}/mydata")
    assert "家屬查詢" in lin.locator("main").inner_text()


def press_and_end(chromium: Any, nation: Nation, take: Take) -> None:
    """The press reads counts; when the days are over there are tombstones and nobody is found."""
    page = chromium.new_context(locale="zh-TW", viewport={"width": 1200, "height": 900}).new_page()
    page.goto(f"{nation.url}/casualties/press")
    assert "榕樹醫院" in page.locator("main").inner_text()
    take("casualty-press", page)
    nation.moved[0] += (CASUALTY_DAYS + 1) * 86_400
    nation.lapse(SERVICE)
    page.goto(f"{nation.url}/en/casualties/press")
    assert "no numbers to show" in page.locator("main").inner_text()
    take("casualty-ended", page)
    assert "沒有可以在這裡告訴您的資料" in ask(page, nation, "江小樹", "90/5/6")
