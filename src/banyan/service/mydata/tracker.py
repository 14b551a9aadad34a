"""Estonia's data tracker API (Andmejälgija `findUsage` v2.1.0), served as its OpenAPI says, so that a portal that asks
Estonian registers can ask this node: e-gov/AJ dumonitor-openapi.yaml, used by eesti.ee.

Who may: the citizen, about themselves; an agency or app only on a registered legal basis for `mydata.usage_for`, which
the gate weighs and writes down like every use of personal data. The standard puts the person's number in the query
string: the access record holds the path's template only, and nothing else here keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec

from banyan.errors import Denied, Invalid, Problem
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.catalogue.personal import UNSET, UnsetType, personal
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind
from banyan.kernel.storage.statements import load_statements
from banyan.limits_mydata import MYDATA_USAGES
from banyan.service.mydata.faces import PRIVATE
from banyan.service.mydata.service import SERVICE
from banyan.service.mydata.shelf import own_subject, said, shelf_of
from banyan.service.mydata.uses import history_of, is_hidden, record_of

SQL = load_statements("banyan.service.mydata", "mydata.sql")
COUNTRY = "TW"
"""The prefix of a person's code in X-Road (`TWA123456789`); a bare number is taken too."""
TITLE = {"zh-Hant": "個資使用紀錄（findUsage）", "en": "Usage of personal data (findUsage)"}
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class FindUsage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Uses from `start` until `end` (epoch seconds), both included; newest first, `offset` are passed over."""

    user_code: str
    start: float = 0.0
    end: float = 1e12
    offset: Whole = 0
    limit: Whole = MYDATA_USAGES


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    logtime: str
    action: str
    receiver_code: str
    receiver_name: str
    receiver_system: str


class Found(msgspec.Struct, frozen=True, rename="camel"):
    """`totalUsages` of the period, whatever the page."""

    total_usages: Annotated[int, personal("C132")] | UnsetType = UNSET
    usages: Annotated[tuple[Usage, ...], personal("C132")] | UnsetType = UNSET


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class UsagePeriod(msgspec.Struct, frozen=True, rename="camel"):
    """No end: uses can be asked for until now."""

    period_start: str


class Heartbeat(msgspec.Struct, frozen=True):
    status: Literal["OK", "FAIL"]
    message: str


@SERVICE.start
async def begin(ctx: Context) -> None:
    """Note since when uses are kept: the first start, or the oldest checkpoint of a ledger that is older."""
    try:
        known = await shelf_of(ctx).ledger.checkpoints(MYDATA_USAGES)
    except Problem:
        known = []
    since = min([float(ctx.now), *(float(one.at) for one in known)])
    await ctx.db.sql.write(lambda tx: tx.run(SQL["set_since"], at=since))


@SERVICE.operation(
    "find_usage",
    title=TITLE,
    summary={"zh-Hant": "本人查自己的資料被誰用過。", "en": "One's own uses, as Estonia's tracker answers."},
    data=("identity",),
    audience="citizen",
    purpose="own-affairs",
    channels=(),
)
async def find_usage(ctx: Context, request: FindUsage) -> Found:
    """Raises Denied, the same for every code, when it names another than the person who asks."""
    subject = own_subject(ctx)
    if shelf_of(ctx).name_of(request.user_code).hex() != subject:
        raise Denied(said("not_own"), remedy=said("not_own_remedy"))
    return await _found(ctx, request, subject)


@SERVICE.operation(
    "usage_for",
    title=TITLE,
    summary={
        "zh-Hant": "入口網替當事人查；須有登記的法律依據，且本身也記錄為一次使用。",
        "en": "A portal asks for a person: on a registered basis, and itself recorded as a use.",
    },
    data=("identity",),
    audience="officer",
    purpose="135",
    channels=(),
    subject="user_code",
)
async def usage_for(ctx: Context, request: FindUsage) -> Found:
    return await _found(ctx, request, shelf_of(ctx).name_of(request.user_code).hex())


@SERVICE.operation(
    "usage_period",
    title={"zh-Hant": "使用紀錄的期間", "en": "Period of usage records"},
    summary={"zh-Hant": "從何時起保有紀錄。", "en": "Since when uses are kept."},
    data=OPEN,
    audience="public",
    channels=(),
)
async def usage_period(ctx: Context, request: Nothing) -> UsagePeriod:
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["since"]))
    assert row is not None, "it is noted at the first start"
    return UsagePeriod(iso(EpochS(float(str(row[0])))))


@SERVICE.operation(
    "heartbeat",
    title={"zh-Hant": "使用紀錄的心跳", "en": "Heartbeat of usage records"},
    summary={"zh-Hant": "日誌可否讀取。", "en": "Whether the log can be read."},
    data=OPEN,
    audience="public",
    channels=(),
)
async def heartbeat(ctx: Context, request: Nothing) -> Heartbeat:
    try:
        await shelf_of(ctx).ledger.head()
    except Problem as problem:
        return Heartbeat("FAIL", problem.title)
    return Heartbeat("OK", "the ledger is readable")


@SERVICE.face("GET", path="/v2/findUsage")
async def find_usage_face(request: FaceRequest) -> FaceAnswer:
    """Raises Invalid (400) for a missing header or a parameter that does not fit, Denied for who may not."""
    user = request.header("x-road-userid")
    if not (0 < len(user) <= 64 and user.isascii() and user.isprintable()):
        raise Invalid.at("X-Road-UserId", "name who asks in this header", status=400)
    asked = asked_of(parse_qsl(request.raw_query, keep_blank_values=True))
    is_own = request.caller.kind in ("citizen", "representative")
    return _json(await request.call("mydata.find_usage" if is_own else "mydata.usage_for", asked))


@SERVICE.face("GET", path="/v2/usagePeriod")
async def usage_period_face(request: FaceRequest) -> FaceAnswer:
    return _json(await request.call("mydata.usage_period", Nothing()))


@SERVICE.face("GET", path="/v2/heartbeat")
async def heartbeat_face(request: FaceRequest) -> FaceAnswer:
    return _json(await request.call("mydata.heartbeat", Nothing()))


def asked_of(query: Sequence[tuple[str, str]]) -> FindUsage:
    """The parameters; what the standard does not know is passed over. Raises Invalid (400) naming the parameter, and
    never repeats a value: it may be a person's number."""
    given = dict(query)
    code = normalized_person_number(given.get("userCode", ""))
    if code.startswith(COUNTRY) and person_number_kind(code) is None:
        code = code[len(COUNTRY) :]
    if person_number_kind(code) is None:
        raise Invalid.at("userCode", "a person's number, with or without TW before it", status=400)
    return FindUsage(
        user_code=code,
        start=_moment(given, "periodStart", 0.0),
        end=_moment(given, "periodEnd", 1e12),
        offset=_whole(given, "offset", 0),
        limit=min(_whole(given, "limit", MYDATA_USAGES), MYDATA_USAGES),
    )


