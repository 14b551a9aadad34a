"""National health insurance (健保署) of the demonstration nation: whether a card is good today."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import PersonQuery
from banyan.demo.agencies.sealed import find, subject_of
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal

SCOPE: Final = "register:insurance"
INSURANCE: Final = Service(
    "insurance", title={"zh-Hant": "健保（示範）", "en": "Health insurance (demo)"}, package="banyan.demo.agencies"
)


class CardStatus(msgspec.Struct, frozen=True):
    """Whether the insurance stands, since when (ISO 8601), and whether the part to pay is waived."""

    insured: Annotated[bool, personal("C003")] | UnsetType = UNSET
    insured_since: Annotated[str, personal("C003")] | UnsetType = UNSET
    copay_waived: Annotated[bool, personal("C003")] | UnsetType = UNSET


@INSURANCE.operation(
    "card_status",
    title={"zh-Hant": "健保卡狀態", "en": "Insurance card status"},
    summary={
        "zh-Hant": "就醫時健保卡是否有效、是否免部分負擔。",
        "en": "At a visit, whether the card is good and the copay is waived.",
    },
    data=("identity",),
    audience="hospital",
    purpose="031",
    subject="person",
    channels=("web", "api"),
)
async def card_status(ctx: Context, request: PersonQuery) -> CardStatus:
    """Raises NotFound for who is not insured here."""
    return await find(ctx.db, SCOPE, subject_of(ctx, request.person), CardStatus)
