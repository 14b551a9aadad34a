"""Sales that the rationing agency's own front system has checked the cards of: one each, or many in one message.

In 2020 the insurance administration read each card in its own network and knew the holder's age. Such a system has the
node's own token; it sends number and birth date in the body, both become a pseudonym and an age here and go no further.
A sale counts once for its terminal and counter, however often it is sent; each stands alone.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import iso
from banyan.limits_rationing import RATION_FORWARDED, RATION_NAME, RATION_QTY
from banyan.service.rationing.counter.cards import CARD_CHARACTERS, of_number
from banyan.service.rationing.counter.outlets import Counter, ItemId, Terminal, must_be_ordered
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Answer, Buy, Buyer, Receipt, Refusal
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import person_of

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=CARD_CHARACTERS)]


class Forwarded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is of whose quota it is, `proxy` of who came with the card."""

    terminal: Terminal
    counter: Counter
    number: Number
    born: date
    item: ItemId
    qty: Annotated[int, msgspec.Meta(ge=1, le=RATION_QTY)]
    outlet: Annotated[str, msgspec.Meta(min_length=1, max_length=RATION_NAME)]
    channel: Annotated[str, msgspec.Meta(max_length=RATION_NAME)] = "pharmacy"
    proxy: Annotated[str, msgspec.Meta(max_length=CARD_CHARACTERS)] = ""


class Forwarding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sales: Annotated[tuple[Forwarded, ...], msgspec.Meta(min_length=1, max_length=RATION_FORWARDED)]


class Came(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one sale came to: its number in the log, or why there is none (`code`, the engine's) and from when."""

    seq: int = 0
    code: str = ""
    next_from: str = ""
    left: int = 0
    field: str = ""


class Settled(msgspec.Struct, frozen=True):
    """In the order in which the sales were sent."""

    sales: tuple[Came, ...]


@SERVICE.operation(
    "forward",
    title={"zh-Hant": "轉送販售", "en": "Forward sales"},
    summary={
        "zh-Hant": "主管機關的前端系統轉送已查驗證件的販售；重送只算一次。",
        "en": "The rationing agency’s front system sends sales whose cards it has checked; sent again they count once.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    purpose="012",
    channels=("api",),
)
async def forward(ctx: Context, request: Forwarding) -> Settled:
    """Raises Conflict without an order in force."""
    await must_be_ordered(ctx)
    commands = [_command(ctx, one) for one in request.sales]
    engine = engine_of(ctx.db)
    answers = iter(await engine.do_each([one for one in commands if isinstance(one, Buy)]))
    return Settled(tuple(_came(next(answers) if isinstance(one, Buy) else one) for one in commands))


def _command(ctx: Context, one: Forwarded) -> Buy | Refusal:
    card = of_number(one.number)
    proxy = of_number(one.proxy) if one.proxy else card
    if card is None or proxy is None:
        return Refusal("bad_command", field="number" if card is None else "proxy")
    return Buy(
        key=bytes.fromhex(one.terminal) + one.counter.to_bytes(8, "big"),
        buyer=Buyer(person_of(ctx.db, card.number), one.born, card.parity, card.kind),
        item=one.item,
        qty=one.qty,
        outlet=one.outlet,
        channel=one.channel,
        collected_by=person_of(ctx.db, proxy.number) if one.proxy else b"",
    )


def _came(answer: Answer) -> Came:
    if isinstance(answer, Receipt):
        return Came(seq=answer.seq)
    when = iso(answer.next_from) if answer.next_from is not None else ""
    return Came(code=answer.code, next_from=when, left=answer.left, field=answer.field)
