"""By chat: she links her chat once, is asked there beside the SMS, and answers by pressing.

A link is made by a code of 49 bits that only her own page shows, once and for ten minutes, sent from the chat. Who
writes is the chat's word (its signature), kept here as a keyed name; the address is sealed as her case is and ends with
it. What a press sends back is bound to the question, to the chat that was asked, and to the answer; it counts once, and
only as long as an SMS would.
"""

from __future__ import annotations

import hmac
import re
from functools import partial
from typing import Final, Literal
from uuid import UUID

import msgspec

from banyan.craft.notify import linkcode
from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_CHAT_CASES, FENCE_CHAT_CODE_S, FENCE_CHAT_WHY_S, FENCE_FIELD
from banyan.service.fence import ladder, records
from banyan.service.fence.alarming import hear_answer, move
from banyan.service.fence.answering import HEARD_S
from banyan.service.fence.keeping import Opened, opened, own_case, terms_now
from banyan.service.fence.law import order_in_force, standing_order
from banyan.service.fence.looking import Nothing
from banyan.service.fence.records import Link, Message
from banyan.service.fence.sealing import SQL, named
from banyan.service.fence.sending import PUSH, Words
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import MESSAGES, ChatSaid, both, chat_of, chat_page_of, shelf_of

Lang = Literal["zh-Hant", "en"]
WHY: Final = ("hospital", "shopping", "shelter", "other")
MARK: Final = "fence/"
"""What begins the data of our presses."""
_PRESS: Final = re.compile(r"fence/([0-9a-f]{16})/(home|away|call|why-[a-z]{4,8})/([0-9a-f]{32})")


class LinkCode(msgspec.Struct, frozen=True):
    """What to send from the chat, and until when it counts (RFC 3339 UTC). `page`: a simulated chat's, on this node."""

    code: str
    until: str
    page: str = ""


class Unlinked(msgspec.Struct, frozen=True):
    was_linked: bool


@SERVICE.operation(
    "link_chat", title={"zh-Hant": "連結我的聊天", "en": "Link my chat"},
    summary={
        "zh-Hant": "取得一次有效的連結碼，用自己的聊天送給官方帳號；之後也會在聊天裡問您是否在家。",
        "en": "A code for once: send it to the official account from your chat, and you are asked there too.",
    },
    data=("health",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",), rate="login",
)  # fmt: skip
async def link_chat(ctx: Context, request: Nothing) -> LinkCode:
    """Raises Denied for who acts for her, Conflict on a node without a chat."""
    if chat_of(ctx.db) is None:
        raise Conflict(both("no_chat"), remedy=both("no_chat_remedy"), kind="no-chat")
    if ctx.caller.kind != "citizen":
        raise Denied(both("own_chat"), remedy=both("own_chat_remedy"), kind="own-chat")
    one = await own_case(ctx, await order_in_force(ctx))
    shelf, until = shelf_of(ctx.db), ctx.now + FENCE_CHAT_CODE_S
    code = linkcode.new_code(shelf.random)
    digest = _digest(shelf.key, code)
    await ctx.db.sql.write(lambda tx: tx.run(SQL["put_chat_code"], held=one.held.id, digest=digest, until=until))
    return LinkCode(linkcode.shown(code), iso(EpochS(until)), chat_page_of(ctx.db))


@SERVICE.operation(
    "unlink_chat", title={"zh-Hant": "解除聊天連結", "en": "Unlink my chat"},
    summary={"zh-Hant": "不再在聊天裡問您。", "en": "You are not asked in your chat any more."},
    data=("health",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",),
)  # fmt: skip
async def unlink_chat(ctx: Context, request: Nothing) -> Unlinked:
    one = await own_case(ctx, await order_in_force(ctx))

    def job(tx: Tx) -> bool:
        was = bool(tx.run(SQL["drop_chat"], held=one.held.id))
        tx.run(SQL["drop_chat_code"], held=one.held.id)
        if was:
            one.note(tx, ctx, "chat-unlinked")
        return was

    return Unlinked(await ctx.db.sql.write(job))


@SERVICE.timer(PUSH)
async def push(ctx: Context, event: Event) -> None:
    """Say one message in her chat. Raises Unavailable to be tried again, for as long as an answer would count."""
    chat = chat_of(ctx.db)
    message = await ctx.db.sql.read(lambda tx: records.message_by_id(tx, event.subject))
    if chat is None or message is None or message.answered is not None or ctx.now > message.at + HEARD_S:
        return
    if not await standing_order(ctx):
        return
    try:
        one = await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_id(tx, message.held)))
    except NotFound:
        return
    link = await ctx.db.sql.read(lambda tx: records.chat_of_case(tx, message.held))
    if link is None:
        return
    kind = msgspec.json.decode(one.read(message.words), type=Words).kind
    said = question(ctx, message, link) if kind == "ask" else ChatSaid(_say(f"chat_{kind}", link.lang), link.lang)
    key = UUID(bytes=bytes.fromhex(named(shelf_of(ctx.db).key, "push", message.id.encode()))[:16], version=4)
    was_taken = await chat.push(one.said(link.address), said, str(key))
    await ctx.db.sql.write(lambda tx: one.note(tx, ctx, "chatted" if was_taken else "chat-failed", alarm=message.alarm))


