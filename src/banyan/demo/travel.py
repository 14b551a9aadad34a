"""Travel history of the demonstration nation: the law, an order, rules, and people whose stays are flagged, just over,
contested, or nobody's business. Nobody is real.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any, Final

import msgspec

from banyan.demo.agencies.people import LIN, people
from banyan.demo.outlets import SEED
from banyan.errors import Conflict, Denied
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.travel.law import FLAG, duty_bases, flag_basis, tocc_basis
from banyan.service.travel.rules import day_of

ORDER: Final = "travel-history-demo"
ORDER_DAYS: Final = 29
HOSPITALS: Final = ("TW/MED/H1", "TW/MED/H2")
CDC, NIA, NHI = "TW/GOV/CDC", "TW/GOV/NIA", "TW/GOV/NHI"
AREAS: Final = ("XA", "XB", "IT", "JP", "KR", "SG", "TH", "US")
TRAVELLERS: Final = 40
VISITOR: Final = "P:JPN:TR1234567"
RULE: Final = "demo-isle"


class Case(msgspec.Struct, frozen=True):
    """Somebody at the demonstration's hospital, and what will be told of them."""

    papers: tuple[str, ...]
    name: str
    name_en: str
    stays: tuple[tuple[str, int], ...]
    """(area, how many days ago it ended)."""


def cases() -> tuple[Case, ...]:
    """Those whom the record system's page shows. The first is the persona who signs in as a citizen."""
    known = people()[3:8]
    flagged, over, contested, quiet, managed = (one.number for one in known)
    names = [str(one.household.name) for one in known]
    return (
        Case((LIN,), "林小榕", "Lin Hsiao-jung", (("XA", 5), ("SG", 20))),
        Case((flagged, "P:TWN:300000001"), names[0], "Flagged by Italy", (("IT", 2),)),
        Case((over,), names[1], "Window just over", (("XB", 24),)),
        Case((contested,), names[2], "Contested", (("XA", 8),)),
        Case((quiet,), names[3], "Travelled, not flagged", (("US", 3), ("JP", 30))),
        Case((managed,), names[4], "Self-health management", (("TW-SHM", 10),)),
        Case((VISITOR,), "山田花子", "A visitor by passport", (("XB", 1),)),
    )


def rules(day: date) -> tuple[dict[str, Any], ...]:
    """Disease control's, begun a month before the first start."""
    since = (day - timedelta(days=30)).isoformat()
    return (
        {"id": RULE, "zh": "榕嶼、北港灣旅遊史（示範）", "en": "Banyan Isle and North Bay (demo)",
         "areas": ("XA", "XB"), "since": since, "days": 21, "after_days": 9, "cite": "XA and XB are nobody's codes."},
        {"id": "demo-italy", "zh": "義大利旅遊史（示範）", "en": "Italy (demo)", "areas": ("IT",), "since": since,
         "days": 14},
        {"id": "demo-self-health", "zh": "自主健康管理（示範）", "en": "Self-health management (demo)",
         "areas": ("TW-SHM",), "since": since, "days": 14, "after_days": 16},
    )  # fmt: skip


async def seed_travel(gate: Gate, *, subject: Callable[[str], bytes]) -> int:
    """Once in a data folder; how many people were delivered. `subject` names a person to policy and ledger. What lapsed
    is not renewed by a start."""
    operations = gate.catalogue.operations
    if "travel.flag" not in operations or "powers.register_basis" not in operations:
        return 0
    duties = duty_bases(delivers=(NIA,), links=(NHI,), rules=(CDC,))
    for basis in (flag_basis(HOSPITALS), tocc_basis(HOSPITALS), *duties):
        await gate.call("powers.register_basis", basis, caller=SYSTEM)
    known = await gate.call("travel.rules", {}, caller=SYSTEM)
    if any(one.rule.id == RULE for one in known) or not await _order(gate):
        return 0
    today = day_of(gate.clock())
    for rule in rules(today):
        await gate.call("travel.set_rule", rule, caller=officer(CDC))
    arrivals = [_arrival(one.papers, one.stays, today) for one in (*cases(), *_others())]
    try:
        await gate.call("travel.arrive", {"arrivals": arrivals}, caller=officer(NIA))
        await gate.call("travel.link", {"persons": [one.papers for one in cases()]}, caller=officer(NHI))
    except Denied:
        return 0
    await _contest(gate, subject)
    return len(arrivals)


def officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")


async def _contest(gate: Gate, subject: Callable[[str], bytes]) -> None:
    """One of them says that the flag is wrong."""
    whose = subject(cases()[3].papers[0]).hex()
    person = Caller("citizen", "demo-contest", channel="system", assurance="aal2", subject=whose)
    asked = {"rule": RULE, "words": "我只在榕嶼轉機，沒有入境；請查 11 月的 BY101 航班。"}
    await gate.call("travel.contest", asked, caller=person)


async def _order(gate: Gate) -> bool:
    """False when it was declared at an earlier start."""
    now = gate.clock()
    declared: dict[str, Any] = {
        "id": ORDER, "title_zh": "就醫旅遊史勾稽（示範）", "title_en": "Travel history at visits (demo)",
        "incident": "2026-11 境外移入", "reason": "示範：境外移入升溫", "bases": (FLAG,),
        "start": iso(now), "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=officer(CDC))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=officer(NIA))
    except Conflict:
        return False
    return True


def _others() -> list[Case]:
    """More travellers, so that counts are not small."""
    random = Random(f"{SEED}-travel")  # noqa: S311 - invented data
    return [
        Case((one.number,), str(one.household.name), "", tuple(
            (random.choice(AREAS), random.randint(1, 60)) for _ in range(random.randint(1, 3))
        ))
        for one in people()[20 : 20 + TRAVELLERS]
    ]  # fmt: skip


def _arrival(papers: tuple[str, ...], stays: tuple[tuple[str, int], ...], today: date) -> dict[str, Any]:
    said = [{"area": area, "until": (today - timedelta(days=ago)).isoformat()} for area, ago in stays]
    return {"papers": papers, "stays": said}
