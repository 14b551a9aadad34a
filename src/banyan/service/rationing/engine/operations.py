"""What may I buy, and when? Asked on every channel; answered without a word of where or when anybody bought.

Who has signed in is told of what is left of their own ration. Anybody else is told what the law gives somebody of that
age and number who has bought nothing: no operation here looks up another person.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS, iso
from banyan.limits_rationing import RATION_NAME, RATION_TICK_S
from banyan.service.rationing.engine.days import date_of, day_of, latest_birth
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.rationing.engine.model import Buyer, Entitlement, Why
from banyan.service.rationing.engine.rulebook import Kind
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.shelf import MESSAGES, person_called

TICK: Final = "ration-tick"
NOBODY: Final = bytes(16)
"""No person's pseudonym: who has bought nothing."""
OLDEST: Final = 130
LAST_DIGIT: Final = {"zh-Hant": "證號末碼", "en": "Last digit of the number"}
ITEM: Final = {"zh-Hant": "品項", "en": "Item"}


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An age in years, not a birth date, so that no address holds one. `digit` is the last digit of the number on the
    document; empty where there is none."""

    age: Annotated[int, msgspec.Meta(ge=0, le=OLDEST, extra={"label": {"zh-Hant": "年齡", "en": "Age"}})]
    digit: Annotated[str, msgspec.Meta(pattern="^[0-9]?$", extra={"label": LAST_DIGIT})] = ""
    item: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.-]+$", max_length=RATION_NAME, extra={"label": ITEM})] = (
        "mask-adult"
    )
    kind: Annotated[Kind, msgspec.Meta(extra={"label": {"zh-Hant": "證件種類", "en": "Kind of document"}})] = "citizen"


class Later(msgspec.Struct, frozen=True):
    """From `from_when` (RFC 3339 UTC) on, `up_to` may be bought if none are before; `code` says why it is more."""

    from_when: str
    up_to: int
    code: str
    says: dict[str, str]


class Told(msgspec.Struct, frozen=True):
    """`may_buy` units now, of `of` in each window. `is_own`: what was bought is taken off; else it is what somebody
    like that could buy who has bought nothing. `code` is why it is not more."""

    item: str
    may_buy: int
    of: int
    is_own: bool
    code: str
    says: dict[str, str]
    from_when: str = ""
    up_to: int = 0
    later: tuple[Later, ...] = ()


@SERVICE.operation(
    "entitlement",
    title={"zh-Hant": "我可以買什麼？什麼時候？", "en": "What may I buy, and when?"},
    summary={
        "zh-Hant": "查詢現在可以買幾個、什麼時候可以再買；不透露在哪裡買過。",
        "en": "How many may be bought now, and when more; it says nothing of where anything was bought.",
    },
    data=OPEN,
    audience="public",
    keys=("實名制", "我什麼時候可以買", "可以買", "口罩", "entitlement"),
    channels=("web", "api", "chat", "mcp", "kiosk"),
)
async def entitlement(ctx: Context, request: Question) -> Told:
    is_own = ctx.caller.kind == "citizen" and bool(ctx.caller.subject)
    person = person_called(ctx.db, ctx.caller.subject) if is_own else NOBODY
    parity = int(request.digit) % 2 if request.digit else None
    buyer = Buyer(person, latest_birth(date_of(day_of(ctx.now)), request.age), parity, request.kind)
    return told(await engine_of(ctx.db).entitlement(buyer, request.item), is_own=is_own)


def told(found: Entitlement, *, is_own: bool) -> Told:
    """The engine's answer with its words, in both languages."""
    later = tuple(
        Later(iso(step.from_when), step.up_to, step.why[0].code, _says(step.why[0])) for step in found.steps if step.why
    )
    why = found.why[0]
    return Told(
        item=found.item,
        may_buy=found.may_buy,
        of=found.of,
        is_own=is_own,
        code=why.code,
        says=_says(why),
        from_when=iso(found.from_when) if found.from_when is not None else "",
        up_to=found.up_to,
        later=later,
    )


def _says(why: Why) -> dict[str, str]:
    key = f"rationing.why.{why.code}"
    if why.code in ("closed", "too_early_by_parity") and "from" not in why.values:
        key += "_unknown"
    return {lang: MESSAGES.text(key, lang, **why.values) for lang in LANGUAGES}


@SERVICE.start
async def begin_ticking(ctx: Context) -> None:
    """Replay the log before the first call, and let what expired meanwhile be free."""
    await engine_of(ctx.db).tick()
    await ctx.db.sql.write(lambda tx: timers.set(tx, TICK, "all", EpochS(ctx.now + RATION_TICK_S)))


@SERVICE.timer(TICK)
async def tick(ctx: Context, event: Event) -> None:
    """Time goes by when nobody buys, too."""
    await engine_of(ctx.db).tick()
    await ctx.db.sql.write(lambda tx: timers.set(tx, TICK, "all", EpochS(ctx.now + RATION_TICK_S)))


@SERVICE.stop
async def finish(ctx: Context) -> None:
    """What is being written is written."""
    await engine_of(ctx.db).close()