def question(ctx: Context, message: Message, link: Link, *, again: bool = False) -> ChatSaid:
    """Are you home? Three presses."""
    choices = tuple(
        (_say(f"press_{said}", link.lang), _data(ctx, message, link, said)) for said in ("home", "away", "call")
    )
    return ChatSaid(_say("chat_ask_again" if again else "chat_ask", link.lang), link.lang, choices)


async def hear(ctx: Context, user: str, text: str, data: str, lang: Lang) -> ChatSaid | None:
    """What a person of a chat said or pressed; None when it is not for the fence."""
    order, contact = await standing_order(ctx), _contact(ctx, user)
    if data:
        return await _pressed(ctx, order, contact, data, lang) if data.startswith(MARK) else None
    if (code := linkcode.said(text)) is not None:
        return await _linked(ctx, order, user, code=code, lang=lang)
    return await _spoken(ctx, order, contact, text) if order else None


async def _linked(ctx: Context, order: str, user: str, *, code: str, lang: Lang) -> ChatSaid:
    contact = _contact(ctx, user)
    digest, wrong = _digest(shelf_of(ctx.db).key, code), ChatSaid(_say("chat_wrong_code", lang), lang)
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["chat_code"], digest=digest))
    one = await _living(ctx, order, str(row[0])) if row is not None else None
    if one is None:
        return wrong

    def job(tx: Tx) -> bool:
        now_is = tx.row(SQL["chat_code"], digest=digest)
        if now_is is None or ctx.now > float(str(now_is[1])):
            return False
        tx.run(SQL["drop_chat_code"], held=one.held.id)
        tx.run(SQL["put_chat"], held=one.held.id, contact=contact, address=one.words(user), lang=lang, at=ctx.now)
        one.note(tx, ctx, "chat-linked")
        return True

    if not await ctx.db.sql.write(job):
        return wrong
    return await _and_asked(ctx, one, ChatSaid(_say("chat_linked", lang), lang))


async def _and_asked(ctx: Context, one: Opened, said: ChatSaid) -> ChatSaid:
    """With the question that is open: she was asked before there was a chat."""
    link = await ctx.db.sql.read(lambda tx: records.chat_of_case(tx, one.held.id))
    asked = await ctx.db.sql.read(lambda tx: records.newest_question(tx, one.held.id))
    if link is None or asked is None or asked.answered is not None or ctx.now > asked.at + HEARD_S:
        return said
    put = question(ctx, asked, link, again=True)
    return ChatSaid(f"{said.text}\n{put.text}", put.lang, put.choices)


async def _pressed(ctx: Context, order: str, contact: str, data: str, lang: Lang) -> ChatSaid:
    """A press: of the question that was asked here, of this chat, in time; whatever else it is, it moves nothing."""
    old = ChatSaid(_say("chat_old", lang), lang)
    read = _PRESS.fullmatch(data)
    if read is None or not order:
        return old
    message = await ctx.db.sql.read(lambda tx: records.message_by_id(tx, read[1]))
    one = await _living(ctx, order, message.held) if message is not None else None
    if message is None or one is None or ctx.now > message.at + HEARD_S:
        return old
    link = await ctx.db.sql.read(lambda tx: records.chat_of_case(tx, message.held))
    if link is None or not hmac.compare_digest(link.contact, contact):
        return old
    if not hmac.compare_digest(_data(ctx, message, link, read[2]), data):
        return old
    if read[2].startswith("why-"):
        return await _reasoned(ctx, one, link, _say(f"why_{read[2][4:]}", "zh-Hant"))
    job = partial(_answered, ctx=ctx, one=one, message=message, said=read[2])
    key = await ctx.db.sql.write(job)
    why = tuple((_say(f"why_{each}", link.lang), _data(ctx, message, link, f"why-{each}")) for each in WHY)
    return ChatSaid(_say(key, link.lang), link.lang, why if key == "chat_away" else ())


