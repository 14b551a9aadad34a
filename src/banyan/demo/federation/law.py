"""The law behind the demonstration's exchange: which member may read which fields, for what, by which article.

The articles are real; who is named as agency is invented. Travel history is a power under an order only (law 1).
"""

from __future__ import annotations

from typing import Final

from banyan.demo.agencies.law import CDC_ACT, SUNSET
from banyan.demo.federation import border
from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.policy.bases import LegalBasis, Statute

HOSPITALS: Final = ("TW/MED/H1",)
HEALTH_ACT: Final = {"zh-Hant": "全民健康保險法", "en": "National Health Insurance Act"}
POLICE_ACT: Final = {"zh-Hant": "警察職權行使法", "en": "Police Power Exercise Act"}
RELIEF_ACT: Final = {"zh-Hant": "社會救助法", "en": "Public Assistance Act"}
ORDER: Final = "travel-demo"
ORDER_DAYS: Final = 29

BASES: Final = (
    LegalBasis(
        id=border.BASIS, title={"zh-Hant": "就醫時之旅遊史註記", "en": "Travel flag at a visit"},
        kind="legal-obligation", statute=Statute("L0050001", "31", CDC_ACT), pdpa="16-1",
        operations=("border.travel_flag",), purposes=("012",), categories=("C034",), recipients=HOSPITALS,
        fields=("flag",), valid_from=EpochS(0.0), retention_days=1, sunset=SUNSET, per_subject_per_day=20,
        needs="order", assurance=2,
    ),
    LegalBasis(
        id="NHI-16-card", title={"zh-Hant": "就醫查驗健保卡", "en": "Checking an insurance card at a visit"},
        kind="legal-obligation", statute=Statute("L0060001", "16", HEALTH_ACT), pdpa="16-1",
        operations=("insurance.card_status",), purposes=("031",), categories=("C003",), recipients=HOSPITALS,
        fields=("insured", "copay_waived"), valid_from=EpochS(0.0), retention_days=1, assurance=2,
    ),
    LegalBasis(
        id="NPA-16-missing", title={"zh-Hant": "協尋失蹤人口", "en": "Finding missing persons"},
        kind="official-authority", statute=Statute("D0080145", "16", POLICE_ACT), pdpa="16-3",
        operations=("police.missing_notice",), purposes=("167",), categories=("C011", "C132"), recipients=HOSPITALS,
        fields=("missing", "station"), valid_from=EpochS(0.0), retention_days=1, per_subject_per_day=5, assurance=2,
    ),
    LegalBasis(
        id="CITY-44-relief", title={"zh-Hant": "災害救助查對戶籍", "en": "Household check for relief"},
        kind="official-authority", statute=Statute("D0050078", "44", RELIEF_ACT, "3"), pdpa="16-0",
        operations=("civil.household_record",), purposes=("057",), categories=("C001", "C021", "C031"),
        recipients=("TW/GOV/CITY",), fields=("name", "address", "members"), valid_from=EpochS(0.0),
        retention_days=30, per_subject_per_day=5, assurance=2,
    ),
)  # fmt: skip


async def seed_road_law(gate: Gate) -> None:
    """Register what is missing; again changes nothing."""
    if "powers.register_basis" not in gate.catalogue.operations:
        return
    for basis in BASES:
        await gate.call("powers.register_basis", basis, caller=SYSTEM)


async def seed_order(gate: Gate) -> None:
    """Once in a data folder: two officers of different agencies put the travel flag into force, for a month. When it
    has lapsed nothing renews it: that is the point of an order."""
    now = gate.clock()
    declared = {
        "id": ORDER, "title_zh": "就醫旅遊史註記（示範）", "title_en": "Travel flag at visits (demo)",
        "incident": "2026-11 境外移入", "reason": "示範：境外移入升溫", "bases": (border.BASIS,),
        "start": iso(now), "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=_officer("TW/GOV/CDC"))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=_officer("TW/GOV/NIA"))
    except Conflict:
        return  # it was declared at an earlier start


def _officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")
