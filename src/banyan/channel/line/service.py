"""`POST /line/webhook`, and what the LINE desk counts. Source: LINE Messaging API, receiving messages (webhook)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from banyan.channel.line.desk import Asked, Desk, Tools
from banyan.channel.line.dialogues import Dialogues
from banyan.channel.line.messages import MESSAGES
from banyan.channel.line.sending import Line, Pause, Post
from banyan.channel.talk import Talk
from banyan.errors import Invalid
from banyan.kernel.catalogue import Context, FaceAnswer, FaceRequest, Operation, Service
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.gate import Log
from banyan.limits import LINE_BODY_BYTES, LINE_EVENTS
from banyan.wire.line import Unreadable, is_signed, read_events

PACKAGE = "banyan.channel.line"
PATH = "/line/webhook"


class LineDesk(msgspec.Struct, frozen=True, kw_only=True):
    """How the channel is set up. `channel_secret` signs LINE's webhooks, `token` is the channel access token: both from
    the environment only. `secret` is the node's own key, from which user ids are hashed."""

    api_url: str
    channel_secret: str
    token: str
    secret: bytes
    contact: str = ""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class Standing(msgspec.Struct, frozen=True):
    """Since the start: `counts` by what became of events (events, private, repeated, standby, unspoken, unreadable,
    forged, turned_away, broken) and of replies (sent, refused, unauthorised, limited, failed, unreachable)."""

    dialogues: int
    counts: dict[str, int]


def build_line(
    operations: Sequence[Operation],
    setup: LineDesk,
    *,
    clock: Clock,
    log: Log,
    post: Post | None = None,
    pause: Pause = asyncio.sleep,
) -> Service:
    """The channel over the node's operations. It has a drawer of its own: which events were answered. `post` replaces
    the way to LINE."""
    line = Line(setup.api_url, setup.token)
    dialogues = Dialogues(setup.secret)
    talk = Talk(operations, contact=setup.contact)
    desk = Desk(Tools(talk, dialogues, post or line.post, clock, log, pause, line))
    service = Service("line", title={"zh-Hant": "LINE 官方帳號", "en": "LINE official account"}, package=PACKAGE)
    signed = partial(is_signed, setup.channel_secret.encode())

    @service.face("POST", path=PATH, rate="read", channel="line")
    async def webhook(request: FaceRequest) -> FaceAnswer:
        """200 once the events were taken; 400 for a body that is not LINE's own."""
        body = await request.body(LINE_BODY_BYTES)
        if not signed(body, request.header("x-line-signature")):
            desk.counts["forged"] += 1
            raise refusal("signature", "line-signature", request.lang)
        try:
            events, unreadable = read_events(body, LINE_EVENTS)
        except Unreadable:
            desk.counts["forged"] += 1
            raise refusal("body", "line-body", request.lang, most=LINE_EVENTS) from None
        desk.counts["unreadable"] += unreadable
        await desk.take(events, Asked(request.call, request.base_url, request.now))
        return FaceAnswer(b"{}")

    @service.operation(
        "standing",
        title={"zh-Hant": "LINE 收發狀況", "en": "LINE standing"},
        summary={
            "zh-Hant": "啟動以來收到與回覆的訊息數，失敗的依原因計數；不含任何人的識別碼或內容。",
            "en": "Messages received and replied since the start, failures by reason; no ids and no words of anybody.",
        },
        data=("open",),
        audience="administrator",
        purpose="operations",
        channels=("api",),
    )
    async def standing(ctx: Context, request: Nothing) -> Standing:
        return Standing(len(dialogues), {name: count for name, count in sorted(desk.counts.items()) if count})

    @service.start
    async def start(ctx: Context) -> None:
        desk.open(ctx.db)

    @service.stop
    async def stop(ctx: Context) -> None:
        await desk.close()

    return service


def refusal(key: str, kind: str, lang: str, **values: object) -> Invalid:
    title = MESSAGES.text(f"line.{key}", lang)
    return Invalid(title, remedy=MESSAGES.text(f"line.{key}_remedy", lang, **values), kind=kind, status=400)
