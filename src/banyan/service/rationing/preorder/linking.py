"""A person links her own chat to an order, or ends it."""

from __future__ import annotations

import msgspec

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import iso
from banyan.service.rationing.preorder import chats, records
from banyan.service.rationing.preorder.registering import Named, found, own_person, round_now
from banyan.service.rationing.preorder.words import both
from banyan.service.rationing.service import SERVICE


class Code(msgspec.Struct, frozen=True):
    """What to send to the official account from one's own chat, and until when it counts (RFC 3339 UTC). `page`: a
    simulated chat's, on this node."""

    code: str
    until: str
    page: str = ""


class Unlinked(msgspec.Struct, frozen=True):
    was_linked: bool


@SERVICE.operation(
    "link_preorder_chat", title={"zh-Hant": "預購在聊天提醒", "en": "Reminders in my chat"},
    summary={"zh-Hant": "取得一次有效的連結碼，用自己的聊天送給官方帳號；訂單結束時刪除。",
             "en": "A code for once: send it from your own chat. The link is deleted with the order."},
    data=("identity",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",), rate="login",
)  # fmt: skip
async def link_preorder_chat(ctx: Context, request: Named) -> Code:
    """Raises NotFound without an order, Denied for who acts for her, Conflict without a chat or when it is over."""
    if ctx.caller.kind != "citizen":
        raise Denied(both("own_chat"), remedy=both("own_chat_remedy"), kind="own-chat")
    await round_now(ctx, request.round)
    person = own_person(ctx)
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    made = await chats.link(ctx.db, order, ctx.now)
    return Code(made.code, iso(made.until), made.page)


@SERVICE.operation(
    "unlink_preorder_chat", title={"zh-Hant": "預購不再在聊天提醒", "en": "No more reminders in my chat"},
    summary={"zh-Hant": "解除連結並刪除。", "en": "The link is deleted."},
    data=("identity",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",),
)  # fmt: skip
async def unlink_preorder_chat(ctx: Context, request: Named) -> Unlinked:
    """Again does nothing. Raises NotFound without an order."""
    person = own_person(ctx)
    order = found(await ctx.db.sql.read(lambda tx: records.order_of(tx, request.round, person)))
    was = await chats.is_linked(ctx.db, order)
    await chats.unlink(ctx.db, order)
    return Unlinked(was)
