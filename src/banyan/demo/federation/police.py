"""Police (警政署) of the demonstration nation: whether somebody is reported missing, to help them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import PersonQuery
from banyan.demo.agencies.sealed import find, subject_of
from banyan.errors import NotFound
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal

SCOPE: Final = "register:police"
POLICE: Final = Service(
    "police", title={"zh-Hant": "警政（示範）", "en": "Police (demo)"}, package="banyan.demo.agencies"
)


class Notice(msgspec.Struct, frozen=True):
    """Whether the person is reported missing, and the station that would like a call. No reason, no history."""

    missing: Annotated[bool, personal("C011")] | UnsetType = UNSET
    station: Annotated[str, personal("C132")] | UnsetType = UNSET


@POLICE.operation(
    "missing_notice",
    title={"zh-Hant": "失蹤協尋註記", "en": "Missing person notice"},
    summary={
        "zh-Hant": "這個人是否被報失蹤，以及要通知哪個派出所。",
        "en": "Whether somebody is reported missing, and which station to call.",
    },
    data=("case",),
    audience="agency",
    purpose="167",
    subject="person",
    channels=("web", "api"),
)
async def missing_notice(ctx: Context, request: PersonQuery) -> Notice:
    """Who is not looked for is so answered."""
    try:
        return await find(ctx.db, SCOPE, subject_of(ctx, request.person), Notice)
    except NotFound:
        return Notice(missing=False, station="")
