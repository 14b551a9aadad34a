"""Announce a change of a feed, take it back, list what is announced; as operations and as an Atom feed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.events import Event, feed
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage import Tx
from banyan.service.supplies.feeds import announced
from banyan.service.supplies.feeds.announced import BREAKING, DAY_S, NOTICE_DAYS, Announcement, FeedName, Kind
from banyan.service.supplies.feeds.answering import LICENCE, asked, sent
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.history import moment
from banyan.service.supplies.feeds.shelf import encoded
from banyan.service.supplies.feeds.wording import MESSAGES, refusal
from banyan.service.supplies.operations import Everything
from banyan.service.supplies.service import SERVICE
from banyan.wire import atom

PUBLIC_TOPICS: Final = ("change.", "schema.", "source.")


def _label(zh: str, en: str) -> dict[str, Any]:
    return {"label": {"zh-Hant": zh, "en": en}}


Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class AnnounceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What will change. `field` is what it is called now (empty: the feed as a whole), `new` what it will be; `starts`
    is RFC 3339. Anything that could break a program needs NOTICE_DAYS, unless it is urgent."""

    feed: Annotated[FeedName, msgspec.Meta(extra=_label("資料格式", "Feed"))]
    kind: Annotated[Kind, msgspec.Meta(extra=_label("怎麼變", "Kind of change"))]
    starts: Annotated[str, msgspec.Meta(max_length=40, extra=_label("何時開始", "From when"))]
    why: Annotated[Sentence, msgspec.Meta(extra=_label("原因（中文）", "Why, in Chinese"))]
    why_en: Annotated[Sentence, msgspec.Meta(extra=_label("原因（英文）", "Why, in English"))]
    field: Annotated[str, msgspec.Meta(max_length=200, extra=_label("欄位", "Field"))] = ""
    new: Annotated[str, msgspec.Meta(max_length=200, extra=_label("改成", "Becomes"))] = ""
    urgent: Annotated[bool, msgspec.Meta(extra=_label("緊急", "Urgent"))] = False


class ChangeId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$", extra=_label("公告代號", "Announcement"))]


class ChangeView(msgspec.Struct, frozen=True):
    """An announced change. `announced` and `starts` are RFC 3339 UTC; `says` is the change as a sentence, `why` the
    reason, both in both languages. `automatic`: a source of ours changed and was mapped; feeds stay as they are."""

    id: str
    feed: FeedName
    kind: Kind
    field: str
    new: str
    register: str
    announced: str
    starts: str
    urgent: bool
    automatic: bool
    says: dict[str, str]
    why: dict[str, str]


