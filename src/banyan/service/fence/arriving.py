"""From a register of isolation orders: its entry becomes a case, and a change of the entry a change of the case.

Whoever keeps the register sends an entry as it stands, with a version that grows. A version is taken once, in the
commit that does what it says, so that one sent twice, or by a process that was killed in between, does nothing twice;
an older one that comes late does nothing. What an officer ended here stays ended: the officers' list says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Drawer
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_fence import FENCE_FIELD
from banyan.service.fence import records
from banyan.service.fence.ending import move_case, set_case
from banyan.service.fence.keeping import Opened, opened, person_named, terms_now
from banyan.service.fence.law import Duty, check_area, on_duty
from banyan.service.fence.records import DAY_S, Arrival, Held, Who
from banyan.service.fence.registering import begin_case, case_of, moment_of
from banyan.service.fence.sealing import SQL
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import phone_of
from banyan.service.fence.shelf import both, shelf_of

WAITING: Final = "register-waits"
"""How many entries wait for an order, as composition counted them last."""
FAULTS: Final = ("village", "start", "until", "number", "area", "over", "refused", "failed")
"""Why an entry did not come in: no town in its address, days that are none, no national number, nobody's area, ended
here already, refused by the law (an agency that the basis does not name, reviews overdue), or a machine that failed
time and again."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register's entry as it stands. `start` and `until` are its first and last day, dates of Taiwan; one whose last
    day is over ends the case. `version` grows with each change. What is left empty stays as it is here."""

    person: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    village: Annotated[str, msgspec.Meta(pattern=r"^\d{8}(\d{3})?$")]
    start: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    until: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    name: Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)] = ""
    address: Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=30)] = ""
    ground: Literal["arrival", "contact", "self-health"] = "arrival"
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARS)] = ""


class Admitted(msgspec.Struct, frozen=True):
    """`case` empty: it was over before it came. `did`: `new`, `moved`, `until`, `ended`; empty: nothing, or again."""

    case: str
    did: tuple[str, ...]
    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    until: Annotated[str, personal("C034")] | UnsetType = UNSET


class Handled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the list, by its number in the register."""

    entry: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]


class Left(msgspec.Struct, frozen=True):
    """How many entries are left on the list."""

    left: int


class _Taken(msgspec.Struct, frozen=True):
    """An entry read: who, where and until when it says."""

    who: Who
    village: str
    start: float
    until: float
    has_bad_phone: bool


@SERVICE.operation(
    "admit",
    title={"zh-Hant": "由隔離登記簿帶入電子圍籬", "en": "Take over from the isolation register"},
    summary={
        "zh-Hant": "登記簿的一筆隔離處分，依命令成為電子圍籬對象；變更、縮短與解除跟著走。",
        "en": "An entry of a register comes under the fence, under an order; its changes and its end follow.",
    },
    data=("health",),
    audience="agency",
    effect="write",
    purpose="012",
    subject="person",
    once="version",
    channels=("api",),
)
async def admit(ctx: Context, request: Entry) -> Admitted:
    """Raises Denied without an order or an area, Invalid naming the field, Conflict (`over`) for a case that an officer
    ended while the entry goes on, or (`raced`) when an officer was at the case in the same moment: ask again."""
    order, duties = await on_duty(ctx)
    check_area(duties, request.village)
    said = await _read(ctx, request)
    person = person_named(shelf_of(ctx.db), request.person)
    known = await ctx.db.sql.read(lambda tx: records.held_by_person(tx, person, order))
    one = await opened(ctx, known) if known is not None else None
    if one is not None:
        check_area(duties, one.held.village)
    fresh = await case_of(ctx, order, said.who, said.village, said.start) if _may_begin(one, said, ctx.now) else None

    def job(tx: Tx) -> tuple[Held | None, tuple[str, ...]]:
        now_is = records.held_by_person(tx, person, order)
        if records.admitted_version(tx, person, order) >= request.version:
            return now_is, ()
        if (now_is.id if now_is is not None else "") != (known.id if known is not None else ""):
            raise Conflict(both("raced"), remedy=both("raced_remedy"), kind="raced")
        tx.run(SQL["put_admitted"], person=person, power=order, version=request.version)
        if fresh is not None:
            return _begun(tx, ctx, fresh, said, request.reason), ("new",)
        if now_is is None or one is None:
            return None, ()
        return _followed(tx, ctx, Opened(now_is, one.key, one.random), said, request.reason)

    held, did = await ctx.db.sql.write(job)
    return Admitted(held.id if held is not None else "", did, said.who.name, iso(EpochS(said.until)))


