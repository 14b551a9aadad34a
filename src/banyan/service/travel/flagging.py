"""The look-up: one person by any document, and the marks by the rules of today. Never the itinerary.

Who is in no register here is answered exactly as who has no stay that matters, by the same steps: whether somebody is
in immigration's register is itself a fact about them. What was answered is sealed for the person to read.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import Context, Text
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.identity.identifiers import normalized_person_number
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_mydata import MYDATA_FIELDS
from banyan.service.travel import contests, counting, records, rules
from banyan.service.travel.contests import Contest
from banyan.service.travel.law import FLAG, scope_of, under_order
from banyan.service.travel.records import NOBODY, Journey, Look, Told
from banyan.service.travel.rules import Mark, Rule
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import shelf_of

Document = Annotated[str, msgspec.Meta(max_length=24, title="證號 Document")]
Why = Annotated[str, msgspec.Meta(max_length=REASON_CHARS, title="理由 Reason")]


class FlagQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person`: a national or resident number, or P:STATE:NUMBER of a passport. `reason` is reviewed afterwards."""

    person: Document
    reason: Why = ""
    fields: Annotated[tuple[str, ...], msgspec.Meta(max_length=MYDATA_FIELDS)] = ()
    purpose: Annotated[str, msgspec.Meta(pattern="^([0-9]{3})?$")] = ""


class Shown(msgspec.Struct, frozen=True):
    """One mark: the rule, its words, and the window (days in Taiwan, both within). `state` was: the window is over.
    `is_contested`: the person says it is wrong, and immigration has not decided yet."""

    rule: str
    title: Text
    source: str
    start: date
    end: date
    state: str
    is_contested: bool = False


class Flagged(msgspec.Struct, frozen=True):
    """`as_of` is the day in Taiwan, `order` under which it was told. No mark: nothing that the rules name is known."""

    as_of: date
    order: str
    marks: Annotated[tuple[Shown, ...], personal("C034")] | UnsetType = UNSET


class Found(msgspec.Struct, frozen=True):
    """What is read for one person, in one look at the records."""

    person: bytes
    is_known: bool
    journey: Journey | None
    rules: tuple[Rule, ...]
    contests: tuple[Contest, ...]


@SERVICE.operation(
    "flag", title={"zh-Hant": "查詢旅遊史註記", "en": "Look up a travel flag"},
    summary={
        "zh-Hant": "就醫時依當日規則查詢是否註記與起迄日；不提供行程，病人看得到每次查詢。",
        "en": "At a visit, the flag by the rules of the day and its window, never the itinerary; the patient sees it.",
    },
    data=("border",), audience="hospital", purpose="012", subject="person", rate="query",
)  # fmt: skip
async def flag(ctx: Context, request: FlagQuery) -> Flagged:
    """Raises Denied without an order, Limit at a hospital's or clinician's bound."""
    shelf, order = shelf_of(ctx.db), await under_order(ctx, FLAG)
    scope, day = scope_of(order), rules.day_of(ctx.now)
    paper = shelf.subject_of(normalized_person_number(request.person))
    found = await ctx.db.sql.read(partial(found_of, scope, paper, day))
    await counting.count(ctx, is_stranger=not found.is_known)
    shown = await shown_of(shelf.scopes, scope, found, day)
    id = shelf.random(16)
    told = tuple(Told(one.rule, one.start, one.end, one.state) for one in shown)
    sealed = await records.sealed_look(shelf.scopes, scope, id, Look(request.reason, told))
    whose, agency = found.person, ctx.caller.agency

    def job(tx: Tx) -> None:
        tx.run(records.SQL["put_look"], id=id, person=whose, scope=scope, at=ctx.now, agency=agency, sealed=sealed)

    await ctx.db.sql.write(job)
    return Flagged(day, order, shown)


def found_of(scope: str, paper: bytes, day: date, tx: Tx) -> Found:
    known = records.person_of(tx, paper)
    person = known or paper
    journey = records.journey_of(tx, scope, person)
    nobody = records.journey_of(tx, scope, NOBODY)
    said = contests.of_person(tx, person, scope)
    return Found(person, known is not None, journey or nobody, records.rules_on(tx, day), said)


async def shown_of(scopes: Scopes, scope: str, found: Found, day: date) -> tuple[Shown, ...]:
    """What is told of who was found. The stays of nobody are opened where there are none."""
    stays = await records.opened_stays(scopes, scope, found.journey) if found.journey is not None else ()
    by_id = {one.id: one for one in found.rules}
    withdrawn, open_ones = await contests.standing(scopes, found.contests)
    marks = [one for one in rules.marks_on(stays, found.rules, day) if (one.rule, one.start) not in withdrawn]
    return tuple(_shown(one, by_id[one.rule], (one.rule, one.start) in open_ones) for one in marks)


def _shown(mark: Mark, rule: Rule, is_contested: bool) -> Shown:
    title = {"zh-Hant": rule.zh, "en": rule.en}
    return Shown(mark.rule, title, rule.source, mark.start, mark.end, mark.state, is_contested)