@SERVICE.operation(
    "announce_change",
    title={"zh-Hant": "預告資料格式變更", "en": "Announce a change of a feed"},
    summary={
        "zh-Hant": "在變更之前公告：哪個格式、哪個欄位、改成什麼、何時、為什麼。",
        "en": "Tells before it happens: which feed and field, what it becomes, from when, and why.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def announce_change(ctx: Context, request: AnnounceChange) -> ChangeView:
    """The same announcement twice is one. Raises Invalid for a breaking change sooner than NOTICE_DAYS."""
    starts = moment(request.starts, "starts")
    if request.kind in BREAKING and not request.urgent and starts < ctx.now + NOTICE_DAYS * DAY_S:
        soonest = iso(EpochS(ctx.now + NOTICE_DAYS * DAY_S))
        raise refusal(Invalid, "notice_too_short", field="starts", days=NOTICE_DAYS, soonest=soonest)
    one = Announcement(
        id="",
        feed=request.feed,
        kind=request.kind,
        field=request.field,
        new=request.new,
        announced=ctx.now,
        starts=starts,
        why={"zh-Hant": request.why, "en": request.why_en},
        is_urgent=request.urgent,
    )
    return await _announce(ctx, announced.identified(one))


@SERVICE.operation(
    "withdraw_change",
    title={"zh-Hant": "撤回變更預告", "en": "Withdraw an announced change"},
    summary={"zh-Hant": "不變更了。", "en": "It will not happen."},
    data=OPEN,
    audience="administrator",
    effect="write",
)
async def withdraw_change(ctx: Context, request: ChangeId) -> tuple[ChangeView, ...]:
    """What is still announced. Raises NotFound."""

    def job(tx: Tx) -> bool:
        was_there = announced.drop(tx, request.id)
        if was_there:
            feed.append(tx, _event("change.withdrawn", request.id, {"id": request.id}, ctx.now))
        return was_there

    if not await ctx.db.sql.write(job):
        raise refusal(NotFound, "change_unknown", field="id", id=request.id)
    await _load(ctx)
    return tuple(map(view_of, feeds_of(ctx.db).announced))


@SERVICE.operation(
    "changes_announced",
    title={"zh-Hant": "變更預告", "en": "Announced changes"},
    summary={
        "zh-Hant": "資料格式將有的變更，與來源欄位已有的變更。",
        "en": "What of the feeds will change, and which columns of sources did.",
    },
    data=OPEN,
    audience="public",
    channels=("web", "api", "mcp"),
)
async def changes_announced(ctx: Context, request: Everything) -> tuple[ChangeView, ...]:
    """The newest first."""
    return tuple(map(view_of, feeds_of(ctx.db).announced))


class _SchemaChanged(msgspec.Struct):
    """What a `schema.changed` event says: a followed column was renamed by its publisher, and mapped."""

    source: str
    register: str
    old: str
    new: str


@SERVICE.on("schema.changed")
async def source_changed(ctx: Context, event: Event) -> None:
    """A column of a source was renamed: nobody need do anything here, but who reads the source too wants to know."""
    data = msgspec.json.decode(event.data, type=_SchemaChanged)
    one = Announcement(
        id="",
        feed="source",
        kind="renamed",
        field=data.old,
        new=data.new,
        announced=event.at,
        starts=event.at,
        why={lang: MESSAGES.text("feeds.source_renamed", lang) for lang in ("zh-Hant", "en")},
        is_automatic=True,
        register=data.register,
    )
    await _announce(ctx, announced.identified(one))


@SERVICE.start
async def load_announced(ctx: Context) -> None:
    """Announced changes are in memory: every answer of a feed asks for them."""
    await _load(ctx)


@SERVICE.shows
async def shown(ctx: Context, events: Sequence[Event]) -> Sequence[Event]:
    """What anybody may follow on the change feed: how feeds and sources change; nothing here is about a person."""
    return [event for event in events if event.topic.startswith(PUBLIC_TOPICS)]


async def _announce(ctx: Context, one: Announcement) -> ChangeView:
    def job(tx: Tx) -> Announcement:
        known = announced.by_id(tx, one.id)
        if known is None:
            announced.put(tx, one)
            feed.append(tx, _event("change.announced", one.id, msgspec.to_builtins(view_of(one)), ctx.now))
        return known or one

    kept = await ctx.db.sql.write(job)
    await _load(ctx)
    return view_of(kept)


def _event(topic: str, subject: str, data: object, now: EpochS) -> Event:
    return Event(topic=topic, subject=subject, data=msgspec.Raw(msgspec.json.encode(data)), at=now)


async def _load(ctx: Context) -> None:
    feeds_of(ctx.db).announced = await ctx.db.sql.read(announced.all_announced)


def view_of(one: Announcement) -> ChangeView:
    return ChangeView(
        id=one.id,
        feed=one.feed,
        kind=one.kind,
        field=one.field,
        new=one.new,
        register=one.register,
        announced=iso(one.announced),
        starts=iso(one.starts),
        urgent=one.is_urgent,
        automatic=one.is_automatic,
        says={lang: _says(one, lang) for lang in ("zh-Hant", "en")},
        why=one.why,
    )


def _says(one: Announcement, lang: str) -> str:
    """`stock 的欄位 count 將改名為 number（2026-12-31 起）。`"""
    name = f"{one.feed} {one.register}".strip()
    what = MESSAGES.text("feeds.field_of" if one.field else "feeds.whole", lang, feed=name, field=one.field)
    return MESSAGES.text(f"feeds.change.{one.kind}", lang, what=what, new=one.new, day=iso(one.starts)[:10])


@SERVICE.face("GET", path="/supplies/changes.atom")
async def changes_atom(request: FaceRequest) -> FaceAnswer:
    asked(request)
    views: tuple[ChangeView, ...] = await request.call("supplies.changes_announced", Everything())
    lang, base = request.lang, request.base_url
    entries = [
        atom.Entry(
            id=f"urn:banyan:supplies:change:{view.id}",
            title=view.says[lang],
            updated=view.announced,
            link=f"{base}/api/supplies/changes_announced",
            summary=view.why[lang],
            categories=(view.feed,),
        )
        for view in views
    ]
    document = atom.Feed(
        id=f"{base}{announced.FEED_ATOM}",
        title=MESSAGES.text("feeds.atom_title", lang),
        subtitle=MESSAGES.text("feeds.atom_subtitle", lang, days=NOTICE_DAYS),
        updated=views[0].announced if views else iso(EpochS(0)),
        author="Banyan",
        home=f"{base}/supplies/developers",
        address=f"{base}{announced.FEED_ATOM}",
        page=1,
        pages=1,
        language=lang,
        entries=entries,
    )
    headers = (("Link", LICENCE), ("Vary", "Accept-Encoding, Accept-Language, Cookie"))
    return sent(request, encoded(atom.write(document)), atom.MEDIA_TYPE, headers=headers)
