"""Who is who, and who is hidden: proposals with their evidence, and officers' decisions, each with its reason.

The register joins by itself what is sure (records.py). Everything else is proposed here and decided by an officer under
an order, who has asked the hospitals; a split takes apart what was joined wrongly. Nothing is shown unmasked.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from banyan.craft.match import masked
from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_casualties import CASUALTY_FIELD, CASUALTY_PAIRS, CASUALTY_WEIGHED
from banyan.service.casualties import evidence, records, rules
from banyan.service.casualties.counting import Nothing
from banyan.service.casualties.evidence import PROPOSED, Match, Side, Sign
from banyan.service.casualties.law import is_staff, under_order
from banyan.service.casualties.looking import SQL as LOOKS
from banyan.service.casualties.looking import Id, Reason, Step, steps_of
from banyan.service.casualties.records import Patient
from banyan.service.casualties.rules import chain
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import both, shelf_of, unknown

SQL: Final = load_statements("banyan.service.casualties", "deciding.sql")
Kind = Literal["merge", "split", "apart", "protect", "show"]


class Half(msgspec.Struct, frozen=True):
    """One of two records, masked."""

    id: str
    name: str
    sex: str
    age: str
    steps: tuple[Step, ...]


class Proposal(msgspec.Struct, frozen=True):
    """Two records that may be one person; `signs` are what speaks for it and against it, `weight` their sum."""

    one: Half
    other: Half
    weight: int
    signs: tuple[Sign, ...]


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    one: Id
    other: Id
    reason: Reason


class Splitting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `hospital` said of `one` is of somebody else."""

    one: Id
    hospital: Annotated[str, msgspec.Meta(min_length=1, max_length=CASUALTY_FIELD)]
    reason: Reason


class Protection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person by number, or by the register's id when nobody knows it."""

    is_protected: bool
    reason: Reason
    person: Annotated[str, msgspec.Meta(max_length=20)] = ""
    id: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$")] = ""


class Done(msgspec.Struct, frozen=True):
    """`id`: the record that stands; of a split, the new one."""

    id: str


class Decided(msgspec.Struct, frozen=True):
    kind: Kind
    one: str
    other: str
    at: str
    agency: str
    reason: str


@SERVICE.operation(
    "proposals", title={"zh-Hant": "可能是同一人", "en": "Perhaps one person"},
    summary={
        "zh-Hant": "可能重複的紀錄與證據，由承辦人員決定。",
        "en": "Records that may be doubles, with the evidence; an officer decides.",
    },
    data=OPEN, audience="officer", purpose="058", rate="query",
)  # fmt: skip
async def proposals(ctx: Context, request: Nothing) -> tuple[Proposal, ...]:
    """The weightiest first. Protected persons are left out. Raises Denied without an order."""
    await under_order(ctx)
    sides, twos = await ctx.db.sql.read_long(_sides)
    found = await asyncio.to_thread(_weighed, sides, twos)
    today = rules.day_of(ctx.now)
    return tuple(
        Proposal(_half(match.one, today), _half(match.other, today), match.weighed.weight, match.weighed.signs)
        for match in found
    )


