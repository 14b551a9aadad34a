"""The demonstration's law: legal bases of its registers, what they offer by consent, and who wants it for what.

The articles are real; who is named as agency or lender is invented. Everything goes through the operations that a real
administrator, officer or app uses.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from banyan.demo.agencies.quarantine import BASIS
from banyan.errors import Conflict
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.policy.bases import LegalBasis, Statute

LENDER: Final = "TW/COM/LOAN"
PURPOSE: Final = "loan-check"
BROAD: Final = "loan-broad"
"""A lender's wish for more than others need: the citizen is told so before they agree."""
NEEDED: Final = ("year", "wages")
INCOME: Final = ("year", "wages", "interest", "rent", "total", "employer", "dependants")
HOUSEHOLD: Final = ("name", "birth_date", "address", "household", "head", "members", "registered_since")
SUNSET: Final = EpochS(1_924_963_199.0)
"""2030-12-31T15:59:59Z, the end of that year in Taiwan."""
PDPA: Final = {"zh-Hant": "個人資料保護法", "en": "Personal Data Protection Act"}
HOUSEHOLD_ACT: Final = {"zh-Hant": "戶籍法", "en": "Household Registration Act"}
CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}

BASES: Final = (
    LegalBasis(
        id="own-household", title={"zh-Hant": "本人查閱戶籍資料", "en": "Seeing one's own household record"},
        kind="legal-obligation", statute=Statute("I0050021", "10", PDPA), pdpa="16-1",
        operations=("civil.household_record",), purposes=("015",), categories=("C001", "C011", "C021", "C031"),
        recipients=("*",), fields=HOUSEHOLD, valid_from=EpochS(0.0), retention_days=1, needs="self", assurance=1,
    ),
    LegalBasis(
        id="own-income", title={"zh-Hant": "本人查閱所得資料", "en": "Seeing one's own income"},
        kind="legal-obligation", statute=Statute("I0050021", "10", PDPA), pdpa="16-1",
        operations=("tax.income",), purposes=("120",), categories=("C038", "C068", "C081"),
        recipients=("*",), fields=INCOME, valid_from=EpochS(0.0), retention_days=1, needs="self", assurance=1,
    ),
    LegalBasis(
        id="loan-consent", title={"zh-Hant": "當事人同意之授信審核", "en": "Credit check by consent"},
        kind="consent", statute=Statute("I0050021", "16", PDPA), pdpa="16-7",
        operations=("tax.income",), purposes=("088",), categories=("C038", "C068", "C081"),
        recipients=("*",), fields=INCOME, valid_from=EpochS(0.0), retention_days=90, needs="consent", assurance=2,
    ),
    LegalBasis(
        id="registrar-duty", title={"zh-Hant": "戶政人員查對戶籍", "en": "A registrar's check of the register"},
        kind="official-authority", statute=Statute("D0030006", "67", HOUSEHOLD_ACT), pdpa="16-0",
        operations=("civil.household_record",), purposes=("015",), categories=("C001", "C011", "C021", "C031"),
        recipients=("TW/GOV/DISTRICT",), fields=("name", "birth_date", "address", "household"),
        valid_from=EpochS(0.0), retention_days=30, per_subject_per_day=5, assurance=2,
    ),
    LegalBasis(
        id=BASIS, title={"zh-Hant": "居家檢疫", "en": "Home quarantine"},
        kind="legal-obligation", statute=Statute("L0050001", "48", CDC_ACT), pdpa="16-1",
        operations=("quarantine.*",), purposes=("012",), categories=("C001", "C031", "C034", "C111"),
        recipients=("TW/GOV/CDC",), fields=("until", "place", "telephone", "symptoms"), valid_from=EpochS(0.0),
        retention_days=28, sunset=SUNSET, per_subject_per_day=20, needs="order", relief="6-1-2", assurance=2,
    ),
)  # fmt: skip
OFFER: Final = {
    "id": "tax-income", "operation": "tax.income", "title_zh": "年度所得", "title_en": "Income of a year",
    "content_zh": "最近一個核定年度的各類所得、扣繳單位與扶養人數。",
    "content_en": "The newest assessed year: kinds of income, who paid it, dependants.",
    "fields": INCOME, "most_days": 90,
}  # fmt: skip


class Lender(msgspec.Struct, frozen=True):
    """Who wants income for lending; all invented."""

    agency: str
    purpose: str
    zh: str
    en: str
    fields: tuple[str, ...] = NEEDED
    more: tuple[str, ...] = ()
    days: int = 30


LENDERS: Final = (
    Lender(LENDER, PURPOSE, "榕樹貸款（示範）", "Banyan Loans (demo)"),
    Lender("TW/COM/BANK-A", "bank-a-loan", "甲銀行（示範）", "Bank A (demo)", more=("total",)),
    Lender("TW/COM/BANK-B", "bank-b-loan", "乙銀行（示範）", "Bank B (demo)"),
    Lender("TW/COM/BANK-C", "bank-c-loan", "丙農會（示範）", "Farmers' Association C (demo)"),
    Lender("TW/COM/BROAD", BROAD, "什麼都要貸款（示範）", "Ask-It-All Loans (demo)",
           fields=(*NEEDED, "rent", "employer", "dependants")),
)  # fmt: skip


async def seed_law(gate: Gate) -> None:
    """Register what is missing; again changes nothing. On a node without the services of the law nothing is done."""
    known = gate.catalogue.operations
    if not {"powers.register_basis", "mydata.declare_purpose", "tax.income"} <= known.keys():
        return
    for basis in BASES:
        await gate.call("powers.register_basis", basis, caller=SYSTEM)
    await _once(gate, "mydata.declare_service", OFFER, "TW/GOV/TAX")
    for one in LENDERS:
        wanted = {
            "id": one.purpose, "declaration": "tax-income", "name_zh": one.zh, "name_en": one.en, "purpose": "088",
            "text_zh": "核對所得，評估小額貸款", "text_en": "To check the income for a small loan",
            "fields": one.fields, "more": one.more, "days": one.days, "per_day": 5, "retention_days": 30,
        }  # fmt: skip
        await _once(gate, "mydata.declare_purpose", wanted, one.agency)


async def _once(gate: Gate, operation: str, request: dict[str, Any], agency: str) -> None:
    """As an officer of the agency; what is declared already stays."""
    officer = Caller("officer", "demo-seed", channel="system", agency=agency, assurance="aal2")
    try:
        await gate.call(operation, request, caller=officer)
    except Conflict as conflict:
        if conflict.kind != "consent-taken":
            raise
