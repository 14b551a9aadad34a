"""Operators deliver positions under the order, as their apps or officers; who they are of is never answered."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.craft.tracing.importing import delivery_of
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.tracing.keeping import take
from banyan.service.tracing.law import PURPOSE, under_order
from banyan.service.tracing.noticing import note_waiting
from banyan.service.tracing.service import SERVICE
from banyan.service.tracing.shelf import shelf_of

ROWS = 20_000
Person = Annotated[str, msgspec.Meta(max_length=20)]


class PingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is E.164; `at` epoch seconds; WGS84 degrees. `person`: whose number it is, where the operator knows."""

    number: Annotated[str, msgspec.Meta(pattern=r"^\+?[1-9][0-9]{6,14}$")]
    at: int
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-89, le=89)]
    person: Person = ""


class Delivering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pings: Annotated[tuple[PingRow, ...], msgspec.Meta(min_length=1, max_length=ROWS)]


class Delivered(msgspec.Struct, frozen=True):
    """`rows` are new; `twice` were told twice in the delivery, `over` are too old to be kept, `ahead` in the future."""

    rows: int
    twice: int
    over: int
    ahead: int


@SERVICE.operation(
    "deliver", title={"zh-Hant": "電信業者交付位置", "en": "Operators deliver positions"},
    summary={"zh-Hant": "依命令交付；到期即銷毀。", "en": "Under the order only; destroyed when their time is over."},
    data=OPEN, audience="agency", effect="write", purpose=PURPOSE, channels=("api",), rate="bulk",
)  # fmt: skip
async def deliver(ctx: Context, request: Delivering) -> Delivered:
    """Late and repeated deliveries are fine. Raises Denied without an order."""
    order, basis = await under_order(ctx)
    shelf = shelf_of(ctx.db)
    given = delivery_of(msgspec.structs.asdict(one) for one in request.pings)
    persons = {int(one.number.removeprefix("+")): shelf.subject_of(one.person) for one in request.pings if one.person}
    taken = await take(ctx.db, order.reference, given, persons, now=ctx.now, days=basis.retention_days)
    if persons:
        await note_waiting(ctx, basis, order.reference)
    return Delivered(taken.rows, taken.twice, taken.over, taken.ahead)
