"""Fair use: caps on what any service may ask for under a purpose's code, set in public by who gains nothing from them.

A cap is set by an officer with the role of data protection (個資保護長, PDPA as amended 2025) of an agency that reads
nobody's data under it: no agency widens its own. Each word is public in the log, in the commit that puts it into force.
A purpose declared before, that is beyond a tightened cap, asks nobody any more; what was agreed to runs to its end.
Source: Sahamati's fair-use terms.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.ledger import log
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.policy import consents as rules
from banyan.kernel.policy import records, vocabulary
from banyan.kernel.policy.consents import Cap
from banyan.kernel.storage.store import Tx
from banyan.service.mydata.asking import agency_of
from banyan.service.mydata.refusals import refuse
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import MESSAGES, said, shelf_of
from banyan.service.mydata.uses import LANGUAGES, Nothing

ROLE: Final = "data-protection"
"""The role of an agency's data protection officer, given where officers are registered."""


class Capping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that may be asked for under a purpose's code, or `*`: under those without a cap of their own."""

    code: Annotated[str, msgspec.Meta(pattern=r"^(\*|[0-9]{3})$", title="目的代號 Purpose code")]
    most_days: Annotated[int, msgspec.Meta(ge=0, le=3_660, title="最長天數 Longest term, days")]
    most_per_day: Annotated[int, msgspec.Meta(ge=1, le=1_000, title="每日次數 Times a day")]
    most_retention_days: Annotated[int, msgspec.Meta(ge=1, le=3_660, title="保存天數 Kept for, days")]


class CapView(msgspec.Struct, frozen=True):
    """A cap in words. `most_days` 0: for one time only. `beyond` are open purposes that ask nobody any more."""

    code: str
    title: Text
    most_days: int
    most_per_day: int
    most_retention_days: int
    beyond: tuple[str, ...]


@SERVICE.operation(
    "set_cap",
    title={"zh-Hant": "設定公平使用上限", "en": "Set a fair-use cap"},
    summary={
        "zh-Hant": "由不受益的機關的個資保護人員設定；公開登載，立即生效。",
        "en": "By a data protection officer of an agency that gains nothing from it; public, and in force at once.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="136",
)
async def set_cap(ctx: Context, request: Capping) -> CapView:
    """The same cap again changes nothing. Raises Denied without the role, Conflict for an agency that it binds."""
    agency, shelf = agency_of(ctx), shelf_of(ctx)
    if ROLE not in ctx.caller.roles:
        raise Denied(said("no_role"), remedy=said("no_role_remedy"))
    if request.code != rules.OTHERS and request.code not in vocabulary.PURPOSES:
        raise Invalid.at("code", "a purpose code of the PDPA's list, such as 088, or *")
    cap = Cap(request.code, request.most_days, request.most_per_day, request.most_retention_days)

    def job(tx: Tx) -> CapView:
        known, purposes = records.all_caps(tx), records.all_purposes(tx)
        after = [cap, *(one for one in known if one.purpose != cap.purpose)]
        bound = (one for one in purposes if one.is_open and rules.cap_of(one, after) is cap)
        if any(one.recipient == agency for one in bound):
            raise refuse("own-cap")
        if cap not in known:
            records.put_cap(tx, cap)
            terms = {"days": cap.most_days, "per_day": cap.most_per_day, "kept_days": cap.most_retention_days}
            log.append(tx, act_entry("cap", code=cap.purpose, agency=agency, at=int(ctx.now), **terms))
        return _view(cap, purposes, after)

    return await shelf.policy.write(job)


@SERVICE.operation(
    "caps",
    title={"zh-Hant": "公平使用上限", "en": "Fair-use caps"},
    summary={
        "zh-Hant": "各目的最多可以請求多久、每日幾次、保存多久。",
        "en": "For how long, how often a day and kept for how long any service may ask, by purpose.",
    },
    data=OPEN,
    audience="public",
)
async def caps(ctx: Context, request: Nothing) -> tuple[CapView, ...]:
    """By code; `*` is for the others."""

    def job(tx: Tx) -> tuple[CapView, ...]:
        known, purposes = records.all_caps(tx), records.all_purposes(tx)
        return tuple(_view(one, purposes, known) for one in known)

    return await shelf_of(ctx).policy.read(job)


def _view(cap: Cap, purposes: list[rules.Purpose], known: list[Cap]) -> CapView:
    bound = (one for one in purposes if one.is_open and rules.cap_of(one, known) == cap)
    words = vocabulary.PURPOSES.get(cap.purpose)
    title = dict(words) if words else {lang: MESSAGES.text("mydata.other_purposes", lang) for lang in LANGUAGES}
    return CapView(
        code=cap.purpose,
        title=title,
        most_days=cap.most_days,
        most_per_day=cap.most_per_day,
        most_retention_days=cap.most_retention_days,
        beyond=tuple(sorted(one.id for one in bound if rules.beyond(one, [cap]) is not None)),
    )
