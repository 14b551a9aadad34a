"""Hospitals report: the five-field form, a sheet pasted from Excel or a CSV file, or rows by a programme."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.limits_casualties import CASUALTY_DAYS, CASUALTY_FIELD, CASUALTY_ROWS, CASUALTY_TEXT
from banyan.service.casualties import records, rules, sheet
from banyan.service.casualties.records import Reported
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.sheet import Fault
from banyan.service.casualties.shelf import Shelf, both, shelf_of

EXPIRE = "expire"
DAY_S = 86_400.0
Cell = Annotated[str, msgspec.Meta(max_length=CASUALTY_FIELD)]


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The five fields, and what may stand beside them. Words are those of the sheet: 男, 79/3/12, 加護病房."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=CASUALTY_FIELD)]
    sex: Cell = ""
    born: Cell = ""
    number: Cell = ""
    status: Cell = ""
    hospital: Cell = ""
    towards: Cell = ""
    ward: Cell = ""
    phone: Cell = ""
    at: Cell = ""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: Annotated[tuple[Person, ...], msgspec.Meta(min_length=1, max_length=CASUALTY_ROWS)]


class Pasted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`hospital` is whose list it is, from who is no hospital's officer; a column of hospitals comes first."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=CASUALTY_TEXT)]
    hospital: Cell = ""


class Filed(msgspec.Struct, frozen=True):
    """How many persons are new, known from another hospital (`joined`), changed or the same, and lines at fault."""

    new: int
    joined: int
    changed: int
    same: int
    faults: tuple[Fault, ...]


@SERVICE.operation(
    "report",
    title={"zh-Hant": "通報傷病患", "en": "Report casualties"},
    summary={
        "zh-Hant": "醫院通報五個欄位：姓名、性別、生日、證號、狀況。轉院的人併成一筆。",
        "en": "A hospital's five fields: name, sex, birth date, number, condition. A transferred person stays one.",
    },
    data=OPEN,
    audience="hospital",
    effect="write",
    purpose="064",
    rate="write",
)
async def report(ctx: Context, request: Report) -> Filed:
    """Raises Denied for who is no hospital, Invalid naming the field of a form of one person."""
    today = rules.day_of(ctx.now)
    read = [sheet.read_row(msgspec.structs.asdict(one), today) for one in request.persons]
    faults = tuple(Fault(at, one) for at, one in enumerate(read, 1) if isinstance(one, str))
    if faults and len(read) == 1:
        raise Invalid.at(faults[0].field, both(f"fix_{faults[0].field}"))
    return await _filed(ctx, tuple(one for one in read if isinstance(one, sheet.Row)), faults)


@SERVICE.operation(
    "paste",
    title={"zh-Hant": "貼上名單", "en": "Paste a list"},
    summary={
        "zh-Hant": "從 Excel 貼上或上傳 CSV；有欄名就照欄名，沒有就依五個欄位的順序。",
        "en": "From Excel or a CSV; by its headings, or in the order of the five fields.",
    },
    data=OPEN,
    audience="hospital",
    effect="write",
    purpose="064",
    rate="write",
)
async def paste(ctx: Context, request: Pasted) -> Filed:
    """Raises what `read_sheet` raises."""
    found = sheet.read_sheet(request.text, rules.day_of(ctx.now))
    rows = tuple(msgspec.structs.replace(one, hospital=one.hospital or request.hospital) for one in found.rows)
    return await _filed(ctx, rows, found.faults)


async def _filed(ctx: Context, rows: tuple[sheet.Row, ...], faults: tuple[Fault, ...]) -> Filed:
    shelf = shelf_of(ctx.db)
    own = await shelf.agency_of(ctx.caller.agency) if ctx.caller.kind in ("officer", "app") else ""
    if not own and any(not row.hospital for row in rows):
        raise Denied(both("no_hospital"), remedy=both("no_hospital_remedy"))
    reported = [_reported(shelf, _of(row, own, ctx.now), ctx.now) for row in rows]
    outcomes = await ctx.db.sql.write(lambda tx: [records.file_row(tx, row) for row in reported])
    new, joined, changed, same = (outcomes.count(one) for one in ("new", "joined", "changed", "same"))
    return Filed(new, joined, changed, same, faults)


def _of(row: sheet.Row, own: str, now: float) -> sheet.Row:
    """The row as its hospital's: an officer speaks for no other. A moment to come is now."""
    at = min(row.at or now, now)
    return msgspec.structs.replace(row, hospital=own or row.hospital, at=at)


def _reported(shelf: Shelf, row: sheet.Row, now: float) -> Reported:
    person = rules.person_named(shelf.key, shelf.subject_of(row.number)) if row.number else ""
    is_unnamed = rules.is_unnamed(row.name)
    tokens = () if is_unnamed else tuple(rules.probes(shelf.key, row.name, row.born, row.number))
    return Reported(row, shelf.random(16).hex(), person, tokens, now + CASUALTY_DAYS * DAY_S)