@SERVICE.operation(
    "merge", title={"zh-Hant": "合併為一人", "en": "Make one person of two"},
    summary={"zh-Hant": "兩筆紀錄是同一人；理由會留存。", "en": "Two records are one person; the reason is kept."},
    data=OPEN, audience="officer", effect="write", purpose="058",
)  # fmt: skip
async def merge(ctx: Context, request: Pair) -> Done:
    """The older record stays. Raises Conflict when their numbers differ."""
    await under_order(ctx)
    id = shelf_of(ctx.db).random(16).hex()

    def job(tx: Tx) -> Done:
        pair = [_found(tx, one) for one in sorted({request.one, request.other})]
        if len(pair) != 2:
            raise NotFound(both("no_record"), remedy=both("no_record_remedy"))
        numbers = {one.person for one in pair if one.person}
        if len(numbers) > 1:
            raise Conflict(both("two_numbers"), remedy=both("two_numbers_remedy"), kind="two-numbers")
        kept, gone = sorted(pair, key=lambda one: (not one.person, records.stays_of(tx, one.id)[0].at))
        tx.run(LOOKS["move_looks"], id=kept.id, other=gone.id)
        records.become_one(tx, kept.id, gone.id)
        tx.run(records.SQL["refresh"], id=kept.id, person=kept.person or gone.person, born=kept.born or gone.born,
               sex=kept.sex or gone.sex, expires=max(kept.expires, gone.expires))  # fmt: skip
        if gone.is_protected:
            tx.run(records.SQL["protect"], id=kept.id, is_protected=1)
        tx.run(SQL["undo"], one=pair[0].id, other=pair[1].id)
        _note(tx, ctx, id, "merge", one=kept.id, other=gone.id, reason=request.reason)
        return Done(kept.id)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "apart", title={"zh-Hant": "不是同一人", "en": "These are two persons"},
    summary={
        "zh-Hant": "兩筆紀錄不是同一人，不再提議。",
        "en": "Two records are two persons; they are proposed no more.",
    },
    data=OPEN, audience="officer", effect="write", purpose="058",
)  # fmt: skip
async def apart(ctx: Context, request: Pair) -> Done:
    await under_order(ctx)
    id = shelf_of(ctx.db).random(16).hex()

    def job(tx: Tx) -> Done:
        one, other = sorted((_found(tx, request.one).id, _found(tx, request.other).id))
        if not records.are_two(tx, one, other):
            _note(tx, ctx, id, "apart", one=one, other=other, reason=request.reason)
        return Done(request.one)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "split", title={"zh-Hant": "拆成兩人", "en": "Make two persons of one"},
    summary={"zh-Hant": "某家醫院說的是另一個人。", "en": "What one hospital said is of somebody else."},
    data=OPEN, audience="officer", effect="write", purpose="058",
)  # fmt: skip
async def split(ctx: Context, request: Splitting) -> Done:
    """Raises Conflict when only that hospital told of the person, or when both gave one number."""
    await under_order(ctx)
    shelf = shelf_of(ctx.db)
    id, new = shelf.random(16).hex(), shelf.random(16).hex()

    def job(tx: Tx) -> Done:
        patient = _found(tx, request.one)
        told = records.told_of(tx, patient.id)
        own = {one.person for one in told if one.hospital == request.hospital} - {""}
        if own & {one.person for one in told if one.hospital != request.hospital}:
            raise Conflict(both("one_number"), remedy=both("one_number_remedy"), kind="one-number")
        if not records.part_from(tx, patient, request.hospital, new):
            raise Conflict(both("one_hospital"), remedy=both("one_hospital_remedy"), kind="one-hospital")
        one, other = sorted((patient.id, new))
        _note(tx, ctx, id, "split", one=one, other=other, reason=request.reason)
        return Done(new)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "protect",
    title={"zh-Hant": "設定保護", "en": "Protect a person"},
    summary={
        "zh-Hant": "受保護令、證人或未成年等：對外一律查無，請改洽專線。",
        "en": "Under a protection order, a witness, a minor: to the outside there is nobody.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="058",
)  # fmt: skip
async def protect(ctx: Context, request: Protection) -> Done:
    """To hide somebody no order is needed: a hospital hides whom it treats, and the staff anybody. To show her again is
    the staff's, under an order. Raises NotFound alike for nobody and for another hospital's patient."""
    shelf = shelf_of(ctx.db)
    is_of_staff = await is_staff(ctx)
    if not request.is_protected:
        await under_order(ctx)
    id, own = shelf.random(16).hex(), await shelf.agency_of(ctx.caller.agency)
    if not is_of_staff and "hospital" not in ctx.caller.roles:
        raise Denied(both("no_staff"), remedy=both("no_staff_remedy"), kind="no-staff")
    person = person_named(ctx, request.person) if request.person else ""

    def job(tx: Tx) -> Done:
        found = records.person_of(tx, person) if person else records.by_id(tx, request.id)
        if found is None or not (is_of_staff or any(one.hospital == own for one in records.stays_of(tx, found.id))):
            raise unknown()
        tx.run(records.SQL["protect"], id=found.id, is_protected=int(request.is_protected))
        kind: Kind = "protect" if request.is_protected else "show"
        _note(tx, ctx, id, kind, one=found.id, other="", reason=request.reason)
        return Done(found.id)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "decisions", title={"zh-Hant": "決定紀錄", "en": "What was decided"},
    summary={
        "zh-Hant": "誰把哪兩筆合併、拆開，或設定保護，以及理由。",
        "en": "Who joined, parted or protected whom, and why.",
    },
    data=OPEN, audience="officer", purpose="058", rate="query",
)  # fmt: skip
async def decisions(ctx: Context, request: Nothing) -> tuple[Decided, ...]:
    """The newest first. Raises Denied without an order."""
    await under_order(ctx)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["decided"], limit=CASUALTY_PAIRS))
    return tuple(
        msgspec.convert(dict(zip(Decided.__struct_fields__, (*row[1:4], iso(EpochS(float(str(row[4])))), *row[5:]),
                                 strict=True)), Decided)
        for row in rows
    )  # fmt: skip


def person_named(ctx: Context, number: str) -> str:
    """The register's name of a person, by number. Raises NotFound for a number that cannot be."""
    shelf = shelf_of(ctx.db)
    try:
        return rules.person_named(shelf.key, shelf.subject_of(rules.number_of(number)))
    except ValueError:
        raise unknown() from None


def _sides(tx: Tx) -> tuple[list[Side], set[tuple[str, str]]]:
    stays, told = records.all_stays(tx), records.all_told(tx)
    sides = [
        Side(one, tuple(told.get(one.id, ())), chain(stays[one.id]))
        for one in records.everybody(tx)[-CASUALTY_WEIGHED:]
        if one.id in stays and not one.is_protected
    ]
    return sides, {(str(row[0]), str(row[1])) for row in tx.rows(SQL["twos"])}


def _weighed(sides: list[Side], twos: set[tuple[str, str]]) -> list[Match]:
    found = []
    for (at, to), is_like in evidence.pairs(sides).items():
        one, other = sides[at], sides[to]
        first, second = sorted((one.patient.id, other.patient.id))
        weighed = evidence.weigh(one, other, is_like=is_like) if (first, second) not in twos else None
        if weighed is not None and weighed.weight >= PROPOSED:
            found.append(Match(one, other, weighed))
    return evidence.chosen(found)[:CASUALTY_PAIRS]


def _half(side: Side, today: date) -> Half:
    patient = side.patient
    return Half(
        patient.id, masked(patient.name), patient.sex, rules.age_band(patient.born, today), steps_of(side.stays)
    )


def _found(tx: Tx, id: str) -> Patient:
    patient = records.by_id(tx, id)
    if patient is None:
        raise NotFound(both("no_record"), remedy=both("no_record_remedy"))
    return patient


def _note(tx: Tx, ctx: Context, id: str, kind: Kind, *, one: str, other: str, reason: str) -> None:
    tx.run(SQL["decide"], id=id, kind=kind, one=one, other=other, at=ctx.now, agency=ctx.caller.agency,
           officer=ctx.caller.id, reason=reason)  # fmt: skip
