"""Requests for data: anybody asks, everybody sees the status, the agency answers.

How to reach the asker is never shown. It lies in a table of its own, is read only by the operation that answers
(personal data: the gate refuses it until a legal basis is registered), and is forgotten when the request is closed.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec

from banyan.errors import Limit
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.storage import SqlValue, Tx
from banyan.limits import PAGE_OFFSET, PAGE_ROWS, REQUEST_CHARACTERS, REQUESTS_PER_HOUR
from banyan.service.opendata import registry
from banyan.service.opendata.announcing import announce
from banyan.service.opendata.model import DataRequest
from banyan.service.opendata.registry import SQL
from banyan.service.opendata.service import SERVICE
from banyan.service.opendata.wording import refusal, unknown

Status = Literal["received", "checking", "answered", "published", "declined"]
CLOSED: tuple[Status, ...] = ("answered", "published", "declined")


class AskForData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is missing, and what for. Title and text are public; the contact is not."""

    title: Annotated[
        str,
        msgspec.Meta(
            min_length=2, max_length=200, extra={"label": {"zh-Hant": "想要的資料", "en": "What data you need"}}
        ),
    ]
    text: Annotated[
        str,
        msgspec.Meta(
            min_length=2,
            max_length=REQUEST_CHARACTERS,
            extra={"label": {"zh-Hant": "用途與說明", "en": "What it is for"}},
        ),
    ]
    contact: Annotated[
        str,
        msgspec.Meta(
            max_length=200, extra={"label": {"zh-Hant": "聯絡方式（不公開）", "en": "How to reach you (not public)"}}
        ),
    ] = ""
    """How to reach you, if you want an answer in person; only the one who answers sees it, until it is answered."""


class AnswerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new status of a request, with a public answer; `dataset` names what was published for it."""

    id: str
    status: Status
    answer: Annotated[str, msgspec.Meta(max_length=REQUEST_CHARACTERS)] = ""
    dataset: str = ""
    hide: bool = False
    """Take title and text out of sight (personal data, abuse); the status stays public."""


class RequestsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests for data, the newest first; an empty status means any."""

    status: Status | Literal[""] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=PAGE_ROWS)] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=PAGE_OFFSET)] = 0


class Requests(msgspec.Struct, frozen=True):
    """One page; `total` of that status."""

    total: int
    requests: tuple[DataRequest, ...]


class RequestId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str


class RequestContact(msgspec.Struct, frozen=True):
    """How to reach the asker; empty when not given, or no longer kept."""

    contact: str


def request_by(tx: Tx, id: str) -> DataRequest | None:
    row = tx.row(SQL["request_by_id"], id=id)
    return None if row is None else msgspec.json.decode(str(row[0]), type=DataRequest)


def put_request(tx: Tx, asked: DataRequest) -> None:
    document = registry.encoded(asked)
    tx.run(SQL["put_request"], id=asked.id, at=asked.at, status=asked.status, document=document)


@SERVICE.operation(
    "ask_for_data",
    title={"zh-Hant": "申請開放資料", "en": "Ask for data"},
    summary={
        "zh-Hant": "想要的資料還沒開放？寫下需求，處理狀態公開可查；聯絡方式不會公開。",
        "en": "Is what you need not published? Ask for it; the status is public, your contact is not.",
    },
    data=OPEN,
    audience="public",
    effect="write",
    purpose="public-intake",
    keys=("申請資料", "想要資料", "缺資料", "data request"),
    channels=("web", "api", "chat"),
)
async def ask_for_data(ctx: Context, request: AskForData) -> DataRequest:
    """Raises Limit when the node has taken REQUESTS_PER_HOUR in the last hour: a flood, not citizens."""
    asked = DataRequest(
        id=str(uuid.uuid4()), at=ctx.now, title=request.title.strip(), text=request.text.strip(), changed=ctx.now
    )

    def job(tx: Tx) -> None:
        if _number(tx.row(SQL["requests_since"], since=ctx.now - 3600)) >= REQUESTS_PER_HOUR:
            raise refusal(Limit, "request.too_many", status=429, most=REQUESTS_PER_HOUR)
        put_request(tx, asked)
        if request.contact.strip():
            tx.run(SQL["put_contact"], request_id=asked.id, contact=request.contact.strip())
        announce(tx, "request.received", asked.id, {}, ctx.now)  # its words may have to be hidden later

    await ctx.db.sql.write(job)
    return asked


@SERVICE.operation(
    "answer_request",
    title={"zh-Hant": "回覆資料申請", "en": "Answer a data request"},
    summary={
        "zh-Hant": "更新申請的狀態與公開回覆；結案時刪除聯絡方式。",
        "en": "Sets a request's status and public answer; closing it deletes the contact.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def answer_request(ctx: Context, request: AnswerRequest) -> DataRequest:
    def job(tx: Tx) -> DataRequest:
        asked = request_by(tx, request.id)
        if asked is None:
            raise unknown("request", request.id)
        if request.dataset and registry.dataset_by(tx, request.dataset) is None:
            raise unknown("dataset", request.dataset)
        hidden = {"title": "（已隱藏 hidden）", "text": ""} if request.hide else {}
        answered = msgspec.structs.replace(
            asked,
            status=request.status,
            answer=request.answer or asked.answer,
            dataset=request.dataset or asked.dataset,
            changed=ctx.now,
            **hidden,
        )
        put_request(tx, answered)
        if request.status in CLOSED:
            tx.run(SQL["drop_contact"], request_id=request.id)
        announce(tx, "request.answered", request.id, {"status": answered.status, "dataset": answered.dataset}, ctx.now)
        return answered

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "requests",
    title={"zh-Hant": "資料申請清單", "en": "Data requests"},
    summary={
        "zh-Hant": "民眾申請的資料、處理狀態與回覆。",
        "en": "What people asked for, how it stands, and the answers.",
    },
    data=OPEN,
    audience="public",
    keys=("申請進度", "requests"),
)
async def requests(ctx: Context, request: RequestsQuery) -> Requests:
    rows, total = await ctx.db.sql.read(
        lambda tx: (
            tx.rows(SQL["requests_page"], status=request.status, limit=request.limit, offset=request.offset),
            _number(tx.row(SQL["request_count"], status=request.status)),
        )
    )
    return Requests(total, tuple(msgspec.json.decode(str(row[0]), type=DataRequest) for row in rows))


@SERVICE.operation(
    "request",
    title={"zh-Hant": "一筆資料申請", "en": "One data request"},
    summary={"zh-Hant": "一筆申請的內容、狀態與回覆。", "en": "A request, its status and its answer."},
    data=OPEN,
    audience="public",
    path="/api/opendata/request/{id}",
)
async def one_request(ctx: Context, request: RequestId) -> DataRequest:
    asked = await ctx.db.sql.read(lambda tx: request_by(tx, request.id))
    if asked is None:
        raise unknown("request", request.id)
    return asked


@SERVICE.operation(
    "request_contact",
    title={"zh-Hant": "申請人的聯絡方式", "en": "How to reach the asker"},
    summary={
        "zh-Hant": "只供回覆的承辦人查看；結案後即刪除。",
        "en": "Only for the one who answers; deleted when the request is closed.",
    },
    data=("contact",),
    audience="administrator",
    channels=(),
)
async def request_contact(ctx: Context, request: RequestId) -> RequestContact:
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["contact_of"], request_id=request.id))
    return RequestContact(str(row[0]) if row else "")


def _number(row: tuple[SqlValue, ...] | None) -> int:
    return int(row[0] or 0) if row else 0
