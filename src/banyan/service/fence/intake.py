"""The operators' door: fixes as JSON; at `/api/fence/batch` whole files of them, as lines of JSON, Arrow or Parquet.

An operator sends and sees nobody. Fixes of phones that are nobody's here are counted and forgotten before they are
kept anywhere.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec

from banyan.craft.cells.arriving import KINDS, decode
from banyan.craft.cells.model import CellTable, Fixes, fixes
from banyan.craft.fencing.model import FenceEngine
from banyan.errors import Denied, Invalid, Unavailable
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.storage.store import Tx
from banyan.limits_fence import FENCE_SIGNALS, FIX_BATCH_BYTES
from banyan.service.fence import law, records
from banyan.service.fence.keeping import phone_named
from banyan.service.fence.positions import drain
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import phone_of
from banyan.service.fence.shelf import Shelf, both, shelf_of

DOOR: Final = "/api/fence/batch"
OPERATOR: Final = "operator"


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`cell` is `mcc-mnc-area-cell`; `at` seconds since 1970."""

    phone: Annotated[str, msgspec.Meta(max_length=20)]
    at: int
    cell: Annotated[str, msgspec.Meta(max_length=40)]


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`complete_until`: all fixes up to then were sent."""

    fixes: Annotated[tuple[Fix, ...], msgspec.Meta(max_length=FENCE_SIGNALS)]
    complete_until: int | None = None


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch as a file, in base64: columns or keys `phone`, `at` and `cell`. Sent as it is at `/api/fence/batch`."""

    kind: str
    content: bytes
    complete_until: int | None = None


class Wrong(msgspec.Struct, frozen=True):
    """A row that was left out, from 1, and what to write; never its values."""

    row: int
    field: str
    fix: str


class Taken(msgspec.Struct, frozen=True):
    """What became of them; `strange`: of phones that are nobody's here, forgotten at once. `wrong` are the first of
    `wrong_rows`."""

    taken: int
    again: int
    late: int
    ahead: int
    unknown: int
    strange: int
    wrong_rows: int = 0
    wrong: tuple[Wrong, ...] = ()


@SERVICE.operation(
    "fixes", title={"zh-Hant": "送入定位", "en": "Send fixes"},
    summary={
        "zh-Hant": "電信業者每十分鐘送入受圍籬手機的基地臺。",
        "en": "Operators send the serving cells of phones under the fence.",
    },
    data=OPEN, audience="agency", effect="write", purpose="012", channels=("api",), rate="bulk",
)  # fmt: skip
async def send_fixes(ctx: Context, request: Batch) -> Taken:
    """Raises Denied when no order is in force, or for who is no operator; Unavailable without an engine."""
    order, engine, table = await _operated(ctx)
    shelf = shelf_of(ctx.db)
    names = {phone: phone_named(shelf, phone_of(phone) or "") for phone in {one.phone for one in request.fixes}}
    slots = await ctx.db.sql.read(lambda tx: _slots(tx, names, order))
    known = [one for one in request.fixes if one.phone in slots]
    batch = fixes(
        [slots[one.phone] for one in known], [one.at for one in known], [table.cell(one.cell) for one in known]
    )
    return await _fed(ctx, engine, batch, request.complete_until, strange=len(request.fixes) - len(known))


@SERVICE.operation(
    "send", title={"zh-Hant": "送入定位檔", "en": "Send a file of fixes"},
    summary={
        "zh-Hant": "電信業者以 NDJSON、Arrow 或 Parquet 整批送入定位。",
        "en": "Operators send a whole batch as NDJSON, Arrow or Parquet.",
    },
    data=OPEN, audience="agency", effect="write", purpose="012", channels=("api",), rate="bulk", time_s=60.0,
)  # fmt: skip
async def send(ctx: Context, request: File) -> Taken:
    """Raises Denied and Unavailable as `fixes` does, Invalid for a kind or a body that is none of ours, Limit."""
    order, engine, table = await _operated(ctx)
    if request.kind not in KINDS:
        raise Invalid.at("kind", f"send one of {', '.join(KINDS)}")
    shelf = shelf_of(ctx.db)
    phones = await ctx.db.sql.read_long(lambda tx: records.slots_by_phone(tx, order))
    met: dict[str, int] = {}

    def slot_of(phone: str) -> int:
        slot = met.get(phone)
        if slot is None:
            slot = met[phone] = phones.get(phone_named(shelf, phone_of(phone) or ""), -1)
        return slot

    read = await asyncio.to_thread(decode, request.content, request.kind, table, slot_of)
    done = await _fed(ctx, engine, read.fixes, request.complete_until, strange=read.unwatched)
    wrong = tuple(Wrong(one.row, one.field, one.fix) for one in read.bad)
    return msgspec.structs.replace(done, wrong_rows=read.bad_rows, wrong=wrong)


@SERVICE.face("POST", path=DOOR, rate="bulk", time_s=60.0)
async def door(request: FaceRequest) -> FaceAnswer:
    """The body as it is, its kind by Content-Type; `?complete_until=` as in `fixes`. Who may not send is told before
    anything is read."""
    await request.call("fence.fixes", Batch(()))
    kind = request.header("content-type").partition(";")[0].strip().lower()
    given = dict(request.query).get("complete_until", "")
    if given and not (given.isascii() and given.isdigit() and len(given) <= 10):
        raise Invalid.at("complete_until", "write seconds since 1970")
    content = await request.body(FIX_BATCH_BYTES)
    done = await request.call("fence.send", File(kind, content, int(given) if given else None))
    return FaceAnswer(msgspec.json.encode(done))


async def _operated(ctx: Context) -> tuple[str, FenceEngine, CellTable]:
    order, agency = await law.order_in_force(ctx), ctx.caller.agency
    duties = await ctx.db.sql.read(lambda tx: law.duties_of(tx, agency))
    if not any(one.desk == OPERATOR for one in duties):
        raise Denied(both("no_area"), remedy=both("no_area_remedy"), kind="no-area")
    shelf: Shelf = shelf_of(ctx.db)
    if shelf.engine is None or shelf.cells is None:
        raise Unavailable(both("no_engine"), remedy=both("no_engine_remedy"))
    return order, shelf.engine, shelf.cells


async def _fed(ctx: Context, engine: FenceEngine, batch: Fixes, complete_until: int | None, *, strange: int) -> Taken:
    """The engine has them, and what it told was acted upon, before the operator is answered."""
    fed = await engine.feed(batch, complete_until=complete_until)
    await drain(ctx)
    return Taken(fed.taken, fed.again, fed.late, fed.ahead, fed.unknown, strange)


def _slots(tx: Tx, names: dict[str, str], order: str) -> dict[str, int]:
    found = {}
    for phone, name in names.items():
        cases = records.held_by_phone(tx, name, order) if name else []
        if len(cases) == 1 and cases[0].state == "watched":  # in hospital nothing of her phone is taken
            found[phone] = cases[0].slot
    return found
