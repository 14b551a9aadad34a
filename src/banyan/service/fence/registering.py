"""Enrolment: a person is put under the fence by an officer, from a list or one by one, and the phone is proven hers.

What failed abroad was this, not geometry: a wrong number, no phone, no SIM. So a phone counts when a code that was sent
to it came back, and who has no such phone stands on a worklist of their own; their quarantine holds all the same.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Final, Literal

import msgspec

from banyan.errors import Conflict, Invalid, Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_fence import FENCE_CODE_TRIES, FENCE_FIELD, FENCE_TEXT
from banyan.service.fence import records, sheet
from banyan.service.fence.keeping import Opened, case_by_id, own_case, person_named, phone_named, terms_now
from banyan.service.fence.law import check_area, on_duty, order_in_force
from banyan.service.fence.positions import set_enrolment
from banyan.service.fence.records import DAY_S, Held, Who
from banyan.service.fence.sealing import NONCE_BYTES, SQL, day_key, named, seal
from banyan.service.fence.sending import queue
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import Fault
from banyan.service.fence.shelf import both, shelf_of

TAIWAN: Final = timezone(timedelta(hours=8))
Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", title="案號 Case")]
Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=REASON_CHARS, title="理由 Reason")]
Line = Annotated[str, msgspec.Meta(max_length=FENCE_FIELD)]
Trouble = Literal["wrong-number", "no-phone", "no-sim"]
SALT_BYTES: Final = 32


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person. `start` is a date of Taiwan; the quarantine ends by itself, and the record after 28 days."""

    person: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    name: Line
    address: Line
    village: Annotated[str, msgspec.Meta(pattern=r"^\d{8}(\d{3})?$")]
    start: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    phone: Annotated[str, msgspec.Meta(max_length=20)] = ""
    ground: Literal["arrival", "contact", "self-health"] = "arrival"
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARS)] = ""


class Registered(msgspec.Struct, frozen=True):
    """`is_new` is false when she is registered already. `until` is when the quarantine ends, RFC 3339 UTC."""

    case: str
    is_new: bool
    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    until: Annotated[str, personal("C034")] | UnsetType = UNSET


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CSV with headings, and why; the reason is written beside each release."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=FENCE_TEXT)]
    reason: Reason


class Imported(msgspec.Struct, frozen=True):
    new: int
    known: int
    faults: tuple[Fault, ...]


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: Id


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`case` is left out by the person herself."""

    code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$")]
    case: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16})?$")] = ""


class Troubled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: Id
    trouble: Trouble


class Stands(msgspec.Struct, frozen=True):
    """How a case stands with its phone."""

    case: str
    enrolment: str


@SERVICE.operation(
    "register",
    title={"zh-Hant": "登記電子圍籬對象", "en": "Put a person under the fence"},
    summary={
        "zh-Hant": "依命令登記居家檢疫者；當事人看得到是誰登記的。",
        "en": "Under an order; the person sees who registered them.",
    },
    data=("health",),
    audience="officer",
    effect="write",
    purpose="012",
    subject="person",
    channels=("api",),
)
async def register(ctx: Context, request: Registration) -> Registered:
    """Again changes nothing. Raises Denied without an order or outside the caller's area, Invalid naming the field."""
    order, duties = await on_duty(ctx)
    check_area(duties, request.village)
    phone = sheet.phone_of(request.phone)
    if phone is None:
        raise Invalid.at("phone", both("fix_phone"))
    start = moment_of(request.start)
    terms = await ctx.db.sql.read(lambda tx: terms_now(tx, ctx.now))
    if not ctx.now - terms.days * DAY_S < start <= ctx.now + DAY_S:
        raise Invalid.at("start", both("fix_start", days=terms.days))
    who = Who(request.person, request.name, phone, request.address, request.ground, request.lon, request.lat)
    case = await case_of(ctx, order, who, request.village, start)

    def job(tx: Tx) -> tuple[Held, bool]:
        known = records.held_by_person(tx, case.held.person, order)
        if known is not None and known.state != "over":
            return known, False
        return begin_case(tx, ctx, case, "registered", request.reason), True

    held, is_new = await ctx.db.sql.write(job)
    return Registered(held.id, is_new, request.name, iso(EpochS(held.until)))


