"""The board's own feeds: the pack in its parts, changes after a number, and changes as they happen.

Every face asks an open operation through the gate, so it is counted, and refused, like everything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec

from banyan.kernel.catalogue.operation import Context, FaceAnswer, FaceRequest, Text
from banyan.service.supplies.feeds import answering
from banyan.service.supplies.feeds.answering import IMMUTABLE, JSON, asked, number, sent, with_headers
from banyan.service.supplies.feeds.declaring import LINKED, document, feed
from banyan.service.supplies.feeds.deltas import Delta
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.pack import NoticesPack, Pack, PlacesPack, StockPack
from banyan.service.supplies.feeds.shelf import Encoded
from banyan.service.supplies.operations import Everything
from banyan.service.supplies.service import SERVICE
from banyan.wire import sse

Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]


class HashQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document by the hash of its content, as stock.json links to it."""

    hash: Hash


class ChangesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that changed after the board's number `after`."""

    after: Annotated[int, msgspec.Meta(ge=0)]


class StreamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Live from the board's number `after`; without one, from now."""

    after: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Streamed(msgspec.Struct, frozen=True):
    """Chunks for as long as the reader stays, and the headers of an announced change."""

    chunks: AsyncIterator[bytes]
    headers: tuple[tuple[str, str], ...]


@SERVICE.start
async def open_feeds(ctx: Context) -> None:
    """From now on changes are kept for readers that come back."""
    feeds_of(ctx.db)


@SERVICE.stop
async def close_feeds(ctx: Context) -> None:
    """Live readers are told the end; they come back to the node that follows."""
    feeds_of(ctx.db).deltas.close()


@document(
    "pack",
    "pack",
    title={"zh-Hant": "整包存量", "en": "The whole board"},
    summary={
        "zh-Hant": "全部地點與存量，以欄陣列一次給完。",
        "en": "All outlets and their stock as column arrays, in one.",
    },
    answers=Pack,
)
async def pack(ctx: Context, request: Everything) -> Encoded:
    feeds = feeds_of(ctx.db)
    return feeds.marked("pack", await feeds.whole(), ctx.now)


@document(
    "stock",
    "stock.json",
    title={"zh-Hant": "全國存量", "en": "Stock of the nation"},
    summary={
        "zh-Hant": "只有會變動的數字，附地點與公告文件的雜湊值。",
        "en": "Only the numbers that change, with the hashes of the places and notices documents.",
    },
    answers=StockPack,
)
async def stock(ctx: Context, request: Everything) -> Encoded:
    feeds = feeds_of(ctx.db)
    return feeds.marked("stock", await feeds.stock(), ctx.now)


def _hashed(name: Literal["places", "notices"], title: Text, answers: type) -> None:
    """Declare a document that stock.json links to by the hash of its content."""

    @document(
        name,
        f"{name}/{{hash}}.json",
        title=title,
        summary={
            "zh-Hant": "依內容雜湊值取得，內容永不改變。",
            "en": "By the hash of its content, which never changes.",
        },
        answers=answers,
        cache=IMMUTABLE,
    )
    async def of_hash(ctx: Context, request: HashQuery) -> Encoded:
        """Raises NotFound for a hash that is neither in use nor was lately."""
        feeds = feeds_of(ctx.db)
        return feeds.marked(name, await feeds.document(name, request.hash), ctx.now)


_hashed("places", {"zh-Hant": "地點文件", "en": "Places document"}, PlacesPack)
_hashed("notices", {"zh-Hant": "公告文件", "en": "Notices document"}, NoticesPack)


@feed(
    "changes",
    "changes",
    title={"zh-Hant": "某編號之後的變更", "en": "Changes after a number"},
    summary={"zh-Hant": "某編號之後有變動的地點現在的樣子。", "en": "What changed after a number, as it is now."},
    answers=Delta,
)
async def changes(ctx: Context, request: ChangesQuery) -> Encoded:
    """Raises Problem (410) when `after` is no longer kept, or was never reached."""
    feeds = feeds_of(ctx.db)
    return feeds.marked("changes", await feeds.changes(request.after), ctx.now)


@feed(
    "stream",
    "stream",
    title={"zh-Hant": "即時變更", "en": "Live changes"},
    summary={"zh-Hant": "存量一變動就送出（SSE）。", "en": "Changes of stock as they happen (SSE)."},
)
async def stream(ctx: Context, request: StreamQuery) -> Streamed:
    """Raises Unavailable when all streams are taken."""
    feeds = feeds_of(ctx.db)
    chunks = feeds.live(feeds.deltas.seq if request.after is None else request.after)
    return Streamed(chunks, feeds.told("stream", ctx.now))


@SERVICE.face("GET", path="/api/supplies/changes")
async def changes_face(request: FaceRequest) -> FaceAnswer:
    given = asked(request, "after")
    query = ChangesQuery(number(given.get("after", ""), "after"))
    return sent(request, await request.call("supplies.changes", query), JSON, headers=LINKED)


@SERVICE.face("GET", path="/api/supplies/stream", rate="stream")
async def stream_face(request: FaceRequest) -> FaceAnswer:
    """From `Last-Event-ID` (a browser sends it by itself), else `after`, else from now."""
    text = request.header("last-event-id") or asked(request, "after").get("after", "")
    after = number(text, "after") if text else None
    found: Streamed = await request.call("supplies.stream", StreamQuery(after))
    headers = (
        ("X-Accel-Buffering", "no"),
        ("Cache-Control", "no-store"),
        ("Access-Control-Expose-Headers", answering.EXPOSED),
    )
    together = tuple(with_headers(headers, found.headers))
    return FaceAnswer(found.chunks, media_type=sse.MEDIA_TYPE, headers=together)
