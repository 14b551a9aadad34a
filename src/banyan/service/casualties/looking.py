"""Who looked at a person: her own record, the list of looks that the ledger does not have, and officers' look at the
chain of transfers of somebody whose number they do not know.

What names a number goes through the gate's bases into the ledger (`/mydata`); what finds a person by name or by the
register's own id is written here, in the same commit as the question, and is hers to read.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.craft.match import masked
from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_casualties import CASUALTY_LOOKS
from banyan.service.casualties import records, rules
from banyan.service.casualties.counting import Nothing
from banyan.service.casualties.law import under_order
from banyan.service.casualties.records import Patient
from banyan.service.casualties.rules import SHOWN, Shown, Stay, chain, current
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import both, shelf_of, unknown

SQL: Final = load_statements("banyan.service.casualties", "looking.sql")
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$", title="紀錄代號 Record")]
Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=REASON_CHARS, title="理由 Reason")]


class Look(msgspec.Struct, frozen=True):
    """`at` is RFC 3339 UTC; `agency` empty: somebody of the public who knew the name and the secret."""

    at: str
    agency: str
    reason: str


class Step(msgspec.Struct, frozen=True):
    """One word of a hospital, as anybody may see it: a death is told by a person."""

    hospital: str
    at: str
    condition: Shown
    towards: str = ""


class Own(msgspec.Struct, frozen=True):
    """A person's own record, to herself and to who acts for her."""

    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    hospital: Annotated[str, personal("C111")] | UnsetType = UNSET
    ward: Annotated[str, personal("C111")] | UnsetType = UNSET
    phone: Annotated[str, personal("C111")] | UnsetType = UNSET
    condition: Annotated[Shown, personal("C111")] | UnsetType = UNSET
    steps: Annotated[tuple[Step, ...], personal("C111")] | UnsetType = UNSET
    as_of: str = ""
    ends: str = ""
    looks: tuple[Look, ...] = ()


class ChainQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is written down beside the look: the person can read it."""

    id: Id
    reason: Reason


class Told(msgspec.Struct, frozen=True):
    """What one hospital calls her, masked."""

    hospital: str
    name: str
    sex: str
    age: str


class Chain(msgspec.Struct, frozen=True):
    id: str
    name: str
    sex: str
    age: str
    told: tuple[Told, ...]
    steps: tuple[Step, ...]
    ends: str


@SERVICE.operation(
    "mine",
    title={"zh-Hant": "我與我代理的人", "en": "Myself, and whom I act for"},
    summary={
        "zh-Hant": "自己或所代理的人在哪家醫院，以及誰查詢過。",
        "en": "Where you, or the person you act for, are cared for; and who looked.",
    },
    data=("health",),
    audience="citizen",
    purpose="own-affairs",
)
async def mine(ctx: Context, request: Nothing) -> Own:
    """Raises NotFound for who is in no hospital's list; of a protected person only she herself is told: who acts for
    her may be whom she is protected from."""
    shelf = shelf_of(ctx.db)
    person = rules.person_named(shelf.key, bytes.fromhex(ctx.caller.subject))

    def job(tx: Tx) -> tuple[Patient | None, tuple[Stay, ...], tuple[Look, ...]]:
        found = records.person_of(tx, person)
        if found is None:
            return None, (), ()
        return found, records.stays_of(tx, found.id), looks_of(tx, found.id)

    patient, stays, looks = await ctx.db.sql.read(job)
    if patient is None or not stays or (patient.is_protected and ctx.caller.kind != "citizen"):
        raise unknown()
    last = current(stays)
    return Own(
        name=patient.name,
        hospital=last.hospital,
        ward=last.ward,
        phone=last.phone,
        condition=SHOWN[last.status],
        steps=steps_of(stays),
        as_of=iso(EpochS(last.at)),
        ends=iso(EpochS(patient.expires)),
        looks=looks,
    )


@SERVICE.operation(
    "chain",
    title={"zh-Hant": "查看轉院歷程", "en": "See the chain of transfers"},
    summary={
        "zh-Hant": "不知道證號的人：依命令查看遮蔽後的轉院歷程；理由與查閱都會留給當事人看。",
        "en": "Of somebody whose number is not known, under an order, masked; the look and its reason are hers to see.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="058",
    rate="query",
)
async def see_chain(ctx: Context, request: ChainQuestion) -> Chain:
    """Raises Denied without an order, NotFound for nobody, a tombstone and a protected person."""
    await under_order(ctx)
    today, id = rules.day_of(ctx.now), shelf_of(ctx.db).random(16).hex()

    def job(tx: Tx) -> Chain:
        patient = records.by_id(tx, request.id)
        if patient is None or patient.is_protected:
            raise NotFound(both("no_record"), remedy=both("no_record_remedy"))
        note_look(tx, id, patient.id, ctx, request.reason)
        told = tuple(Told(one.hospital, masked(one.name), one.sex, rules.age_band(one.born, today))
                     for one in records.told_of(tx, patient.id))  # fmt: skip
        return Chain(patient.id, masked(patient.name), patient.sex, rules.age_band(patient.born, today), told,
                     steps_of(records.stays_of(tx, patient.id)), iso(EpochS(patient.expires)))  # fmt: skip

    return await ctx.db.sql.write(job)


def note_look(tx: Tx, id: str, patient: str, ctx: Context, reason: str = "") -> None:
    """Write a look down. An officer's agency and pseudonym are kept, of the public nothing but the moment."""
    is_officer = ctx.caller.kind == "officer"
    agency, officer = (ctx.caller.agency, ctx.caller.id) if is_officer else ("", "")
    tx.run(SQL["look"], id=id, patient=patient, at=ctx.now, agency=agency, officer=officer, reason=reason)


def looks_of(tx: Tx, patient: str) -> tuple[Look, ...]:
    rows = tx.rows(SQL["looks"], patient=patient, limit=CASUALTY_LOOKS)
    return tuple(Look(iso(EpochS(float(str(row[0])))), str(row[1]), str(row[2])) for row in rows)


def steps_of(stays: tuple[Stay, ...]) -> tuple[Step, ...]:
    return tuple(Step(one.hospital, iso(EpochS(one.at)), SHOWN[one.status], one.towards) for one in chain(stays))
