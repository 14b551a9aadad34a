"""The past over HTTP: events of a stretch of time as NDJSON, and the board as it stood at a moment."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from functools import partial
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import Context, FaceAnswer, FaceRequest
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_supplies import SUPPLIES_HISTORY_WINDOW_S
from banyan.service.supplies.feeds import official, pack
from banyan.service.supplies.feeds.answering import IMMUTABLE, JSON, LICENCE, LIVE, asked, number, sent
from banyan.service.supplies.feeds.declaring import feed
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.past import Stretch
from banyan.service.supplies.feeds.shelf import Encoded, encoded
from banyan.service.supplies.feeds.view import View
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.service import SERVICE

NDJSON: Final = "application/x-ndjson"
Moment = Annotated[str, msgspec.Meta(max_length=40)]
SETTLED_S: Final = 5.0
"""A second that ended this long ago gets no more events: what is said of it holds for ever."""


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Events written from `from` until before `to` (RFC 3339; now, without one), with a number above `after`."""

    since: Moment
    until: Moment = ""
    after: Annotated[int, msgspec.Meta(ge=0)] = 0


class AtQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The board as it stood at `time` (RFC 3339): the official list of a family, or the pack."""

    time: Moment
    family: Annotated[str, msgspec.Meta(max_length=40)] = ""
    format: Literal["csv", "pack"] = "csv"


class PastAnswer(msgspec.Struct, frozen=True):
    """A body made of the past, and whether it can still change. `next` is the number after which the next page begins
    (0: none); `seq` the board's number, for a board."""

    made: Encoded
    is_settled: bool
    next: int = 0
    seq: int = 0


@feed(
    "history",
    "history",
    title={"zh-Hant": "存量歷程", "en": "History of stock"},
    summary={
        "zh-Hant": "一段時間內每一次變動的原始紀錄，可以重播。",
        "en": "Every change of a stretch of time as it was recorded; it can be replayed.",
    },
)
async def history(ctx: Context, request: HistoryQuery) -> PastAnswer:
    """Raises Invalid for times that cannot be read, or a window over SUPPLIES_HISTORY_WINDOW_S."""
    start, end = moment(request.since, "from"), moment(request.until, "to") if request.until else ctx.now
    if not 0 < end - start <= SUPPLIES_HISTORY_WINDOW_S:
        raise refusal(Invalid, "window", field="to", status=400, hours=round(SUPPLIES_HISTORY_WINDOW_S / 3_600))
    feeds = feeds_of(ctx.db)
    found: Stretch = await feeds.past.stretch(start, end, request.after)
    is_settled = bool(found.next) or end + SETTLED_S <= ctx.now
    made = feeds.marked("history", await asyncio.to_thread(encoded, found.body), ctx.now)
    return PastAnswer(made, is_settled, next=found.next)


@feed(
    "board_at",
    "at",
    title={"zh-Hant": "某一時刻的存量", "en": "Stock at a moment"},
    summary={
        "zh-Hant": "那時地圖上的樣子：官方清單格式，或整包。",
        "en": "What the map said then, as the official list or as the pack.",
    },
)
async def board_at(ctx: Context, request: AtQuery) -> PastAnswer:
    """Raises NotFound before the first record and for a family that had no items then."""
    at = moment(request.time, "time")
    feeds = feeds_of(ctx.db)
    view = await feeds.past.view_at(at)
    family = request.family or (view.items[0].family or view.items[0].id if view.items else "")
    if request.format == "csv" and not official.items_of(view, family):
        present = "、".join(dict.fromkeys(name for item in view.items for name in (item.family, item.id) if name))
        raise refusal(NotFound, "family_unknown" if present else "no_items", family=family, present=present)
    make = partial(official.official_csv, view, family) if request.format == "csv" else partial(_whole, view)
    made = feeds.marked("at", await asyncio.to_thread(lambda: encoded(make())), ctx.now)
    return PastAnswer(made, at + SETTLED_S <= ctx.now, seq=view.seq)


def _whole(view: View) -> bytes:
    places, notices = encoded(pack.places_pack(view)), encoded(pack.notices_pack(view))
    return pack.whole_pack(view, (places.tag, places.body), (notices.tag, notices.body))


def moment(text: str, field: str) -> EpochS:
    """An RFC 3339 time with its zone. Raises Invalid naming the field."""
    try:
        found = datetime.fromisoformat(text)
        at = found.timestamp() if found.tzinfo is not None and "T" in text.upper() else math.nan
    except (ValueError, OverflowError):
        at = math.nan
    if math.isnan(at) or at < 0:
        raise refusal(Invalid, "moment", field=field, status=400)
    return EpochS(at)


@SERVICE.face("GET", path="/api/supplies/history", rate="query")
async def history_face(request: FaceRequest) -> FaceAnswer:
    """NDJSON; `Link rel="next"` leads to the next page."""
    given = asked(request, "from", "to", "after")
    query = HistoryQuery(
        since=given.get("from", ""),
        until=given.get("to") or iso(request.now),
        after=number(given.get("after", "0"), "after"),
    )
    found: PastAnswer = await request.call("supplies.history", query)
    links = LICENCE
    if found.next:
        following = urlencode({"from": query.since, "to": query.until, "after": found.next})
        links += f', <{request.base_url}/api/supplies/history?{following}>; rel="next"'
    return sent(request, found.made, NDJSON, cache=_cache(found), headers=(("Link", links),))


@SERVICE.face("GET", path="/api/supplies/at", rate="query")
async def board_at_face(request: FaceRequest) -> FaceAnswer:
    given = asked(request, "time", "family", "format")
    found: PastAnswer = await request.call("supplies.board_at", {"time": "", **given})
    media_type = JSON if given.get("format") == "pack" else official.MEDIA_TYPE
    headers = (("Link", LICENCE), ("Banyan-Seq", str(found.seq)))
    return sent(request, found.made, media_type, cache=_cache(found), headers=headers)


def _cache(found: PastAnswer) -> str:
    return IMMUTABLE if found.is_settled else LIVE