@SERVICE.operation(
    "import_list",
    title={"zh-Hant": "匯入名單", "en": "Import a list"},
    summary={
        "zh-Hant": "移民署或衛生單位的 CSV 名單；每個人都經過同一道依據檢查與紀錄。",
        "en": "A CSV of immigration or health; each person is weighed and recorded like one alone.",
    },
    data=OPEN,
    audience="officer",
    effect="write",
    purpose="012",
    channels=("api",),
    rate="upload",
    time_s=60.0,
)
async def import_list(ctx: Context, request: Sheet) -> Imported:
    """Raises Denied without an order; a row outside the caller's area is a fault of its village."""
    _, duties = await on_duty(ctx)
    rows, faults = sheet.read_sheet(request.text)
    new = known = 0
    found = list(faults)
    for row in rows:
        if not any(one.covers(row.village) for one in duties):
            found.append(Fault(row.line, "village"))
            continue
        asked = {"person": row.number, "name": row.name, "address": row.address, "village": row.village,
                 "start": row.start.isoformat(), "phone": row.phone, "ground": row.ground, "lon": row.lon,
                 "lat": row.lat, "reason": request.reason}  # fmt: skip
        try:
            done = await ctx.call("fence.register", asked)
        except Invalid as problem:
            found.append(Fault(row.line, problem.fields[0].field if problem.fields else "number"))
            continue
        new, known = new + done.is_new, known + (not done.is_new)
    return Imported(new, known, tuple(sorted(found, key=lambda one: one.line)))


