"""The question: cases (from disease control, through the gate) or a ship's passengers at its dock, a rule and a window;
the answer: counts. Small ones are not told, all are rounded, the same question has the same answer, and different ones
have a budget a day, so that nobody is found by comparing counts.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np

from banyan.craft.tracing.lake import Lake, is_foreign
from banyan.craft.tracing.masts import Dock, at_dock, ways_of
from banyan.craft.tracing.model import HOUR_S, Edge, Fixes, Rule, Slots, check_rule
from banyan.craft.tracing.places import Place, Strength, hot_spots, rounded, strength
from banyan.craft.tracing.tracing import Hits, contacts, hours_asked, joined, merged, question, trace
from banyan.errors import Invalid, Limit, Unavailable
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.ledger.entries import ReleaseRecord, act_entry
from banyan.kernel.policy.bases import LegalBasis
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_tracing import TRACE_CASES, TRACE_COUNTS_A_DAY, TRACE_LEAST, TRACE_WINDOW_H
from banyan.service.tracing.keeping import lake_of
from banyan.service.tracing.law import BASIS, DAY_S, PURPOSE, under_order
from banyan.service.tracing.presets import presets
from banyan.service.tracing.records import SQL, Request, kept, put_result, request_of
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import Shelf, both, shelf_of

Why = Annotated[str, msgspec.Meta(min_length=2, max_length=REASON_CHARS, title="理由 Reason")]
CaseId = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
EPOCH: Final = date(1970, 1, 1).toordinal()


class Berth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place where foreign numbers are taken for cases: a ship's passengers ashore. WGS84 degrees."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-89, le=89)]
    radius_m: Annotated[float, msgspec.Meta(gt=0, le=20_000)]
    start: Moment
    end: Moment


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`preset` names a rule of the field; a parameter above 0 replaces the preset's. Either cases or a dock."""

    start: Moment
    end: Moment
    reason: Why
    cases: Annotated[tuple[CaseId, ...], msgspec.Meta(max_length=TRACE_CASES)] = ()
    dock: Berth | None = None
    preset: str = "jmir"
    radius_m: Annotated[float, msgspec.Meta(ge=0, le=20_000)] = 0.0
    bucket_s: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 0
    dwell_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 0
    edge: Edge | Literal[""] = ""
    near_s: Annotated[int, msgspec.Meta(ge=0, le=3_600)] = 0


class Counted(msgspec.Struct, frozen=True):
    """What is told before anybody is named. `contacts` and `cases` are rounded, null under `least`; `pings` is how many
    positions were looked at, in hundred thousands. `spots` are the places with the most contact minutes, `strength` how
    firm the evidence is."""

    id: str
    state: str
    order: str
    preset: str
    rule: Rule
    start: str
    end: str
    least: int
    contacts: int | None
    cases: int | None
    pings: int
    spots: tuple[Place, ...]
    strength: Strength


class Shown(msgspec.Struct, frozen=True):
    """What of a request is kept to be told again."""

    preset: str
    rule: Rule
    start: float
    end: float
    contacts: int | None
    cases: int | None
    pings: int
    spots: tuple[Place, ...]
    strength: Strength = Strength((), ())


class Answer(msgspec.Struct, frozen=True, eq=False):
    """What one trace found."""

    contacts: int
    cases: Slots
    pings: int
    hits: Hits


