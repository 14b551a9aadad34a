"""A visit with travel history in a browser: the power and its sunset, a clinic's page, a record system of another
origin by CDS Hooks, TOCC, what the patient sees, and a contest that immigration decides.

Each stop is told to `take(name, page)`: a test looks at it, a picture can be taken of it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.access.going import entered, pressed
from tests.portal import free_port, until
from tests.story.ration_nation import DRAWN_S, Upped
from tests.story.ration_walk import a_page, main_of, signed_in

from banyan.demo.agencies.people import LIN
from banyan.demo.travel import VISITOR

Take = Callable[[str, Any], None]
RECORDS = re.compile(r"record system of a hospital \(CDS Hooks\): (http://localhost:\d+)")


@contextmanager
def live_visits(data: Path) -> Iterator[Upped]:
    """`./banyan up`, ready when the hospital's record system is."""
    data.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "banyan", "up", "--data", str(data), "--port", str(port)]
    with (data.parent / "up.log").open("w+") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env=os.environ | {"BANYAN_TOKEN": ""}
        )
        upped = Upped(f"http://localhost:{port}", data)
        try:
            until(lambda: bool(records_at(upped)), within_s=DRAWN_S)
            yield upped
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def records_at(nation: Upped) -> str:
    """Where the hospital's record system is; empty until it says so."""
    found = RECORDS.search((nation.data.parent / "up.log").read_text())
    return found[1] if found else ""


def walk(chromium: Any, nation: Upped, take: Take) -> None:
    """The whole of it, in order."""
    power(chromium, nation, take)
    clinic(chromium, nation, take)
    record_system(chromium, nation, take)
    patient = own(chromium, nation, take)
    immigration(chromium, nation, take)
    decided(patient, nation, take)


def power(chromium: Any, nation: Upped, take: Take) -> None:
    """What anybody may know: the order, its end, counts; and the rules as data."""
    page = a_page(chromium)
    page.goto(f"{nation.url}/travel")
    assert "就醫旅遊史勾稽（示範）" in main_of(page)
    take("travel-power", page)
    page.goto(f"{nation.url}/travel/rules")
    assert "demo-isle" in main_of(page)
    assert "2020-wuhan" in main_of(page)
    take("travel-rules", page)


def ask(page: Any, nation: Upped, number: str, state: str = "") -> str:
    """By the keyboard alone, as a card reader does: the number, then Enter."""
    if not page.input_value("#f-reason"):
        page.fill("#f-reason", "發燒就診")
    page.select_option("#f-kind", "passport" if state else "number")
    page.fill("#f-state", state)
    page.focus("#f-person")
    page.keyboard.type(number)
    entered(page)
    assert number not in page.url
    return main_of(page)


def clinic(chromium: Any, nation: Upped, take: Take) -> None:
    """A clinic without a record system; the reason stays for the next patient. Then TOCC."""
    page = signed_in(chromium, nation, "demo.doctor")
    page.goto(f"{nation.url}/travel")
    said = ask(page, nation, LIN)
    assert "註記: 榕嶼、北港灣旅遊史（示範）" in said
    assert "SG" not in said
    take("travel-clinic", page)
    assert "註記: 榕嶼、北港灣旅遊史（示範）" in ask(page, nation, VISITOR.rpartition(":")[2], "JPN")
    assert "檢查碼" in ask(page, nation, "A123456788")
    page.goto(f"{nation.url}/travel/tocc")
    page.fill("#f-visit", "20261123-017")
    page.fill("#f-person", LIN)
    page.check("#f-travel-yes")
    page.fill("#f-travel_words", "榕嶼三天")
    for part in ("occupation", "contact", "cluster"):
        page.check(f"#f-{part}-no")
    pressed(page, "main form button[type=submit]")
    assert "已存入" in main_of(page)
    take("travel-tocc", page)


def record_system(chromium: Any, nation: Upped, take: Take) -> None:
    """Another origin, a signed token, a card; and why it was overridden."""
    page = a_page(chromium)
    page.goto(records_at(nation))
    for name, told in (
        ("demo-0", "旅遊史註記"),
        ("demo-4", "沒有提示卡"),
        ("demo-3", "申訴中"),
        ("demo-2", "曾有註記"),
    ):
        page.click(f"[data-id={name}]")
        page.locator("#cards", has_text=told).wait_for()
    take("travel-record-card", page)
    page.click("#cards button")
    page.locator("#cards", has_text="回饋已送出").wait_for()


def own(chromium: Any, nation: Upped, take: Take) -> Any:
    """The patient sees both looks and what was answered, and says that it is wrong."""
    page = signed_in(chromium, nation, "demo.lin")
    page.goto(f"{nation.url}/travel/mine")
    said = main_of(page)
    assert "發燒就診" in said
    assert "CDS Hooks patient-view" in said
    page.fill("#f-words", "我只轉機，沒有入境。")
    pressed(page, "section[aria-labelledby=now] button")
    assert "已送移民署" in main_of(page)
    take("travel-mine", page)
    page.goto(f"{nation.url}/mydata")
    assert "查詢旅遊史註記" in page.content()
    return page


def immigration(chromium: Any, nation: Upped, take: Take) -> None:
    page = signed_in(chromium, nation, "demo.border")
    page.goto(f"{nation.url}/travel/contests")
    case = page.locator("article", has_text="我只轉機，沒有入境。")
    take("travel-contests", page)
    case.locator("textarea").fill("查證為轉機，未入境。")
    pressed(page, case.locator("button[value=withdraw]"))
    assert "已決定" in main_of(page)


def decided(page: Any, nation: Upped, take: Take) -> None:
    page.goto(f"{nation.url}/travel/mine")
    assert "查證為轉機，未入境。" in main_of(page)
    assert "您沒有註記" in main_of(page)
    take("travel-decided", page)
