"""Who may know what: the public a masked answer, the family where to go, the staff what their purpose needs.

The public names a person in full and a secret; the family and the staff her number, and the gate weighs a legal basis
and writes the use into the list that she can read later (`/mydata`). What the register holds is browsed by nobody.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import msgspec

from banyan.craft.match import build, keys, masked
from banyan.errors import Denied, Limit
from banyan.kernel.catalogue.dialogue import Choice, Reply
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits import REASON_CHARS
from banyan.limits_casualties import CASUALTY_FIELD, CASUALTY_FOUND, CASUALTY_TRIES
from banyan.service.casualties import records, rules
from banyan.service.casualties.deciding import person_named
from banyan.service.casualties.filing import DAY_S
from banyan.service.casualties.law import under_order
from banyan.service.casualties.looking import note_look
from banyan.service.casualties.records import Patient
from banyan.service.casualties.rules import SHOWN, Shown, Stay, chain, current
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import MESSAGES, both, shelf_of, unknown

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=CASUALTY_FIELD)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
RELATIONS: Final = ("spouse", "parent", "child", "sibling", "other")


def _called(field: str) -> msgspec.Meta:
    """What a dialogue calls a field."""
    return msgspec.Meta(extra={"label": {lang: MESSAGES.text(f"casualties.ask_{field}", lang) for lang in LANGUAGES}})


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`secret`: the birth date, or the last four digits of the number."""

    name: Annotated[Name, _called("name")]
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=20), _called("secret")]


class Masked(msgspec.Struct, frozen=True):
    """What the public learns. `condition` `contact`: a person tells, by telephone; `as_of` is RFC 3339 UTC."""

    name: str
    sex: str
    age: str
    hospital: str
    condition: Shown
    as_of: str


class FamilyQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`person` is the patient's number; `relation` what the caller says they are to them."""

    person: Number
    name: Name
    relation: Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(RELATIONS)})$")]


class ForFamily(msgspec.Struct, frozen=True):
    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    hospital: Annotated[str, personal("C111")] | UnsetType = UNSET
    ward: Annotated[str, personal("C111")] | UnsetType = UNSET
    phone: Annotated[str, personal("C111")] | UnsetType = UNSET
    condition: Annotated[Shown, personal("C111")] | UnsetType = UNSET
    as_of: str = ""


class StaffQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is read by somebody else of the agency at the review: it is a use under an order."""

    person: Number
    reason: Annotated[str, msgspec.Meta(max_length=REASON_CHARS, title="理由 Reason")] = ""
    fields: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()
    purpose: Annotated[str, msgspec.Meta(pattern="^([0-9]{3})?$")] = ""


class ForStaff(msgspec.Struct, frozen=True):
    """`stays` is the transfer chain, oldest first."""

    name: Annotated[str, personal("C001")] | UnsetType = UNSET
    sex: Annotated[str, personal("C011")] | UnsetType = UNSET
    born: Annotated[str, personal("C011")] | UnsetType = UNSET
    is_protected: Annotated[bool, personal("C132")] | UnsetType = UNSET
    stays: Annotated[tuple[Stay, ...], personal("C111")] | UnsetType = UNSET


class NameQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name


class Likely(msgspec.Struct, frozen=True):
    """Somebody who may be meant, masked: the whole record needs the number and a basis. `score` is 0 to 1; `id` is the
    register's own, for her chain of transfers."""

    id: str
    name: str
    sex: str
    age: str
    hospital: str
    score: float