@SERVICE.operation(
    "ask", title={"zh-Hant": "比對接觸者（先得人數）", "en": "Trace contacts (counts first)"},
    summary={"zh-Hant": "依命令比對確診者或船隻旅客的足跡；只回覆人數與熱點，不回覆任何人。",
             "en": "Under an order: who was near cases or a ship's passengers; counts and places, nobody's name."},
    data=OPEN, audience="officer", effect="write", purpose=PURPOSE, rate="query", channels=("api",), time_s=120.0,
)  # fmt: skip
async def ask(ctx: Context, request: Asking) -> Counted:
    """The same question under the same order answers what was found then. Raises Denied without an order, Invalid,
    Limit when the agency's questions of the day are used up."""
    order, basis = await under_order(ctx)
    shelf, rule = shelf_of(ctx.db), rule_of(request)
    start, end = request.start.timestamp(), request.end.timestamp()
    _check(request, start, end)
    asked = _digest(request, rule)
    async with shelf.turn:
        if known := await ctx.db.sql.read(lambda tx: _same(tx, order.reference, asked)):
            return told(known)
        await ctx.db.sql.read(lambda tx: _budget(tx, ctx))
        days = _days(start, end)
        lake = await lake_of(ctx.db, order.reference, days)
        numbers = await _case_numbers(ctx, shelf, request)
        answer = await asyncio.to_thread(run, lake, request, rule, numbers, shelf.workers)
        await _note_cases(ctx, shelf, basis, lake, answer.cases, order=order.reference)
        id = shelf.random(16).hex()
        shown = Shown(
            request.preset, rule, start, end, rounded(answer.contacts), rounded(len(answer.cases)),
            answer.pings // 100_000 * 100_000, hot_spots(answer.hits, rule.bucket_s),
            strength(answer.hits, rule.bucket_s),
        )  # fmt: skip
        key = await put_result(shelf, order.reference, id, kept(answer.hits))
        entry = act_entry("trace", id=id, step="counted", order=order.reference, agencies=ctx.caller.agency)
        await shelf.ledger.append_once(f"tracing/{id}/counted", entry)
        made = await ctx.db.sql.write(
            lambda tx: _put(
                tx,
                ctx,
                id,
                asked,
                order=order.reference,
                reason=request.reason,
                contacts=answer.contacts,
                shown=shown,
                key=key,
            )
        )
    return told(made)


def run(lake: Lake, request: Asking, rule: Rule, numbers: list[int], workers: int) -> Answer:
    """The whole trace, over the lake; for a worker's thread."""
    table = lake.numbers()
    start, end = request.start.timestamp(), request.end.timestamp()
    hours = [one for one in lake.hours() if start <= (one + 1) * HOUR_S and one * HOUR_S <= end]
    if request.dock is not None:
        berth = request.dock
        dock = Dock(berth.lon, berth.lat, berth.radius_m, berth.start.timestamp(), berth.end.timestamp())
        there = {one for one in lake.hours() if dock.start <= (one + 1) * HOUR_S and one * HOUR_S < dock.end}
        own = at_dock(dock, lambda hour: lake.read(hour) if hour in there else (), is_foreign(table))
    else:
        own = np.flatnonzero(np.isin(table["number"], np.array(numbers, np.uint64))).astype(np.uint32)
    nobody = Answer(0, own, 0, joined(()))
    if not len(own) or not hours:
        return nobody
    ways = ways_of(own, lake.read, hours, size=len(table))
    ways = ways.take((ways.at >= start) & (ways.at <= end))
    if not len(ways):
        return nobody
    return _traced(lake, ways, rule, own, len(table), workers=workers)


def rule_of(request: Asking) -> Rule:
    """The preset's rule with the request's own parameters. Raises Invalid for one that cannot be."""
    preset = presets().get(request.preset)
    if preset is None:
        raise Invalid.at("preset", f"one of {', '.join(sorted(presets()))}")
    edge: Edge = request.edge or preset.edge
    return check_rule(
        Rule(
            radius_m=request.radius_m or preset.radius_m,
            bucket_s=request.bucket_s or preset.bucket_s,
            dwell_s=request.dwell_s or preset.dwell_s,
            edge=edge,
            near_s=(request.near_s or preset.near_s) if edge == "within" else 0,
        )
    )


def told(request: Request) -> Counted:
    """What may be told of a request."""
    shown = msgspec.json.decode(request.shown, type=Shown)
    return Counted(
        request.id, request.state, request.order_id, shown.preset, shown.rule, iso(EpochS(shown.start)),
        iso(EpochS(shown.end)), TRACE_LEAST, shown.contacts, shown.cases, shown.pings, shown.spots,
        shown.strength,
    )  # fmt: skip


def _traced(lake: Lake, ways: Fixes, rule: Rule, own: Slots, size: int, *, workers: int) -> Answer:
    asked = question(ways, rule, phones=size, own=own)
    near = rule.near_s if rule.edge == "within" else 0
    parts = trace(asked, lake.reader(asked.cases, rule.radius_m, near), hours_asked(asked), workers=workers, keep=True)
    found = contacts(merged(parts, size), rule)
    is_contact = np.zeros(size, bool)
    is_contact[found] = True
    hits = joined(parts)
    return Answer(len(found), own, sum(part.pings for part in parts), hits.take(is_contact[hits.phone]))


