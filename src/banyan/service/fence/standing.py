"""What everybody may know: the order and its end, how often it was used, and every figure of the rule and the ladder.

Groups of people under the published least are not shown, nor one more that would give them away by subtraction.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec

from banyan.craft.fencing.rule import PUBLISHED, Rule
from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context, Text
from banyan.kernel.events.clock import iso
from banyan.kernel.policy import records as policy
from banyan.kernel.storage.store import Tx
from banyan.limits import EMERGENCY_CELL_LEAST, EMERGENCY_COUNTS
from banyan.service.fence import law, records
from banyan.service.fence.alarming import FALSE
from banyan.service.fence.arriving import WAITING
from banyan.service.fence.keeping import all_terms, terms_now
from banyan.service.fence.law import Duty
from banyan.service.fence.looking import Nothing
from banyan.service.fence.sealing import SQL
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import both, shelf_of
from banyan.service.fence.terms import Terms, faults_of

STATISTICS_DAYS = 28


class Standing(msgspec.Struct, frozen=True):
    """`order` empty: the fence does not run. `uses` counts releases under the order by all agencies, null when fewer
    than `least`; `people` those under it now, null when fewer than the published least."""

    order: str
    title: Text
    agencies: tuple[str, ...]
    until: str
    remaining_s: int
    uses: int | None
    least: int
    people: int | None
    small: int
    is_awaited: bool = False
    """Without an order: entries of a register wait for one; nobody comes in meanwhile."""


class County(msgspec.Struct, frozen=True):
    """`code` is the county's; null: fewer than the published least, or withheld so that none can be worked out."""

    code: str
    people: int | None
    alarms: int | None


class Statistics(msgspec.Struct, frozen=True):
    """Of the last 28 days. `false_per_1000` alarms that found nobody away, per 1,000 person-days; null without any."""

    person_days: int
    alarms: int
    true: int
    false: int
    false_per_1000: float | None
    causes: dict[str, int]


class Published(msgspec.Struct, frozen=True):
    """`now` holds; `sets` are all, by the moment from which each holds; `rule` is what judges the positions."""

    now: Terms
    sets: tuple[Terms, ...]
    rule: Rule


class Assigned(msgspec.Struct, frozen=True):
    duties: tuple[Duty, ...]


class Assigning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agency: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    desk: law.Desk
    area: Annotated[str, msgspec.Meta(pattern=r"^(\*|\d{5}|\d{8}|\d{11})$")]
    is_over: bool = False


@SERVICE.operation(
    "standing", title={"zh-Hant": "電子圍籬現況", "en": "How the fence stands"},
    summary={"zh-Hant": "依據哪道命令、何時落日、使用幾次。", "en": "Under which order, until when, how often used."},
    data=OPEN, audience="public",
)  # fmt: skip
async def standing(ctx: Context, request: Nothing) -> Standing:
    order = await law.standing_order(ctx)
    shelf = shelf_of(ctx.db)
    found = await shelf.policy.read(partial(policy.order_by_id, id=order)) if order else None
    people, small = await ctx.db.sql.read(lambda tx: _people(tx, order, ctx.now))
    if found is None:
        waits = await ctx.db.sql.read(lambda tx: tx.row(SQL["seq"], name=WAITING))
        awaited = waits is not None and int(str(waits[0])) > 0
        return Standing("", {"zh-Hant": "", "en": ""}, (), "", 0, 0, EMERGENCY_CELL_LEAST, None, small, awaited)
    uses = await shelf.policy.read(partial(policy.order_uses, most=EMERGENCY_COUNTS))
    total = sum(one.uses for one in uses if one.order == order)
    by = [one.agency for one in (found.declared_by, found.approved_by) if one is not None]
    agencies = [await shelf.agency_of(one) for one in by]
    return Standing(
        order, dict(found.title), tuple(agencies), iso(found.last_second), max(0, int(found.last_second - ctx.now)),
        total if not total or total >= EMERGENCY_CELL_LEAST else None, EMERGENCY_CELL_LEAST, people, small,
    )  # fmt: skip


