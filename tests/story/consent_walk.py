"""Show 1 in a browser: consent, use, withdrawal; a refusal with its reason; an order from declaration to deletion.

Each stop is told to `take(name, page)`: a test looks at it, `tools/story_tour.py consent` takes its picture.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests.access.going import pressed
from tests.service.identity.test_passkeys import an_authenticator
from tests.story.nation import Nation

from banyan.demo.agencies.people import LIN
from banyan.kernel.identity.openid import records, signing_in

Take = Callable[[str, Any], None]
TAIPEI = timezone(timedelta(hours=8))
PLACE, TELEPHONE = "花蓮縣花蓮市檢疫路99號", "0912-000-999"
TERM_S = 3_600


def walk(chromium: Any, nation: Nation, take: Take, folder: Path) -> None:
    """The whole of it, in order."""
    citizen = chromium.new_context(locale="zh-TW", viewport={"width": 1200, "height": 900}).new_page()
    enrol(citizen, nation)
    consent(citizen, nation, take)
    see_the_use(citizen, nation, take)
    withdraw(citizen, nation, take)
    refused(chromium, nation, take)
    order(chromium, nation, take, folder)


def enrol(page: Any, nation: Nation) -> None:
    """A passkey of their own, by the code that a counter gave; then they are signed out."""

    async def code() -> str:
        account = await nation.node.persons.store.read(lambda tx: records.account_by_name(tx, "demo.lin"))
        assert account is not None
        return await signing_in.enrolment_code(nation.node.persons, account)

    an_authenticator(page)
    page.goto(f"{nation.url}/openid/enrol")
    page.fill("#f-name", "demo.lin")
    page.fill("#f-code", nation.do(code()))
    pressed(page, "main button[type=submit]")
    pressed(page, "form[data-passkey] button")
    assert page.url.endswith("/openid/login")


def consent(page: Any, nation: Nation, take: Take) -> None:
    page.goto(nation.loan)
    take("17-loan-app", page)
    pressed(page, "button")
    take("18-sign-in", page)
    pressed(page, "form[data-passkey] button")
    assert "/mydata/consents/" in page.url
    said = page.inner_text("main")
    assert "684000" in said, "the values are shown before anything is let out"
    assert "榕樹貸款" in said
    take("19-consent-preview", page)
    pressed(page, "button[value=give]")
    assert page.url == f"{nation.loan}/"
    assert "684000" in page.inner_text("main")
    take("20-loan-read", page)


def see_the_use(page: Any, nation: Nation, take: Take) -> None:
    nation.publish()
    page.goto(f"{nation.url}/mydata")
    row = page.locator("table tbody tr", has_text="薪資").first.inner_text()
    assert "個人資料保護法" in row
    assert page.locator("table a[href^='/mydata/receipt/']").count() > 0
    page.locator("#uses").scroll_into_view_if_needed()
    page.evaluate("window.scrollTo(0, document.querySelector('#consents').offsetTop - 20)")
    take("21-my-data", page)


def withdraw(page: Any, nation: Nation, take: Take) -> None:
    pressed(page, "button[value=withdraw]")
    assert "已撤回" in page.inner_text("main")
    take("22-withdrawn", page)
    page.goto(nation.loan)
    pressed(page, "form[action='/check'] button")
    assert page.locator(".bad").count()
    said = page.inner_text("main")
    assert "(401)" in said, said
    assert "684000" not in said
    take("23-loan-refused", page)


def officer(chromium: Any, nation: Nation, persona: str, *, lang: str = "zh-TW") -> Any:
    """A page of an officer who signed in."""
    page = chromium.new_context(locale=lang, viewport={"width": 1200, "height": 900}).new_page()
    page.goto(f"{nation.url}/openid/login")
    pressed(page, f"button[value='{persona}']")
    return page


def refused(chromium: Any, nation: Nation, take: Take) -> None:
    """The disease control officer has no basis to read the household register, and is told so in both languages."""
    page = officer(chromium, nation, "demo.epidemic")
    for lang, words, name in (
        ("", "沒有任何法律依據", "24-refused"),
        ("/en", "no registered legal basis", "25-refused-en"),
    ):
        page.goto(f"{nation.url}{lang}/operations/civil.household_record")
        page.fill("#f-person", LIN)
        pressed(page, "main form button[type=submit]")
        said = page.inner_text("main")
        assert words in said, said
        assert LIN not in page.url
        assert "林小榕" not in said
        take(name, page)


def order(chromium: Any, nation: Nation, take: Take, folder: Path) -> None:
    """Declared by one agency, approved by another, used with a reason, lapsed, its data gone, the receipt checked."""
    cdc = officer(chromium, nation, "demo.epidemic")
    now = datetime.fromtimestamp(nation.node.gate.clock(), TAIPEI)
    cdc.goto(f"{nation.url}/powers/declare")
    for name, value in (
        ("id", "2026-quarantine-1"),
        ("title_zh", "返國旅客居家檢疫"),
        ("title_en", "Home quarantine of travellers"),
        ("incident", "2026-11"),
        ("reason", "境外移入病例增加"),
        ("start", (now - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")),
        ("until", (now + timedelta(seconds=TERM_S)).strftime("%Y-%m-%dT%H:%M")),
    ):
        cdc.fill(f"#f-{name}", value)
    cdc.check("input[value=CDC-48-quarantine]")
    pressed(cdc, "main form button[type=submit]")
    assert "/powers/orders/2026-quarantine-1" in cdc.url
    take("26-order-declared", cdc)
    use(cdc, nation)
    assert "命令" in cdc.inner_text("main"), "not in force until another agency approves"
    border = officer(chromium, nation, "demo.border")
    border.goto(f"{nation.url}/powers/orders/2026-quarantine-1")
    pressed(border, "button[value=approve]")
    take("27-order-approved", border)
    use(cdc, nation)
    assert PLACE in cdc.inner_text("main"), cdc.inner_text("main")
    cdc.locator("#answer").scroll_into_view_if_needed()
    take("28-order-used", cdc)
    look(cdc, nation)
    assert TELEPHONE in cdc.inner_text("main")

    nation.moved[0] += TERM_S + 60
    nation.lapse()
    look(cdc, nation)
    assert TELEPHONE not in cdc.inner_text("main")
    take("29-order-lapsed", cdc)
    nation.publish()
    reader = chromium.new_context(locale="zh-TW", viewport={"width": 1200, "height": 900}).new_page()
    reader.goto(f"{nation.url}/powers")
    link = reader.locator("a[href$='/powers/orders/2026-quarantine-1/receipt']")
    receipt = folder / "deletion.tlog-proof"
    with reader.expect_download() as download:
        link.click()
    receipt.write_bytes(Path(download.value.path()).read_bytes())
    reader.locator("#over").scroll_into_view_if_needed()
    take("30-order-over", reader)
    said = verified(nation, receipt)
    assert "成立 HOLDS: 一次刪除" in said
    assert "2026-quarantine-1" in said
    torn = folder / "torn.tlog-proof"
    whole = receipt.read_text()
    at = whole.index("extra ") + 40
    torn.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :])
    assert "DOES NOT HOLD" in verified(nation, torn), "one changed letter, and it is refused"


def use(page: Any, nation: Nation) -> None:
    page.goto(f"{nation.url}/operations/quarantine.note")
    for name, value in (
        ("person", LIN),
        ("until", "2026-12-06"),
        ("place", PLACE),
        ("telephone", TELEPHONE),
        ("reason", "返國當日登記，需要送餐與關懷"),
    ):
        page.fill(f"#f-{name}", value)
    pressed(page, "main form button[type=submit]")


def look(page: Any, nation: Nation) -> None:
    page.goto(f"{nation.url}/operations/quarantine.stay")
    page.fill("#f-person", LIN)
    page.fill("#f-reason", "每日關懷")
    pressed(page, "main form button[type=submit]")


def verified(nation: Nation, receipt: Path) -> str:
    """What `./banyan verify` says, in a process that asks nobody."""
    keys = receipt.with_suffix(".vkeys")
    keys.write_text("\n".join(nation.node.lawful.keys.vkeys) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "banyan", "verify", str(receipt), "--keys", str(keys)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + re.sub(r"\s+", " ", done.stderr)