@SERVICE.operation(
    "look_up",
    title={"zh-Hant": "查詢傷病患", "en": "Look somebody up"},
    summary={
        "zh-Hant": "輸入完整姓名，以及生日或證號末四碼；不能瀏覽名單。",
        "en": "By full name, and birth date or the number's last four digits; there is no list.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=("web", "api", "kiosk"),
    rate="login",
)
async def look_up(ctx: Context, request: Question) -> Masked:
    """Raises NotFound in the same words, and after the same work, whatever is wrong; Limit for a name asked too often
    today, there or not."""
    shelf, today = shelf_of(ctx.db), rules.day_of(ctx.now)
    written = "\x1f".join(keys(request.name))
    name = rules.named(shelf.key, "tried", written)
    token = rules.asked(shelf.key, request.name, request.secret, today)
    times, found, stays = await ctx.db.sql.write(
        partial(_probe, ctx=ctx, name=name, token=token, id=shelf.random(16).hex())
    )
    if times > CASUALTY_TRIES:
        raise Limit(both("often"), remedy=both("often_remedy"), status=429, kind="asked-often")
    if len(found) != 1 or found[0].is_protected or not stays:
        raise unknown()
    patient, last = found[0], current(stays)
    band = rules.age_band(patient.born, today)
    return Masked(masked(patient.name), patient.sex, band, last.hospital, SHOWN[last.status], iso(EpochS(last.at)))


@SERVICE.operation(
    "in_chat",
    title={"zh-Hant": "傷病患查詢", "en": "Casualty look-up"},
    summary={
        "zh-Hant": "要問完整姓名，以及生日或證號末四碼；不能瀏覽名單。",
        "en": "It asks the full name, and the birth date or the number's last four digits; there is no list.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    keys=("傷患", "傷病患", "失聯", "哪家醫院", "casualty"),
    channels=("chat",),
    rate="login",
)
async def in_chat(ctx: Context, request: Question) -> Reply:
    """The same answer in words, in both languages: a dialogue does not say which it is held in. Raises what `look_up`
    raises."""
    found = await look_up(ctx, request)
    words = {
        lang: {
            key: MESSAGES.text(f"casualties.said_{key}", lang) for key in (found.condition, *filter(None, [found.sex]))
        }
        for lang in LANGUAGES
    }
    lines = [
        MESSAGES.text("casualties.said", lang, name=found.name, hospital=found.hospital, age=found.age or "–",
                      sex=words[lang].get(found.sex, "–"), condition=words[lang][found.condition])
        for lang in LANGUAGES
    ]  # fmt: skip
    return Reply("\n".join(lines), 1.0, choices=(Choice("家屬查詢 Family", path="/casualties/family"),))


@SERVICE.operation(
    "for_family",
    title={"zh-Hant": "家屬查詢", "en": "Ask as family"},
    summary={
        "zh-Hant": "登入後以證號查詢醫院電話與病房；每次查詢都會記錄，日後當事人看得到。",
        "en": "Signed in, by number: the hospital's telephone and ward. The person can see later who asked.",
    },
    data=("health",),
    audience="public",
    purpose="058",
    subject="person",
    rate="login",
)
async def for_family(ctx: Context, request: FamilyQuestion) -> ForFamily:
    """Raises Denied for who has not signed in, NotFound alike for nobody, another name and the protected."""
    if ctx.caller.kind != "citizen":
        raise Denied(both("sign_in"), remedy=both("sign_in_remedy"), status=401)
    patient, stays = await _by_number(ctx, request.person)
    if patient is None or patient.is_protected or not set(keys(patient.name)) & set(keys(request.name)):
        raise unknown()
    last = current(stays)
    return ForFamily(patient.name, last.hospital, last.ward, last.phone, SHOWN[last.status], iso(EpochS(last.at)))


@SERVICE.operation(
    "record",
    title={"zh-Hant": "調閱傷病患紀錄", "en": "Read a casualty's record"},
    summary={
        "zh-Hant": "承辦人員依目的與法律依據調閱，含轉院歷程。",
        "en": "By officers, for a purpose and on a legal basis: with the chain of transfers.",
    },
    data=("health",),
    audience="officer",
    purpose="058",
    subject="person",
)
async def record(ctx: Context, request: StaffQuestion) -> ForStaff:
    """Raises NotFound for nobody."""
    patient, stays = await _by_number(ctx, request.person)
    if patient is None:
        raise unknown()
    return ForStaff(patient.name, patient.sex, patient.born, patient.is_protected, chain(stays))


@SERVICE.operation(
    "find",
    title={"zh-Hant": "以姓名找人", "en": "Find by name"},
    summary={
        "zh-Hant": "承辦人員以聽到或看到的姓名找人：異體字、同音字、羅馬拼音都可；結果遮蔽。",
        "en": "For officers: a name as heard or spelled, in any script; answers are masked.",
    },
    data=OPEN,
    audience="officer",
    purpose="058",
    path="/api/casualties/find",
    effect="write",
    rate="query",
)
async def find(ctx: Context, request: NameQuestion) -> tuple[Likely, ...]:
    """The likeliest first; protected persons are left out. Raises Denied without an order."""
    await under_order(ctx)
    people, stays = await ctx.db.sql.read_long(lambda tx: (records.everybody(tx), records.all_stays(tx)))
    listed = [one for one in people if not one.is_protected and one.id in stays]
    today = rules.day_of(ctx.now)
    return tuple(
        Likely(one.id, masked(one.name), one.sex, rules.age_band(one.born, today), current(stays[one.id]).hospital,
               found.score)
        for found in build([one.name for one in listed]).find(request.name, CASUALTY_FOUND)
        for one in (listed[found.place],)
    )  # fmt: skip


async def _by_number(ctx: Context, number: str) -> tuple[Patient | None, tuple[Stay, ...]]:
    person = person_named(ctx, number)

    def job(tx: Tx) -> tuple[Patient | None, tuple[Stay, ...]]:
        found = records.person_of(tx, person)
        return found, records.stays_of(tx, found.id) if found is not None else ()

    return await ctx.db.sql.read(job)


def _probe(tx: Tx, *, ctx: Context, name: bytes, token: bytes, id: str) -> tuple[int, list[Patient], tuple[Stay, ...]]:
    """Four statements, whether anybody is found or not: `id` stands for nobody's stays. Who is protected can see that
    somebody asked, too."""
    row = tx.row(records.SQL["try_once"], token=name, day=int(ctx.now // DAY_S))
    found = records.probed(tx, token)
    stays = records.stays_of(tx, found[0].id if found else id)
    note_look(tx, id, found[0].id if len(found) == 1 else "", ctx)
    return int(str(row[0])) if row else 0, found, stays