@SERVICE.operation(
    "send_code", title={"zh-Hant": "發送驗證碼", "en": "Send a code to the phone"},
    summary={"zh-Hant": "寄六位數驗證碼，確認手機是本人的。", "en": "Six digits by SMS, to prove whose phone it is."},
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def send_code(ctx: Context, request: Case) -> Stands:
    """Raises NotFound, Denied, or Conflict for who has no phone."""
    order, duties = await on_duty(ctx)
    one = await case_by_id(ctx, request.case, order)
    check_area(duties, one.held.village)
    if not one.held.phone:
        raise Conflict(both("no_phone"), remedy=both("no_phone_remedy"), kind="no-phone")
    shelf = shelf_of(ctx.db)
    code = f"{int.from_bytes(shelf.random(8)) % 1_000_000:06}"

    def job(tx: Tx) -> None:
        until = ctx.now + terms_now(tx, ctx.now).code_s
        tx.run(SQL["put_code"], held=one.held.id, digest=_digest(shelf.key, one.held.id, code), until=until)
        if one.held.enrolment != "verified":
            tx.run(SQL["set_enrolment"], id=one.held.id, enrolment="sent")
        queue(tx, ctx, one, kind="code", alarm="", values={"code": code})
        one.note(tx, ctx, "code-sent")

    await ctx.db.sql.write(job)
    return Stands(one.held.id, "sent" if one.held.enrolment != "verified" else "verified")


@SERVICE.operation(
    "verify", title={"zh-Hant": "輸入驗證碼", "en": "Prove a phone by its code"},
    summary={
        "zh-Hant": "承辦人員輸入當事人電話裡念出的驗證碼。",
        "en": "An officer types the code that the person read out.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def verify(ctx: Context, request: Code) -> Stands:
    """Raises Invalid for a wrong, used or old code, Limit after too many tries."""
    order, duties = await on_duty(ctx)
    one = await case_by_id(ctx, request.case, order)
    check_area(duties, one.held.village)
    return await _verified(ctx, one, request.code)


@SERVICE.operation(
    "verify_mine", title={"zh-Hant": "確認我的手機", "en": "Prove my phone"},
    summary={"zh-Hant": "輸入簡訊裡的六位數。", "en": "Type the six digits of the SMS."},
    data=("health",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",), rate="login",
)  # fmt: skip
async def verify_mine(ctx: Context, request: Code) -> Stands:
    return await _verified(ctx, await own_case(ctx, await order_in_force(ctx)), request.code)


@SERVICE.operation(
    "note_trouble", title={"zh-Hant": "註記手機問題", "en": "Note trouble with a phone"},
    summary={
        "zh-Hant": "號碼錯誤、沒有手機或沒有門號：列入另一份工作清單。",
        "en": "A wrong number, no phone, no SIM: another worklist.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def note_trouble(ctx: Context, request: Troubled) -> Stands:
    order, duties = await on_duty(ctx)
    one = await case_by_id(ctx, request.case, order)
    check_area(duties, one.held.village)

    def job(tx: Tx) -> None:
        tx.run(SQL["set_enrolment"], id=one.held.id, enrolment=request.trouble)
        tx.run(SQL["drop_code"], held=one.held.id)
        one.note(tx, ctx, request.trouble)

    await ctx.db.sql.write(job)
    return Stands(one.held.id, request.trouble)


async def case_of(ctx: Context, order: str, who: Who, village: str, start: float) -> Opened:
    """A case that may begin, with the key of its day; nothing is written of it yet but that key."""
    shelf, terms = shelf_of(ctx.db), await ctx.db.sql.read(lambda tx: terms_now(tx, ctx.now))
    until, day = start + terms.days * DAY_S, records.day_of(start + terms.keep_days * DAY_S)
    key = await day_key(ctx.db, shelf, order, day, make=True)
    salt, id, person = shelf.random(SALT_BYTES), shelf.random(8).hex(), person_named(shelf, who.number)
    sealed = seal(key, salt, msgspec.json.encode(who), shelf.random(NONCE_BYTES))
    held = Held(id, 0, person, phone_named(shelf, who.phone), order, day, salt, sealed, village, "watched",
                "none" if who.phone else "no-phone", start, until)  # fmt: skip
    return Opened(held, key, shelf.random)


def begin_case(tx: Tx, ctx: Context, case: Opened, kind: str, words: str) -> Held:
    """Put a case under the fence, with a slot of its own."""
    held = msgspec.structs.replace(case.held, slot=records.next_slot(tx))
    records.add_held(tx, held)
    case.note(tx, ctx, kind, words=words)
    records.count(tx, ctx.now, "registered")
    set_enrolment(tx, held.slot, ctx.now)
    return held


async def _verified(ctx: Context, one: Opened, code: str) -> Stands:
    """Each try is counted before it is judged: two at once are two tries."""
    key, id = shelf_of(ctx.db).key, one.held.id

    def job(tx: Tx) -> str:
        tx.run(SQL["try_code"], held=id)
        row = tx.row(SQL["code"], held=id)
        if row is None:
            return "wrong"
        digest, until, tries = row
        assert isinstance(digest, bytes), "a digest is bytes"
        if int(str(tries)) > FENCE_CODE_TRIES:
            return "often"
        if ctx.now > float(str(until)) or not hmac.compare_digest(digest, _digest(key, id, code)):
            return "wrong"
        tx.run(SQL["drop_code"], held=id)
        tx.run(SQL["set_enrolment"], id=id, enrolment="verified")
        one.note(tx, ctx, "verified")
        return ""

    fault = await ctx.db.sql.write(job)
    if fault == "often":
        raise Limit(both("code_often"), remedy=both("code_often_remedy"), status=429, kind="code-often")
    if fault:
        raise Invalid.at("code", both("fix_code"))
    return Stands(id, "verified")


def _digest(key: bytes, case: str, code: str) -> bytes:
    return bytes.fromhex(named(key, "code", f"{case}/{code}".encode()))


def moment_of(day: str, field: str = "start") -> float:
    """The beginning of a day of Taiwan. Raises Invalid for none, naming the field."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise Invalid.at(field, both("fix_date")) from None
    return datetime(found.year, found.month, found.day, tzinfo=TAIWAN).timestamp()
