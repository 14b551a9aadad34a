"""Household registration (戶政) of the demonstration nation. Its fields are those of 戶籍法 s4 and s5."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import PersonQuery
from banyan.demo.agencies.sealed import find, subject_of
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal

SCOPE: Final = "register:civil"
CIVIL: Final = Service(
    "civil", title={"zh-Hant": "戶政（示範）", "en": "Household registration (demo)"}, package="banyan.demo.agencies"
)


class HouseholdRecord(msgspec.Struct, frozen=True):
    """A person's entry; every field is personal and left out unless the basis covers it."""

    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    birth_date: Annotated[str, personal("C011")] | UnsetType = UNSET
    address: Annotated[str, personal("C031")] | UnsetType = UNSET
    household: Annotated[str, personal("C003")] | UnsetType = UNSET
    """戶號, 8 characters."""
    head: Annotated[bool, personal("C021")] | UnsetType = UNSET
    members: Annotated[int, personal("C021")] | UnsetType = UNSET
    registered_since: Annotated[str, personal("C011")] | UnsetType = UNSET


@CIVIL.operation(
    "household_record",
    title={"zh-Hant": "戶籍資料", "en": "Household record"},
    summary={
        "zh-Hant": "一個人的姓名、出生日期、戶籍地址與戶內人口。",
        "en": "A person's name, date of birth, registered address and household.",
    },
    data=("identity",),
    audience="officer",
    purpose="015",
    subject="person",
    channels=("web", "api"),
)
async def household_record(ctx: Context, request: PersonQuery) -> HouseholdRecord:
    """Raises NotFound for who is not registered here."""
    return await find(ctx.db, SCOPE, subject_of(ctx, request.person), HouseholdRecord)
