"""Who takes part in the demonstration's exchange: each agency a member with one subsystem, and what it offers to whom.

The same list makes `./banyan up` (one process hosts all) and `./banyan up --federation` (three).
"""

from __future__ import annotations

from typing import Final

import msgspec

INSTANCE: Final = "TW"


class Offered(msgspec.Struct, frozen=True):
    """A service code and the operation that answers it."""

    code: str
    operation: str


class Member(msgspec.Struct, frozen=True):
    """`id` is INSTANCE/CLASS/MEMBER; `node` which of the three processes hosts it."""

    id: str
    subsystem: str
    name: str
    name_en: str
    node: str
    offers: tuple[Offered, ...] = ()

    @property
    def client(self) -> str:
        return f"{self.id}/{self.subsystem}"


class Granted(msgspec.Struct, frozen=True):
    """Who may ask which service, for which purposes, on which basis of the register (empty: no personal data)."""

    client: str
    service: str
    purpose: str
    basis: str = ""
    priority: str = "normal"
    per_minute: int = 600


MEMBERS: Final = (
    Member("TW/MED/H1", "emergency", "榕樹醫院（示範）", "Banyan Hospital (demo)", "hospital"),
    Member(
        "TW/GOV/NIA", "border", "移民署（示範）", "Immigration (demo)", "immigration",
        (Offered("travel-flag", "border.travel_flag"),),
    ),
    Member(
        "TW/GOV/CDC", "epidemic", "疾管署（示範）", "Disease control (demo)", "centre",
        (Offered("travel-rule", "epidemic.travel_rule"), Offered("epidemic", "epidemic")),
    ),
    Member(
        "TW/GOV/NHI", "insurance", "健保署（示範）", "Health insurance (demo)", "centre",
        (Offered("card-status", "insurance.card_status"),),
    ),
    Member(
        "TW/GOV/NPA", "notices", "警政署（示範）", "Police (demo)", "centre",
        (Offered("missing-notice", "police.missing_notice"),),
    ),
    Member(
        "TW/GOV/CIVIL", "household", "戶政司（示範）", "Household registration (demo)", "centre",
        (Offered("household-check", "civil.household_record"),),
    ),
    Member(
        "TW/COM/TELECOM", "cells", "榕樹電信（示範）", "Banyan Telecom (demo)", "centre",
        (Offered("cell-counts", "telecom.cell_counts"),),
    ),
    Member(
        "TW/GOV/CITY", "shelters", "榕市政府（示範）", "Banyan City (demo)", "centre",
        (Offered("shelter-capacity", "shelter.capacity"),),
    ),
)  # fmt: skip
HOSPITAL: Final = "TW/MED/H1/emergency"
TRAVEL: Final = Offered("flag", "travel.flag")
"""Immigration's travel history (service/travel), where its node has that service: `./banyan up --federation`. Beside it
`travel-flag` shows one agency's service asking another's by road."""
GRANTS: Final = (
    Granted(HOSPITAL, "TW/GOV/NIA/border/travel-flag", "012", "CDC-31-travel", "crisis"),
    Granted(HOSPITAL, "TW/GOV/NIA/border/flag", "012", "travel-flag", "crisis"),
    Granted(HOSPITAL, "TW/GOV/NHI/insurance/card-status", "031", "NHI-16-card", "crisis"),
    Granted(HOSPITAL, "TW/GOV/NPA/notices/missing-notice", "167", "NPA-16-missing"),
    Granted(HOSPITAL, "TW/GOV/CITY/shelters/shelter-capacity", "058"),
    Granted("TW/GOV/CITY/shelters", "TW/GOV/CIVIL/household/household-check", "057", "CITY-44-relief"),
    Granted("TW/GOV/CITY/shelters", "TW/COM/TELECOM/cells/cell-counts", "171", priority="bulk", per_minute=120),
    Granted("TW/GOV/CDC/epidemic", "TW/COM/TELECOM/cells/cell-counts", "171", priority="bulk", per_minute=120),
    Granted("TW/GOV/NIA/border", "TW/GOV/CDC/epidemic/travel-rule", "171"),
    Granted("TW/GOV/NIA/border", "TW/GOV/CDC/epidemic/epidemic", "171"),
    Granted("TW/COM/TELECOM/cells", "TW/GOV/CITY/shelters/shelter-capacity", "171", priority="bulk"),
)


def member_of(id: str) -> Member:
    return next(one for one in MEMBERS if one.id == id)