@SERVICE.operation(
    "counties", title={"zh-Hant": "各縣市人數", "en": "People by county"},
    summary={
        "zh-Hant": "各縣市受圍籬人數與告警數；太小的不公布。",
        "en": "People and alarms by county; small groups are left out.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def counties(ctx: Context, request: Nothing) -> tuple[County, ...]:
    """Raises Denied when no order is in force."""
    order = await law.order_in_force(ctx)
    return await ctx.db.sql.read_long(lambda tx: _counties(tx, order, ctx.now))


@SERVICE.operation(
    "statistics", title={"zh-Hant": "告警統計", "en": "Statistics of alarms"},
    summary={
        "zh-Hant": "近 28 天的告警、原因與誤報率。",
        "en": "Alarms of 28 days, their causes and the false alarm rate.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def statistics(ctx: Context, request: Nothing) -> Statistics:
    since = records.day_of(ctx.now - STATISTICS_DAYS * records.DAY_S)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["tallies"], day=since))
    total: dict[str, float] = {}
    for _, name, value in rows:
        total[str(name)] = total.get(str(name), 0.0) + float(str(value))
    days = int(total.get("person-days", 0.0))
    causes: dict[str, int] = {}
    for name, value in total.items():
        if name.startswith("closed-"):
            cause = name.rpartition("-")[2]
            causes[cause] = causes.get(cause, 0) + int(value)
    false = sum(causes.get(one, 0) for one in FALSE)
    true = sum(causes.values()) - false
    alarms = int(sum(value for name, value in total.items() if name.startswith("alarm-")))
    return Statistics(days, alarms, true, false, round(1_000 * false / days, 1) if days else None, causes)


@SERVICE.operation(
    "terms", title={"zh-Hant": "公開參數", "en": "Published figures"},
    summary={
        "zh-Hant": "規則與階梯的每個門檻與分鐘數，以及生效日。",
        "en": "Every threshold and minute, and from when it holds.",
    },
    data=OPEN, audience="public",
)  # fmt: skip
async def terms(ctx: Context, request: Nothing) -> Published:
    return await ctx.db.sql.read(partial(_published, ctx=ctx))


@SERVICE.operation(
    "publish_terms", title={"zh-Hant": "公告參數", "en": "Publish figures"},
    summary={"zh-Hant": "新增一組參數與生效日；舊的不改。", "en": "A set of figures and its day; earlier sets stay."},
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def publish_terms(ctx: Context, request: Terms) -> Published:
    """Raises Invalid for a set that does not go together, or one that would have held already."""
    if faults := faults_of(request):
        raise Invalid.at(faults[0], both("fix_terms"))
    if request.valid_from < datetime.fromtimestamp(ctx.now, request.valid_from.tzinfo):
        raise Invalid.at("valid_from", both("fix_from"))

    def job(tx: Tx) -> Published:
        tx.run(SQL["publish"], document=msgspec.json.encode(request), at=ctx.now)
        return _published(tx, ctx)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "assign", title={"zh-Hant": "指派轄區", "en": "Assign an area"},
    summary={
        "zh-Hant": "哪個機關負責哪個縣市、鄉鎮或村里。",
        "en": "Which agency is responsible for which county, town or village.",
    },
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def assign(ctx: Context, request: Assigning) -> Assigned:
    duty = Duty(request.agency, request.desk, request.area)

    def job(tx: Tx) -> Assigned:
        if request.is_over:
            law.drop_duty(tx, duty)
        else:
            law.put_duty(tx, duty)
        return Assigned(law.all_duties(tx))

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "duties", title={"zh-Hant": "轄區", "en": "Areas of responsibility"},
    summary={"zh-Hant": "各機關的轄區。", "en": "Who is responsible where."}, data=OPEN, audience="public",
)  # fmt: skip
async def duties(ctx: Context, request: Nothing) -> Assigned:
    return Assigned(await ctx.db.sql.read(law.all_duties))


def _published(tx: Tx, ctx: Context) -> Published:
    engine = shelf_of(ctx.db).engine
    return Published(terms_now(tx, ctx.now), all_terms(tx), engine.rule if engine is not None else PUBLISHED)


def _people(tx: Tx, order: str, now: float) -> tuple[int | None, int]:
    small = terms_now(tx, now).small
    count = len(records.living(tx, order)) if order else 0
    return (count if count >= small else None), small


def _counties(tx: Tx, order: str, now: float) -> tuple[County, ...]:
    """By county. A cell under the least is hidden; a single hidden one takes the next smallest with it."""
    small = terms_now(tx, now).small
    people: dict[str, int] = {}
    for held in records.living(tx, order):
        people[held.village[:5]] = people.get(held.village[:5], 0) + 1
    alarms = dict.fromkeys(people, 0)
    for alarm in records.open_alarms(tx):
        alarms[alarm.village[:5]] = alarms.get(alarm.village[:5], 0) + 1
    shown_people, shown_alarms = hidden(people, small), hidden(alarms, small)
    return tuple(County(code, shown_people[code], shown_alarms.get(code)) for code in sorted(people))


def hidden(counts: dict[str, int], small: int) -> dict[str, int | None]:
    """Counts without those of 1 to `small` - 1; with one such the smallest other goes too, for the total is public."""
    few = [code for code, count in counts.items() if 0 < count < small]
    if len(few) == 1:
        others = sorted((count, code) for code, count in counts.items() if count >= small)
        few += [code for _, code in others[:1]]
    return {code: None if code in few else count for code, count in counts.items()}