def _answered(tx: Tx, *, ctx: Context, one: Opened, message: Message, said: str) -> str:
    """In one commit; what is replied."""
    if said == "call":
        now_is = records.message_by_id(tx, message.id)
        if now_is is None or now_is.answered is not None:
            return "chat_answered"
        alarm = records.alarm_by_id(tx, message.alarm)
        if alarm is not None:
            stepped = ladder.wants_call(alarm.ladder, terms_now(tx, ctx.now).waits)
            if stepped[1]:
                one.note(tx, ctx, "said-call-chat", alarm=message.alarm)
                move(tx, ctx, one, alarm, stepped)
        return "chat_call"
    if not tx.run(SQL["is_answered"], id=message.id, now=ctx.now):
        return "chat_answered"
    hear_answer(tx, ctx, one, "home" if said == "home" else "away", "chat")
    return f"chat_{said}"


async def _spoken(ctx: Context, order: str, contact: str, text: str) -> ChatSaid | None:
    """Words of a linked chat: why she is away, when she was just asked; while a question is open it is put again."""
    cases = await ctx.db.sql.read(lambda tx: tx.rows(SQL["chats"], contact=contact, limit=FENCE_CHAT_CASES))
    for (id,) in cases:
        one = await _living(ctx, order, str(id))
        link = await ctx.db.sql.read(partial(records.chat_of_case, held=str(id)))
        asked = await ctx.db.sql.read(partial(records.newest_question, held=str(id)))
        if one is None or link is None or asked is None:
            continue
        if asked.answered is not None and await ctx.db.sql.read(partial(_is_reasonless, held=str(id), now=ctx.now)):
            return await _reasoned(ctx, one, link, text[:FENCE_FIELD])
        if asked.answered is None and ctx.now <= asked.at + HEARD_S:
            return question(ctx, asked, link, again=True)
    return None


async def _reasoned(ctx: Context, one: Opened, link: Link, words: str) -> ChatSaid:
    """Why she is away, once for an answer."""

    def job(tx: Tx) -> None:
        if _is_reasonless(tx, held=one.held.id, now=ctx.now):
            one.note(tx, ctx, "said-why", words=words)

    await ctx.db.sql.write(job)
    return ChatSaid(_say("chat_why", link.lang), link.lang)


def _is_reasonless(tx: Tx, *, held: str, now: float) -> bool:
    """Whether she just said in the chat that she is away, and not why."""
    for step in records.steps_of(tx, held):
        if step.kind in ("said-why", "said-home-chat", "said-home-page", "said-home-sms"):
            return False
        if step.kind == "said-away-chat":
            return now <= step.at + FENCE_CHAT_WHY_S
    return False


async def _living(ctx: Context, order: str, held: str) -> Opened | None:
    """A case of the order in force that is not over."""
    found = await ctx.db.sql.read(lambda tx: records.held_by_id(tx, held))
    if found is None or not order or found.power != order or found.state == "over":
        return None
    try:
        return await opened(ctx, found)
    except NotFound:
        return None


def _data(ctx: Context, message: Message, link: Link, said: str) -> str:
    """What a press sends back: it names the question and the answer, and is good from one chat only."""
    bound = named(shelf_of(ctx.db).key, "press", f"{message.id}/{link.contact}/{said}".encode())
    return f"{MARK}{message.id}/{said}/{bound[:32]}"


def _contact(ctx: Context, user: str) -> str:
    """The fence's name of who is at a chat."""
    return named(shelf_of(ctx.db).key, "chat", user.encode())


def _digest(key: bytes, code: str) -> bytes:
    return bytes.fromhex(named(key, "chat-code", code.encode()))


def _say(key: str, lang: Lang) -> str:
    return MESSAGES.text(f"fence.{key}", lang)