@SERVICE.operation(
    "handled", title={"zh-Hant": "登記簿問題已處理", "en": "An entry was seen to"},
    summary={
        "zh-Hant": "已人工處理沒有帶入的登記，從清單移除。",
        "en": "An entry that did not come in was seen to by hand; off the list with it.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def handled(ctx: Context, request: Handled) -> Left:
    """Only one that the caller's agency sees is taken off."""
    order, duties = await on_duty(ctx)

    def job(tx: Tx) -> int:
        found = [one for one in records.arrivals(tx, order) if _concerns(one, ctx.caller.agency, duties)]
        if request.entry in {one.entry for one in found}:
            records.drop_arrival(tx, order, request.entry)
        return len([one for one in found if one.entry != request.entry])

    return Left(await ctx.db.sql.write(job))


def arrivals_for(tx: Tx, order: str, agency: str, duties: Sequence[Duty]) -> tuple[Arrival, ...]:
    """Those of an agency's own register and of its areas."""
    return tuple(one for one in records.arrivals(tx, order) if _concerns(one, agency, duties))


async def not_admitted(db: Drawer, order: str, one: Arrival) -> None:
    """Composition puts an entry on the officers' list."""
    await db.sql.write(partial(records.put_arrival, power=order, one=one))


async def was_admitted(db: Drawer, order: str, entry: str) -> None:
    """An entry came in: if it stood on the list, no longer."""
    await db.sql.write(partial(records.drop_arrival, power=order, entry=entry))


async def _read(ctx: Context, request: Entry) -> _Taken:
    terms = await ctx.db.sql.read(lambda tx: terms_now(tx, ctx.now))
    start = moment_of(request.start)
    if start > ctx.now + DAY_S:
        raise Invalid.at("start", both("fix_start", days=terms.days))
    phone = phone_of(request.phone)
    who = Who(request.person, request.name, phone or "", request.address, request.ground)
    until = min(moment_of(request.until, "until") + DAY_S, start + terms.days * DAY_S)
    return _Taken(who, request.village, start, until, phone is None)


def _may_begin(one: Opened | None, said: _Taken, now: float) -> bool:
    """A case begins for who has none, or whose last one was over before this isolation began."""
    if said.until <= now:
        return False
    return one is None or (one.held.state == "over" and said.start >= one.held.until)


def _begun(tx: Tx, ctx: Context, fresh: Opened, said: _Taken, words: str) -> Held:
    trouble = "wrong-number" if said.has_bad_phone else fresh.held.enrolment
    case = msgspec.structs.replace(fresh, held=msgspec.structs.replace(fresh.held, until=said.until, enrolment=trouble))
    return begin_case(tx, ctx, case, "admitted", words)


def _followed(tx: Tx, ctx: Context, one: Opened, said: _Taken, words: str) -> tuple[Held, tuple[str, ...]]:
    """Make a living case what the entry says now."""
    held = one.held
    if held.state == "over":
        if said.until > ctx.now:
            raise Conflict(both("over_here"), remedy=both("over_here_remedy"), kind="over")
        return held, ()
    if said.until <= ctx.now:
        return set_case(tx, ctx, one, state="over", until=ctx.now, kind="to-over", words=words), ("ended",)
    did: list[str] = []
    who = one.who
    after = msgspec.structs.replace(
        who, name=said.who.name or who.name, phone=said.who.phone or who.phone,
        address=said.who.address or who.address,
    )  # fmt: skip
    if (after.phone, after.address, said.village) != (who.phone, who.address, held.village):
        after = msgspec.structs.replace(after, lon=None, lat=None)
        held = move_case(tx, ctx, one, after, village=said.village, words=words)
        did.append("moved")
    if said.until != held.until:
        one = msgspec.structs.replace(one, held=held)
        held = set_case(tx, ctx, one, state=held.state, until=said.until, kind="until", words=words)
        did.append("until")
    return held, tuple(did)


def _concerns(one: Arrival, agency: str, duties: Sequence[Duty]) -> bool:
    return (
        not one.agency
        or one.agency == agency
        or (bool(one.village) and any(duty.covers(one.village) for duty in duties))
    )
