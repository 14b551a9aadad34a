"""Her answers: by a button on her own page or in the chat, or by an SMS that brings the code of the question.

The sender of an SMS can be forged. So a reply counts once, from the number that was asked, with the code that stood in
that question; a wrong or a used code moves nothing.
"""

from __future__ import annotations

import hmac
import re
from typing import Final, Literal

import msgspec

from banyan.craft.notify.model import Reply
from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_CODE_TRIES
from banyan.service.fence import records
from banyan.service.fence.alarming import hear_answer
from banyan.service.fence.keeping import Opened, opened, own_case
from banyan.service.fence.law import order_in_force, standing_order
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import LISTEN, LISTEN_S, campaign_of, is_answer
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import shelf_of

HEARD_S: Final = 6 * 3_600.0
"""A question is listened to so long; afterwards the ladder has gone on without."""
_REPLY: Final = re.compile(r"\s*([12])\D{0,4}(\d{4})\s*")
_FULL: Final = str.maketrans("０１２３４５６７８９", "0123456789")


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    is_home: bool


class Heard(msgspec.Struct, frozen=True):
    """`moved`: an alarm was open and took the answer."""

    moved: bool


@SERVICE.operation(
    "answer", title={"zh-Hant": "我在家", "en": "I am home"},
    summary={"zh-Hant": "回答您是否在家；會記錄。", "en": "Say whether you are at home; it is written down."},
    data=("health",), audience="citizen", effect="write", purpose="own-affairs", channels=("api",),
)  # fmt: skip
async def answer(ctx: Context, request: Answer) -> Heard:
    """Only she herself can say it: who acts for her does not know. Raises NotFound for who is not in quarantine."""
    one = await own_case(ctx, await order_in_force(ctx))
    said: Literal["home", "away"] = "home" if request.is_home else "away"
    return Heard(await ctx.db.sql.write(lambda tx: hear_answer(tx, ctx, one, said, "page")))


@SERVICE.timer(LISTEN)
async def look(ctx: Context, event: Event) -> None:
    """Ask the SMS centre for replies to one question."""
    message = await ctx.db.sql.read(lambda tx: records.message_by_id(tx, event.subject))
    notifier = shelf_of(ctx.db).notifier
    if message is None or message.answered is not None or notifier is None or ctx.now > message.at + HEARD_S:
        return
    if not await standing_order(ctx):
        return
    try:
        one = await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_id(tx, message.held)))
    except NotFound:
        return
    for reply in (await notifier.replies(campaign_of(message.id), limit=FENCE_CODE_TRIES))[:FENCE_CODE_TRIES]:
        if await hear_reply(ctx, one, message, reply):
            return
    again = EpochS(ctx.now + LISTEN_S)
    await ctx.db.sql.write(lambda tx: timers.set(tx, LISTEN, message.id, again))


async def hear_reply(ctx: Context, one: Opened, message: records.Message, reply: Reply) -> bool:
    """Take one SMS as the answer to a question; False when it is none: another number, another code, or used."""
    read = _REPLY.fullmatch(reply.text.translate(_FULL))
    if read is None or not hmac.compare_digest(reply.to.encode(), one.who.phone.encode()):
        return False
    if not is_answer(shelf_of(ctx.db).key, message.id, message.digest, read[2]):
        return False
    said: Literal["home", "away"] = "home" if read[1] == "1" else "away"

    def job(tx: Tx) -> bool:
        if not tx.run(SQL["is_answered"], id=message.id, now=ctx.now):
            return False
        hear_answer(tx, ctx, one, said, "sms")
        return True

    return await ctx.db.sql.write(job)
