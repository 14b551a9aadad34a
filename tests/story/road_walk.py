"""Show 1 of issue 5: a hospital asks immigration for a travel flag through two gateways, by curl and by `requests`;
without a grant, a purpose or an order it is refused with the reason; the citizen sees it; the proofs hold offline.

Each stop is told to `take(name, page)`: a test looks at it, `tools/story_tour.py road` takes its picture.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.access.going import pressed
from tests.story.road_nation import RoadNation

from banyan.demo.agencies.people import LIN
from banyan.kernel.identity.caller import Caller

Take = Callable[[str, Any], None]
CURL = shutil.which("curl") or "curl"
PEERS = Path(__file__).parents[2] / ".venv-peers/bin/python"
FLAG = "/r1/TW/GOV/NIA/border/flag"
CLIENT = "TW/MED/H1/emergency"
REQUESTS = """
import sys, requests
session = requests.Session()
session.trust_env = False
reply = session.post(sys.argv[1], json={"person": sys.argv[2], "reason": "急診發燒"},
                     headers={"X-Road-Client": sys.argv[3], "X-Banyan-Purpose": "012", "X-Road-Id": "visit-2"})
print(reply.status_code, reply.text, reply.headers["X-Road-Request-Id"])
"""
SHEET = """<!doctype html><html lang="zh-Hant"><meta charset="utf-8"><title>terminal</title>
<style>body{margin:0;background:#10231c;color:#e8f3ec;font:16px/1.5 "Noto Sans Mono CJK TC",monospace;padding:28px}
h1{font-size:20px;margin:0 0 16px;color:#9fd8b8}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
b{color:#ffd479;font-weight:400}</style>"""


class Said(msgspec.Struct, frozen=True):
    """A command as somebody types it, and what it printed."""

    shown: str
    out: str


def walk(chromium: Any, nation: RoadNation, take: Take, folder: Path) -> None:
    """The whole of it, in order."""
    border = officer(chromium, nation, "demo.border")
    nation.do(end_seeded(nation))
    refused = curl(nation, purpose="012")
    assert "no grant" in refused.out, refused
    propose(border, nation, take)
    approve(officer(chromium, nation, "demo.border2"), nation, take)
    ask(chromium, nation, refused, take)
    console(border, nation, take)
    receipt = see_the_use(chromium, nation, take, folder)
    prove(chromium, nation, take, receipt)


def curl(nation: RoadNation, *, purpose: str, id: str = "visit-1", client: str = CLIENT) -> Said:
    body = json.dumps({"person": LIN, "reason": "急診發燒"}, ensure_ascii=False)
    fields = ("-H", f"X-Road-Client: {client}", "-H", f"X-Road-Id: {id}", "-H", f"X-Banyan-Purpose: {purpose}", "-H",
              "Content-Type: application/json")  # fmt: skip
    out = ran(CURL, "--silent", "--show-error", *fields, "-d", body, nation.edge + FLAG)
    shown = [
        f"$ curl -H 'X-Road-Client: {client}' -H 'X-Banyan-Purpose: {purpose}'",
        f"-d '{body}'",
        nation.edge + FLAG,
    ]
    return Said(" \\\n    ".join(shown), out)


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


async def end_seeded(nation: RoadNation) -> None:
    """The demonstration's own grant goes, so that officers give it in front of everybody."""
    nia = Caller("officer", "walk", agency="TW/GOV/NIA", assurance="aal2")
    gate = nation.three.nodes["immigration"].gate
    for one in await gate.call("exchange.grants", {}, caller=nia):
        if one.is_own:
            await gate.call("exchange.end_grant", {"id": one.id}, caller=nia)


def officer(chromium: Any, nation: RoadNation, persona: str) -> Any:
    """A page of somebody who signed in at immigration's portal."""
    page = chromium.new_context(locale="zh-TW", viewport={"width": 1200, "height": 900}).new_page()
    page.goto(f"{nation.url}/openid/login")
    pressed(page, f"button[value='{persona}']")
    return page


def propose(page: Any, nation: RoadNation, take: Take) -> None:
    page.goto(f"{nation.url}/exchange/grants")
    page.select_option("#f-service", "TW/GOV/NIA/border/flag")
    page.select_option("#f-client", CLIENT)
    page.select_option("#f-purpose", "012")
    page.select_option("#f-basis", "travel-flag")
    page.select_option("#f-priority", "crisis")
    page.fill("#f-until", "2027-05-31")
    page.locator("#propose").scroll_into_view_if_needed()
    take("31-grant-form", page)
    pressed(page, "main form:last-of-type button[type=submit]:not([name])")
    said = page.inner_text("main")
    assert "等待核可" in said
    assert "另一位承辦人員核可" in said


def approve(page: Any, nation: RoadNation, take: Take) -> None:
    page.goto(f"{nation.url}/exchange/grants")
    take("32-grant-proposed", page)
    pressed(page, "button[value=approve]")
    assert "生效中" in page.inner_text("main")


def ask(chromium: Any, nation: RoadNation, before: Said, take: Take) -> None:
    answered = curl(nation, purpose="012")
    (mark,) = json.loads(answered.out)["marks"]
    assert (mark["rule"], mark["state"]) == ("demo-isle", "now")
    assert "XA" not in answered.out, "never where it went"
    denied = curl(nation, purpose="157", id="visit-3")
    assert json.loads(denied.out)["type"] == "Server.ServerProxy.AccessDenied"
    by_requests = ran(str(PEERS), "-c", REQUESTS, nation.edge + FLAG, LIN, CLIENT)
    assert by_requests.startswith("200 ")
    lines = [
        ("授權之前 Before the grant", before),
        ("授權之後 With it", answered),
        ("另一個目的 Another purpose", denied),
    ]
    sheet(
        chromium, "醫院經兩座閘道問移民署 · A hospital asks immigration through two gateways", lines, take, "33-asked"
    )


def console(page: Any, nation: RoadNation, take: Take) -> None:
    page.goto(f"{nation.url}/exchange")
    said = page.inner_text("main")
    for words in ("目前沒有需要處理的事", "Server.ServerProxy.AccessDenied", "TW/MED/H1/emergency", "最新"):
        assert words in said, (words, said)
    assert LIN not in page.content(), "whom a call was about stands nowhere"
    take("34-console", page)


def see_the_use(chromium: Any, nation: RoadNation, take: Take, folder: Path) -> Path:
    """The citizen's list has the hospital by its name, and the receipt to take away."""
    nation.publish()
    page = officer(chromium, nation, "demo.lin")
    page.goto(f"{nation.url}/mydata")
    said = page.inner_text("main")
    for words in ("榕樹醫院（示範）", "旅遊史註記", "傳染病防治法第 31 條"):
        assert words in said, (words, said)
    page.evaluate("window.scrollTo(0, document.querySelector('#uses').getBoundingClientRect().top + scrollY - 20)")
    take("35-usage", page)
    receipt = folder / "use.tlog-proof"
    with page.expect_download() as download:
        page.locator("a[href^='/mydata/receipt/']").first.click()
    receipt.write_bytes(Path(download.value.path()).read_bytes())
    return receipt


def prove(chromium: Any, nation: RoadNation, take: Take, receipt: Path) -> None:
    """By processes that ask nobody: the receipt holds, a changed one does not; the two message logs agree."""
    node = nation.three.nodes["immigration"]
    keys = receipt.with_suffix(".vkeys")
    keys.write_text("\n".join(node.lawful.keys.vkeys) + "\n")
    holds = banyan("verify", str(receipt), "--keys", str(keys))
    assert "成立 HOLDS" in holds, holds
    torn = receipt.with_name("torn.tlog-proof")
    whole = receipt.read_text()
    at = whole.index("extra ") + 40
    torn.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :])
    fails = banyan("verify", str(torn), "--keys", str(keys))
    assert "DOES NOT HOLD" in fails, fails
    logs = [str(nation.three.folder / name / "road/messages/log") for name in ("hospital", "immigration")]
    audited = banyan("audit", "--slack=-3600", *logs)
    assert "2" in audited, audited
    doctor = banyan("exchange", "doctor", "--data", str(nation.three.folder / "hospital"))
    assert "Everything is well." in doctor, doctor
    lines = [
        ("", Said("$ ./banyan verify use.tlog-proof --keys nia.vkeys", holds)),
        ("改一個字 One letter changed", Said("$ ./banyan verify torn.tlog-proof --keys nia.vkeys", fails)),
        ("", Said("$ ./banyan exchange doctor", doctor)),
    ]
    sheet(chromium, "不必相信誰，自己驗證 · Checked offline, trusting nobody", lines, take, "36-proved")


def banyan(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "banyan", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + re.sub(r"\s+", " ", done.stderr)


def sheet(chromium: Any, title: str, lines: Sequence[tuple[str, Said]], take: Take, name: str) -> None:
    """What was typed and printed, as a page to take a picture of."""
    page = chromium.new_context(viewport={"width": 1200, "height": 900}).new_page()
    parts = [SHEET, f"<h1>{html.escape(title)}</h1><pre>"]
    for about, said in lines:
        parts.append((f"# {html.escape(about)}\n" if about else "") + f"<b>{html.escape(said.shown)}</b>\n")
        parts.append(html.escape(said.out.strip()) + "\n\n")
    page.set_content("".join(parts) + "</pre></html>")
    take(name, page)
