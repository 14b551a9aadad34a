"""Income of a year (綜合所得) as the demonstration nation's tax office has it. Source of the fields: 所得稅法 s14."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import PersonQuery
from banyan.demo.agencies.sealed import find, subject_of
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal

SCOPE: Final = "register:tax"
TAX: Final = Service(
    "tax", title={"zh-Hant": "國稅（示範）", "en": "Tax office (demo)"}, package="banyan.demo.agencies"
)


class Income(msgspec.Struct, frozen=True):
    """The newest assessed year. Money in whole New Taiwan dollars."""

    year: Annotated[int, personal("C081")] | UnsetType = UNSET
    wages: Annotated[int, personal("C068")] | UnsetType = UNSET
    interest: Annotated[int, personal("C081")] | UnsetType = UNSET
    rent: Annotated[int, personal("C081")] | UnsetType = UNSET
    total: Annotated[int, personal("C081")] | UnsetType = UNSET
    employer: Annotated[str, personal("C038")] | UnsetType = UNSET
    dependants: Annotated[int, personal("C021")] | UnsetType = UNSET


@TAX.operation(
    "income",
    title={"zh-Hant": "年度所得", "en": "Income of a year"},
    summary={
        "zh-Hant": "最近一個核定年度的各類所得與扶養人數。",
        "en": "The newest assessed year: kinds of income and dependants.",
    },
    data=("finance",),
    audience="officer",
    purpose="120",
    subject="person",
    channels=("web", "api"),
)
async def income(ctx: Context, request: PersonQuery) -> Income:
    """Raises NotFound for who has no assessment."""
    return await find(ctx.db, SCOPE, subject_of(ctx, request.person), Income)
