"""Messages to people: written in the transaction that decides them, given to the SMS centre afterwards, each once.

A timer per message begins with that commit and ends when the centre has it durably; the centre takes one text for one
number and campaign once, so that a crash between the two repeats nothing (craft/notify).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec

from banyan.craft.notify.model import Lane, Message
from banyan.errors import Invalid, NotFound
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.service.fence import records
from banyan.service.fence.keeping import Opened, opened
from banyan.service.fence.sealing import SQL, named
from banyan.service.fence.service import SERVICE
from banyan.service.fence.shelf import MESSAGES, shelf_of

SEND: Final = "send"
LISTEN: Final = "listen"
PUSH: Final = "push"
CHATTED: Final = ("ask", "leave", "decided")
"""Messages that go to a linked chat too; a code proves a phone, so it goes to the phone alone."""
LISTEN_S: Final = 10.0
"""Between looks at the SMS centre for an answer."""
AGAIN_S: Final = 30.0
"""Between tries while the node has no SMS centre."""
ANSWER_DIGITS: Final = 10_000


class Words(msgspec.Struct, frozen=True):
    """What is sealed of a message."""

    kind: str
    text: str


def queue(tx: Tx, ctx: Context, one: Opened, *, kind: str, alarm: str, values: Mapping[str, str] | None = None) -> str:
    """Write a message that must go; its id. A question brings a code of its own, by which its answer is believed."""
    shelf = shelf_of(ctx.db)
    id = shelf.random(8).hex()
    code = f"{int.from_bytes(shelf.random(8)) % ANSWER_DIGITS:04}"
    text = MESSAGES.text(f"fence.sms_{kind}", "zh-Hant", **{"code": code, **(values or {})})
    words = one.words(msgspec.json.encode(Words(kind, text)).decode())
    digest = answer_digest(shelf.key, id, code) if kind == "ask" else b""
    tx.run(SQL["add_message"], id=id, held=one.held.id, alarm=alarm, at=ctx.now, words=words, digest=digest)
    timers.set(tx, SEND, id, ctx.now)
    if kind in CHATTED and records.chat_of_case(tx, one.held.id) is not None:
        timers.set(tx, PUSH, id, ctx.now)
    return id


@SERVICE.timer(SEND)
async def send(ctx: Context, event: Event) -> None:
    """Give one message to the SMS centre; wait while there is none."""
    message = await ctx.db.sql.read(lambda tx: records.message_by_id(tx, event.subject))
    if message is None or message.sent is not None:
        return
    held = await ctx.db.sql.read(lambda tx: records.held_by_id(tx, message.held))
    try:
        one = await opened(ctx, held)
    except NotFound:
        return  # its keys are destroyed: nobody is left to be told
    notifier = shelf_of(ctx.db).notifier
    if notifier is None:
        return await ctx.db.sql.write(partial(_later, id=message.id, now=ctx.now))
    words = msgspec.json.decode(one.read(message.words), type=Words)
    sms = Message(campaign=campaign_of(message.id), to=one.who.phone, text=words.text, lane=Lane.FENCE)
    try:
        await notifier.accept([sms])
    except Invalid:  # not a number that can be told: the enrolment's worklist
        await ctx.db.sql.write(lambda tx: tx.run(SQL["set_enrolment"], id=one.held.id, enrolment="wrong-number"))
        return None
    await ctx.db.sql.write(partial(_sent, id=message.id, is_question=bool(message.digest), now=ctx.now))
    return None


def campaign_of(message: str) -> str:
    """The SMS centre's name of a message: it tells nothing of whom it is for."""
    return f"fence/{message}"


def answer_digest(key: bytes, message: str, code: str) -> bytes:
    return bytes.fromhex(named(key, "answer", f"{message}/{code}".encode()))


def is_answer(key: bytes, message: str, digest: bytes, code: str) -> bool:
    """Whether a code belongs to this question; compared in constant time."""
    return bool(digest) and hmac.compare_digest(digest, answer_digest(key, message, code))


def _sent(tx: Tx, *, id: str, is_question: bool, now: float) -> None:
    tx.run(SQL["is_sent"], id=id, now=now)
    if is_question:
        timers.set(tx, LISTEN, id, EpochS(now + LISTEN_S))


def _later(tx: Tx, *, id: str, now: float) -> None:
    timers.set(tx, SEND, id, EpochS(now + AGAIN_S))
