"""The directory and the centre's counter on the public site, for agencies that have no gateway yet: `agency join URL`.

A gateway's own listener takes only who has a certificate of the road; the first one is asked for here. All that
goes out is public, all that comes in is signed, and officers decide.
"""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import Context
from banyan.limits_road import DIRECTORY_REQUEST_BYTES
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.shelf import shelf_of
from banyan.service.exchange.wording import unknown


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`target`: a path below /directory/ with its query."""

    target: str


class Hand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    target: str
    body: bytes


@SERVICE.operation(
    "directory",
    title={"zh-Hant": "機關名錄", "en": "Directory of agencies"},
    summary={
        "zh-Hant": "已簽章的機關名錄、其日誌與證明，任何人都能驗證。",
        "en": "The signed directory of agencies, its log and proofs, for anyone to check.",
    },
    data=("open",),
    audience="public",
    purpose="open-data",
    channels=(),
)
async def directory(ctx: Context, request: Look) -> FaceAnswer:
    return await _asked(ctx, "GET", request.target, b"")


@SERVICE.operation(
    "join",
    title={"zh-Hant": "申請加入資料交換", "en": "Ask to join the exchange"},
    summary={
        "zh-Hant": "機關送出已簽章的申請，由中心的承辦人核可。",
        "en": "An agency sends its signed request; officers of the centre decide on it.",
    },
    data=("open",),
    audience="public",
    effect="write",
    purpose="public-intake",
    channels=(),
)
async def join(ctx: Context, request: Hand) -> FaceAnswer:
    return await _asked(ctx, "POST", request.target, request.body)


@SERVICE.face("GET", path="/directory/{page}")
async def look(request: FaceRequest) -> FaceAnswer:
    """A page of the directory: anchor, head, log, snapshot, receipt, checkpoint, revocations, evidence, issued."""
    query = f"?{request.raw_query}" if request.raw_query else ""
    return await _answer(request, "directory", Look(f"/directory/{request.params['page']}{query}"))


@SERVICE.face("POST", path="/directory/{page}", rate="write")
async def hand(request: FaceRequest) -> FaceAnswer:
    """`requests` of agencies to join, `renewals` of members."""
    body = await request.body(DIRECTORY_REQUEST_BYTES)
    return await _answer(request, "join", Hand(f"/directory/{request.params['page']}", body))


async def _answer(request: FaceRequest, operation: str, asked: Look | Hand) -> FaceAnswer:
    answer = await request.call(f"exchange.{operation}", asked)
    assert isinstance(answer, FaceAnswer), "a served file is sent as it is"
    return answer


async def _asked(ctx: Context, verb: str, target: str, body: bytes) -> FaceAnswer:
    counter = shelf_of(ctx.db).counter
    if counter is None:
        raise unknown("road")
    status, media_type, told = await counter(verb, target, body)
    return FaceAnswer(told, media_type=media_type, status=status)
