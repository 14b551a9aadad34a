"""The duty console's data: alarms sorted by how far they are, and phones that nobody has proven, by case number."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_SHOWN
from banyan.service.fence import records
from banyan.service.fence.arriving import arrivals_for
from banyan.service.fence.ladder import RANKS
from banyan.service.fence.law import on_duty
from banyan.service.fence.looking import Nothing
from banyan.service.fence.records import Alarm
from banyan.service.fence.service import SERVICE


class Work(msgspec.Struct, frozen=True):
    """One open alarm. `due` empty: it does not go on by itself. `agency` is of who took it."""

    alarm: str
    case: str
    kind: str
    stage: str
    village: str
    opened: str
    since: str
    due: str
    answer: str
    is_clear: bool
    agency: str = ""
    is_yours: bool = False


class Worklist(msgspec.Struct, frozen=True):
    """`waiting` by stage, of the caller's areas; `work` the most urgent of them."""

    waiting: dict[str, int]
    work: tuple[Work, ...]


class Unproven(msgspec.Struct, frozen=True):
    """A case whose phone is not proven: `none` (no code sent yet), `sent`, `wrong-number`, `no-phone`, `no-sim`."""

    case: str
    village: str
    enrolment: str
    since: str


class NotAdmitted(msgspec.Struct, frozen=True):
    """A register's entry that did not come in: its number there, and why."""

    entry: str
    fault: str
    village: str
    agency: str
    at: str


class Enrolments(msgspec.Struct, frozen=True):
    """`not_admitted`: of the caller's areas, or noted by the caller's agency."""

    counts: dict[str, int]
    cases: tuple[Unproven, ...]
    not_admitted: tuple[NotAdmitted, ...] = ()


@SERVICE.operation(
    "worklist", title={"zh-Hant": "工作清單", "en": "Worklist"},
    summary={
        "zh-Hant": "轄區內未結告警，最急的在前；只有案號。",
        "en": "Open alarms of one's areas, the most urgent first; by case number.",
    },
    data=OPEN, audience="officer", purpose="012", channels=("api",),
)  # fmt: skip
async def worklist(ctx: Context, request: Nothing) -> Worklist:
    _, duties = await on_duty(ctx)
    found = await ctx.db.sql.read_long(records.open_alarms)
    own = [one for one in found if any(duty.covers(one.village) for duty in duties)]
    own.sort(key=_urgency)
    waiting: dict[str, int] = {}
    for one in own:
        waiting[one.ladder.stage] = waiting.get(one.ladder.stage, 0) + 1
    return Worklist(waiting, tuple(_work(one, ctx.caller.id) for one in own[:FENCE_SHOWN]))


@SERVICE.operation(
    "enrolments", title={"zh-Hant": "手機未確認", "en": "Phones not proven"},
    summary={
        "zh-Hant": "號碼錯誤、沒有手機、沒有門號或還沒驗證的人。",
        "en": "Wrong numbers, no phone, no SIM, or not proven yet.",
    },
    data=OPEN, audience="officer", purpose="012", channels=("api",),
)  # fmt: skip
async def enrolments(ctx: Context, request: Nothing) -> Enrolments:
    order, duties = await on_duty(ctx)

    def job(tx: Tx) -> Enrolments:
        found = [one for one in records.living(tx, order) if any(duty.covers(one.village) for duty in duties)]
        counts: dict[str, int] = {}
        for one in found:
            counts[one.enrolment] = counts.get(one.enrolment, 0) + 1
        rest = sorted((one for one in found if one.enrolment != "verified"), key=lambda one: (one.start, one.id))
        shown = tuple(
            Unproven(one.id, one.village, one.enrolment, iso(EpochS(one.start))) for one in rest[:FENCE_SHOWN]
        )
        missing = arrivals_for(tx, order, ctx.caller.agency, duties)
        return Enrolments(counts, shown, tuple(_missing(one) for one in missing))

    return await ctx.db.sql.read_long(job)


def _missing(one: records.Arrival) -> NotAdmitted:
    return NotAdmitted(one.entry, one.fault, one.village, one.agency, iso(EpochS(one.at)))


def _urgency(one: Alarm) -> tuple[bool, int, float, str]:
    """Those that positions have cleared last; then the farthest step, then the longest there."""
    return (one.ladder.is_clear, -RANKS[one.ladder.stage], one.ladder.since, one.id)


def _work(one: Alarm, officer: str) -> Work:
    state = one.ladder
    is_yours = bool(officer) and state.claimed_by == officer
    moments = (iso(EpochS(one.opened)), iso(EpochS(state.since)), iso(EpochS(state.due)) if state.due else "")
    found = Work(one.id, one.held, state.kind, state.stage, one.village, *moments, state.answer, state.is_clear)
    return msgspec.structs.replace(found, agency=one.agency, is_yours=is_yours)
