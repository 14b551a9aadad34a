"""Which outlets sell by real name, whose pharmacists sell there, and the door that every act at a counter passes."""

from __future__ import annotations

import hmac
from typing import Annotated, Final, TypeVar

import msgspec

from banyan.errors import Conflict, Denied, Invalid, NotFound, Problem
from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage.statements import load_statements
from banyan.limits_rationing import COUNTER_OUTLETS
from banyan.service.rationing.counter.registers import registers_of
from banyan.service.rationing.service import SERVICE

SQL: Final = load_statements("banyan.service.rationing.counter", "counter.sql")
WORDS: Final = load_messages("banyan.service.rationing", "templates/counter.toml")
PHARMACIST: Final = "pharmacist"
"""The role of an officer who may sell: 醫事人員 of the outlet."""


def labelled(name: str) -> msgspec.Meta:
    """What forms and dialogues call a field, and what they say beside it."""
    parts = {"label": f"ration_counter.field.{name}", "hint": f"ration_counter.field.{name}_hint"}
    texts = {part: _both(key) for part, key in parts.items() if key in WORDS}
    return msgspec.Meta(extra=texts)


def _both(key: str) -> dict[str, str]:
    return {lang: WORDS.text(key, lang) for lang in LANGUAGES}


Code = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z]{1,20}$", description="its NHI code"), labelled("outlet")]
ItemId = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_.-]{1,40}$"), labelled("item")]
Terminal = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", description="16 hex digits"), labelled("terminal")]
Counter = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1, description="each act its own"), labelled("counter")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
P = TypeVar("P", bound=Problem)


class Outlet(msgspec.Struct, frozen=True):
    """`agency` is the member id of who runs it: its pharmacists sell here, nobody else. `channel` as rules call it."""

    code: str
    agency: str
    name: dict[str, str]
    channel: str = "pharmacy"


class OpenOutlet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outlet to sell at."""

    code: Code
    agency: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){2}$"), labelled("agency")]
    name: Name
    name_en: Name
    channel: Annotated[str, msgspec.Meta(pattern="^(pharmacy|health_centre)$")] = "pharmacy"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


@SERVICE.operation(
    "open_outlet",
    title={"zh-Hant": "開設販售據點", "en": "Open an outlet"},
    summary={
        "zh-Hant": "讓一家特約機構依實名制販售，並指定所屬機關。",
        "en": "Lets an outlet sell by real name, and says whose pharmacists sell there.",
    },
    data=OPEN,
    audience="administrator",
    effect="write",
    purpose="administration",
    channels=("api",),
)
async def open_outlet(ctx: Context, request: OpenOutlet) -> Outlet:
    """Again changes what is known of it."""
    name = {"zh-Hant": request.name, "en": request.name_en}
    made = Outlet(request.code, request.agency, name, request.channel)
    values = {"code": made.code, "agency": made.agency, "document": msgspec.json.encode(made).decode()}
    await ctx.db.sql.write(lambda tx: tx.run(SQL["put_outlet"], **values))
    return made


@SERVICE.operation(
    "my_outlets",
    title={"zh-Hant": "我的販售據點", "en": "My outlets"},
    summary={"zh-Hant": "登入的藥師可以販售的據點。", "en": "Where the pharmacist who signed in may sell."},
    data=OPEN,
    audience="officer",
    purpose="administration",
)
async def my_outlets(ctx: Context, request: Nothing) -> tuple[Outlet, ...]:
    """Raises Denied for who is no pharmacist."""
    must_be_pharmacist(ctx.caller)
    rows = await ctx.db.sql.read(lambda tx: tx.rows(SQL["outlets_of"], agency=ctx.caller.agency, limit=COUNTER_OUTLETS))
    return tuple(msgspec.json.decode(str(document), type=Outlet) for (document,) in rows)


async def admitted(ctx: Context, code: str) -> Outlet:
    """The outlet, for a pharmacist of its agency, under an order in force. Raises Denied alike for an outlet that is
    not there and one that is another's, Conflict without an order."""
    must_be_pharmacist(ctx.caller)
    found = await outlet_of(ctx, code)
    if found is None or not hmac.compare_digest(found.agency.encode(), ctx.caller.agency.encode()):
        raise said(Denied, "not_yours", code=code)
    await must_be_ordered(ctx)
    return found


async def must_be_ordered(ctx: Context) -> None:
    """Raises Conflict when no order lets things be sold by real name now (law 1 of the house)."""
    if not await registers_of(ctx.db).order(ctx.now):
        raise said(Conflict, "no_order", slug="order-over")


async def outlet_of(ctx: Context, code: str) -> Outlet | None:
    row = await ctx.db.sql.read(lambda tx: tx.row(SQL["outlet"], code=code))
    return None if row is None else msgspec.json.decode(str(row[0]), type=Outlet)


async def known_outlet(ctx: Context, code: str) -> Outlet:
    """For the public. Raises NotFound."""
    found = await outlet_of(ctx, code)
    if found is None:
        raise said(NotFound, "no_outlet", code=code)
    return found


def must_be_pharmacist(caller: Caller) -> None:
    """Raises Denied; 401 when nobody signed in."""
    if caller.kind != "officer" or PHARMACIST not in caller.roles or not caller.agency:
        raise said(Denied, "pharmacist", status=401 if caller.kind == "anonymous" else 403)


def key_of(terminal: str, counter: int) -> bytes:
    """The idempotency key of an act: a terminal's id and its own count."""
    return bytes.fromhex(terminal) + counter.to_bytes(8, "big")


both: Final = WORDS.both_under("ration_counter")
"""A sentence in both languages: a problem does not know who reads it."""


def said(problem: type[P], key: str, *, slug: str = "", status: int | None = None, **values: object) -> P:
    """A refusal in the house's words; `slug` is the problem's kind."""
    title, remedy = both(key, **values), both(f"{key}_remedy", **values)
    return problem(title, remedy=remedy, status=status, kind=slug or None)


def wrong(field: str, key: str, **values: object) -> Invalid:
    """A field that does not stand, in both languages."""
    return Invalid.at(field, both(key, **values))
