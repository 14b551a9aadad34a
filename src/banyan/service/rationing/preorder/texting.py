"""What an order's own page says goes out by SMS as well, where its person gave a telephone: a place, what is left to
pay, goods that are there. By day only, one SMS long, never with a link, and no more once the order is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final, cast

import msgspec

from banyan.craft.notify.model import Lane
from banyan.craft.notify.model import Message as Sms
from banyan.errors import Conflict
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import PREORDER_BATCH, PREORDER_MESSAGES
from banyan.service.rationing.preorder import records
from banyan.service.rationing.preorder.phones import Language, Phones, opened, phones_of
from banyan.service.rationing.preorder.records import SQL, Kept, Order
from banyan.service.rationing.preorder.words import MESSAGES, TAIPEI

NEEDS: Final[Mapping[str, str]] = {
    "won": "won", "moved_up": "won", "remind": "won", "ready": "paid", "last_day": "paid"
}  # fmt: skip
"""Messages that are worth an SMS, and the state in which they still hold."""
DAY_BEGINS: Final = time(8)
DAY_ENDS: Final = time(21)
"""No telephone rings at night, by Taiwan's clock: what comes due then waits for the morning, if it still holds."""


class Spoken(msgspec.Struct, frozen=True):
    """What an order's page says, the n-th of all."""

    n: int
    at: float
    kind: str
    facts: Mapping[str, str | int]


class Due(msgspec.Struct, frozen=True):
    """One telephone with what was said since."""

    order: Order | None
    id: str
    sealed: bytes
    lang: Language
    messages: tuple[Spoken, ...]


async def text(ctx: Context, kept: Kept) -> bool:
    """One batch; True when anything was passed on. Passed on again after a crash it goes once."""
    phones = phones_of(ctx.db)
    if phones is None or is_night(ctx.now):
        return False
    due = await ctx.db.sql.read(lambda tx: _due(tx, kept))
    for one in due:
        for sms in await _texts(phones, kept, one, ctx.now):
            try:
                await phones.sender.accept([sms])
            except Conflict:  # an operator stopped this campaign: the page says it all the same
                ctx.log("preorder.sms_stopped", {"round": kept.round.id})
        newest = max((spoken.n for spoken in one.messages), default=0)
        await ctx.db.sql.write(lambda tx, id=one.id, n=newest: tx.run(SQL["phone_done"], preorder=id, n=n))  # type: ignore[misc]  # bound now, for the loop goes on
    return bool(due)


def next_at(tx: Tx, round: str, now: EpochS) -> EpochS | None:
    """When the next SMS of a round may go; None when none waits."""
    if not records.count(tx, "any_phone_waits", round=round):
        return None
    return morning_after(now) if is_night(now) else EpochS(now + 1.0)


def is_night(now: float) -> bool:
    at = datetime.fromtimestamp(now, TAIPEI).time()
    return not DAY_BEGINS <= at < DAY_ENDS


def morning_after(now: float) -> EpochS:
    at = datetime.fromtimestamp(now, TAIPEI)
    day = at.date() if at.time() < DAY_BEGINS else at.date() + timedelta(days=1)
    return EpochS(datetime.combine(day, DAY_BEGINS, TAIPEI).timestamp())


def evening_of(now: float) -> float:
    day = datetime.fromtimestamp(now, TAIPEI).date()
    return datetime.combine(day, DAY_ENDS, TAIPEI).timestamp()


def said(kind: str, facts: Mapping[str, str | int], lang: Language, word: str) -> str:
    """The SMS. It begins with the check word that the person was shown when she registered."""
    until = datetime.fromtimestamp(float(facts["until"]), TAIPEI).strftime("%m-%d %H:%M")
    return MESSAGES.text(
        f"preorder.sms_{kind}", lang, word=word, until=until, amount=f"{int(facts.get('amount', 0)):,}"
    )


def campaign_of(round: str, kind: str, at: float) -> str:
    """By the day on which it was said: who has several orders under one telephone is told once a day of each kind."""
    return f"preorder/{round}/{kind}-{datetime.fromtimestamp(at, TAIPEI):%Y%m%d}"


def _due(tx: Tx, kept: Kept) -> Sequence[Due]:
    found = []
    for id, sealed, lang, done in tx.rows(SQL["waiting_phones"], round=kept.round.id, limit=PREORDER_BATCH):
        messages = spoken_after(tx, str(id), int(str(done)))
        order = records.order_by_id(tx, str(id))
        found.append(Due(order, str(id), cast(bytes, sealed), "en" if lang == "en" else "zh-Hant", messages))
    return found


def spoken_after(tx: Tx, order: str, done: int) -> tuple[Spoken, ...]:
    """What was said since, oldest first."""
    return tuple(
        Spoken(int(str(n)), float(str(at)), str(kind), msgspec.json.decode(cast(bytes, facts)))
        for n, at, kind, facts in tx.rows(SQL["messages_after"], preorder=order, after=done, limit=PREORDER_MESSAGES)
    )


def holding(order: Order, messages: Sequence[Spoken], now: float) -> list[Spoken]:
    """Those that still hold; the newest of each kind."""
    newest = {
        one.kind: one for one in messages if NEEDS.get(one.kind) == order.state and float(one.facts["until"]) > now
    }
    return list(newest.values())


async def _texts(phones: Phones, kept: Kept, due: Due, now: EpochS) -> list[Sms]:
    order = due.order
    holds = holding(order, due.messages, now) if order is not None else []
    if order is None or not holds:
        return []
    to = await opened(phones, kept.round.id, due.id, due.sealed)
    return [
        Sms(
            campaign=campaign_of(kept.round.id, one.kind, one.at),
            to=to,
            text=said(one.kind, one.facts, due.lang, order.word),
            lane=Lane.REMINDER,
            lang=due.lang,
            expires=min(float(one.facts["until"]), evening_of(now)),
        )
        for one in holds
        if to
    ]