def _check(request: Asking, start: float, end: float) -> None:
    if not start < end <= start + TRACE_WINDOW_H * HOUR_S:
        raise Invalid.at("end", f"after the start, at most {TRACE_WINDOW_H} hours later")
    if bool(request.cases) == (request.dock is not None):
        raise Invalid.at("cases", "cases or a dock, one of the two")
    if request.dock is not None and not request.dock.start < request.dock.end:
        raise Invalid.at("dock", "its window ends after it starts")
    if request.dock is not None and request.dock.end.timestamp() - request.dock.start.timestamp() > DAY_S:
        raise Invalid.at("dock", "a window of a day at most")


async def _case_numbers(ctx: Context, shelf: Shelf, request: Asking) -> list[int]:
    """The phones of the cases, from disease control, through the gate. Raises Invalid for a case it does not know."""
    if not request.cases:
        return []
    if not shelf.cases:
        raise Unavailable(both("no_cases"), remedy=both("no_cases_remedy"))
    answer: Any = await ctx.call(shelf.cases, {"cases": request.cases, "reason": request.reason})
    return [int(str(one).removeprefix("+")) for one in answer.phones]


async def _note_cases(ctx: Context, shelf: Shelf, basis: LegalBasis, lake: Lake, own: Slots, *, order: str) -> None:
    """The cases' own lists of uses tell of it, before anything is answered."""
    table = await asyncio.to_thread(lake.numbers)
    persons = [bytes(one) for one in table["person"][own].tolist() if any(bytes(one))]
    record = release_record(ctx, basis, order, "ask")
    for start in range(0, len(persons), 200):
        await asyncio.gather(*(shelf.ledger.release(one, record) for one in persons[start : start + 200]))


def release_record(ctx: Context, basis: LegalBasis, order: str, operation: str) -> ReleaseRecord:
    """What a person sees of a use of her positions."""
    declared = SERVICE.operations[operation]
    later = basis.reveal_after_days * DAY_S
    return ReleaseRecord(
        at=ctx.now, operation=f"tracing.{operation}", action=dict(declared.title), receiver=ctx.caller.agency,
        receiver_name=ctx.caller.agency, system=ctx.caller.channel, basis=f"{BASIS}@{basis.version}",
        statute=basis.statute.said("zh-Hant"), purpose=PURPOSE, fields=("meetings",), reference=order,
        reveal_after=ctx.now + later if later else 0.0,
    )  # fmt: skip


def _same(tx: Tx, order: str, asked: str) -> Request | None:
    row = tx.row(SQL["same"], order_id=order, question=asked)
    return request_of(tx, str(row[0])) if row is not None else None


def _budget(tx: Tx, ctx: Context) -> None:
    row = tx.row(SQL["asked_on"], agency=ctx.caller.agency, day=int(ctx.now // DAY_S))
    if row is not None and int(str(row[0])) >= TRACE_COUNTS_A_DAY:
        raise Limit(both("budget", most=TRACE_COUNTS_A_DAY), remedy=both("budget_remedy"))


def _put(
    tx: Tx, ctx: Context, id: str, asked: str, *, order: str, reason: str, contacts: int, shown: Shown, key: bytes
) -> Request:
    tx.run(
        SQL["put_request"], id=id, question=asked, at=ctx.now, day=int(ctx.now // DAY_S), officer=ctx.caller.id,
        agency=ctx.caller.agency, order_id=order, reason=reason, contacts=contacts,
        shown=msgspec.json.encode(shown).decode(), key=key,
    )  # fmt: skip
    made = request_of(tx, id)
    assert made is not None, "it was written above"
    return made


def _digest(request: Asking, rule: Rule) -> str:
    """The question without its reason and its preset's name: cases in any order are the same ones."""
    what = (sorted(set(request.cases)), request.dock, request.start.timestamp(), request.end.timestamp(), rule)
    return sha256(msgspec.json.encode(what, order="sorted")).hexdigest()


def _days(start: float, end: float) -> list[str]:
    first, last = int(start // DAY_S) - 1, int(end // DAY_S) + 1
    return [date.fromordinal(EPOCH + day).isoformat() for day in range(first, last + 1)]