def _moment(given: dict[str, str], name: str, otherwise: float) -> float:
    if name not in given:
        return otherwise
    try:
        found = datetime.fromisoformat(given[name])
        is_whole = found.tzinfo is not None
    except ValueError:
        is_whole = False
    if not is_whole:
        raise Invalid.at(name, "a moment with its zone, such as 2021-01-31T10:20:30Z", status=400)
    return found.timestamp()


def _whole(given: dict[str, str], name: str, otherwise: int) -> int:
    text = given.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid.at(name, "a whole number from 0", status=400)
    return int(text)


async def _found(ctx: Context, request: FindUsage, subject: str) -> Found:
    """What is told already, newest first; a deferred use is not counted either."""
    history = await history_of(shelf_of(ctx), subject)
    told = [record_of(one) for one in history.uses if not is_hidden(one, ctx.now)]
    within = sorted((one for one in told if request.start <= one.at <= request.end), key=lambda one: -one.at)
    page = within[request.offset : request.offset + request.limit]
    return Found(
        len(within),
        tuple(
            Usage(iso(EpochS(one.at)), one.action["zh-Hant"], one.receiver, one.receiver_name, one.system)
            for one in page
        ),
    )


def _json(answer: msgspec.Struct) -> FaceAnswer:
    return FaceAnswer(msgspec.json.encode(answer), headers=PRIVATE)
