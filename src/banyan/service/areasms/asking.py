"""What a warning agency asks an operator: to say a signed warning to whoever is there, how far it is, and to stop.

It learns counts in tens, never a number. Nobody is looked for, or counted, before a warning is out. The same document
again is the same message: the answer is how far that is.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from banyan.craft.notify.model import Progress
from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_alerts import AREA_TOLD, CAP_BYTES
from banyan.service.areasms.judging import Order, id_of, order_of
from banyan.service.areasms.service import SERVICE
from banyan.service.areasms.shelf import Shelf, shelf_of
from banyan.wire.cap.model import MsgType

SQL: Final = load_statements("banyan.service.areasms", "areasms.sql")
WORK: Final = "give"
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`document` is the signed CAP document; `basis` the law that the asker stands on, for the operator's record."""

    document: Annotated[str, msgspec.Meta(min_length=1, max_length=CAP_BYTES)]
    basis: Short


class Stopping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message by CAP's `sender` and `identifier`."""

    sender: Short
    identifier: Short


class Heard(msgspec.Struct, frozen=True):
    """How far a message is, in tens of telephones, rounded down: `reached` of `total`. `waiting`: ask again."""

    state: Literal["waiting", "sent", "partly", "failed", "stopped"]
    reached: int = 0
    total: int = 0
    note: str = ""


class Kept(msgspec.Struct, frozen=True):
    """A row of `message`, without its document."""

    id: str
    sender: str
    identifier: str
    member: str
    basis: str
    digest: str
    state: Literal["waiting", "given", "stopped"]
    note: str
    at: float
    ends: float


@SERVICE.operation(
    "send", title={"zh-Hant": "發送區域簡訊", "en": "Send SMS to an area"},
    summary={"zh-Hant": "把一則經簽章的告警用簡訊告訴範圍內的門號；只回數量。",
             "en": "Tell the telephones in a signed warning's area by SMS; answers counts only."},
    data=OPEN, audience="agency", effect="write", channels=("road",),
)  # fmt: skip
async def send(ctx: Context, request: Sending) -> Heard:
    """Raises Invalid or Denied for what is no warning that is believed here; Conflict when the same message came from
    another member, or with other words."""
    member, shelf = _member(ctx), shelf_of(ctx.db)
    document = request.document.encode()
    order = order_of(document, shelf.register, ctx.now)
    kept = await ctx.db.sql.read(lambda tx: message(tx, order.id))
    if kept is None:
        for text in order.texts.values():
            shelf.check(text)
        await _record(ctx, shelf, order, member, request.basis)
        kept = await ctx.db.sql.write(
            lambda tx: _take(tx, order, document, member=member, basis=request.basis, now=ctx.now)
        )
    if (kept.member, kept.digest) != (member, order.digest):
        raise Conflict(
            "Another message of this sender and identifier is here.", remedy="Give each message an identifier."
        )
    await stop_earlier(shelf, order)
    return await _heard(shelf, kept)


@SERVICE.operation(
    "stop", title={"zh-Hant": "停止區域簡訊", "en": "Stop SMS to an area"},
    summary={"zh-Hant": "還沒送出的不再送。", "en": "What was not sent yet is sent no more."},
    data=OPEN, audience="agency", effect="write", channels=("road",),
)  # fmt: skip
async def stop(ctx: Context, request: Stopping) -> Heard:
    """By the member that asked. Raises NotFound for a message that is not its own."""
    member, shelf, id = _member(ctx), shelf_of(ctx.db), id_of(request.sender, request.identifier)
    kept = await ctx.db.sql.read(lambda tx: message(tx, id))
    if kept is None or kept.member != member:
        raise NotFound("This member has asked for no such message.", remedy="Name its sender and identifier.")
    async with shelf.turn:
        await ctx.db.sql.write(lambda tx: tx.run(SQL["stop"], id=id, empty=b""))
        await shelf.sender.stop(campaign_of(id))
    said = act_entry("area_sms", step="stop", sender=kept.sender, identifier=kept.identifier, agency=member)
    await shelf.ledger.append_once(f"areasms/{id}/stop", said)
    return await _heard(shelf, msgspec.structs.replace(kept, state="stopped"))


def campaign_of(id: str) -> str:
    return f"areasms/{id}"


def message(tx: Tx, id: str) -> Kept | None:
    row = tx.row(SQL["message"], id=id)
    return None if row is None else _kept(row)


async def stop_earlier(shelf: Shelf, order: Order) -> None:
    """Of what it replaces or cancels nothing more goes out; asked again this is the same."""
    if order.replaces:
        async with shelf.turn:
            for identifier in order.replaces:
                await shelf.sender.stop(campaign_of(id_of(order.sender, identifier)))


async def _record(ctx: Context, shelf: Shelf, order: Order, member: str, basis: str) -> None:
    """In the public ledger before it counts: which warning, who asked, on what law; not how many, and not whom."""
    said = act_entry(
        "area_sms", step="send", sender=order.sender, identifier=order.identifier, digest=order.digest,
        agency=member, basis=basis,
    )  # fmt: skip
    await shelf.ledger.append_once(f"areasms/{order.id}/send", said)


def _take(tx: Tx, order: Order, document: bytes, *, member: str, basis: str, now: EpochS) -> Kept:
    """Write it down, end what it replaces, and set the look-up going."""
    found = message(tx, order.id)
    if found is not None:  # it came twice at once
        return found
    known = False
    for identifier in order.replaces:
        earlier = id_of(order.sender, identifier)
        known = known or message(tx, earlier) is not None
        tx.run(SQL["end"], id=earlier, by_id=order.id, at=now)
        tx.run(SQL["stop"], id=earlier, empty=b"")
    state, note = "waiting", ""
    if tx.row(SQL["ended"], id=order.id) is not None:
        state, note = "stopped", "superseded"
    elif order.kind is MsgType.CANCEL and not known:
        state, note = "given", "never_said"
    tx.run(
        SQL["add"], id=order.id, sender=order.sender, identifier=order.identifier, member=member, basis=basis,
        digest=order.digest, state=state, note=note, at=now, ends=max(order.expires, now),
        document=document if state == "waiting" else b"",
    )  # fmt: skip
    if state == "waiting":
        timers.set(tx, WORK, order.id, now)
    added = message(tx, order.id)
    assert added is not None, "it was just written"
    return added


async def _heard(shelf: Shelf, kept: Kept) -> Heard:
    progress = await shelf.sender.progress(campaign_of(kept.id))
    if progress is None:
        if kept.state == "waiting":
            return Heard("waiting", note=kept.note)
        return Heard("stopped" if kept.state == "stopped" else "sent", note=kept.note or "no_numbers")
    return heard_of(kept, progress)


def heard_of(kept: Kept, progress: Progress) -> Heard:
    """What the SMS centre took counts as reached: a phone that is off gets it within its time."""
    exact = progress.sent + progress.delivered
    reached, total = (count // AREA_TOLD * AREA_TOLD for count in (exact, progress.total))
    if kept.state == "stopped":
        return Heard("stopped", reached, total, kept.note or "stopped")
    if kept.state == "waiting" or progress.left:
        return Heard("waiting", reached, total, kept.note)
    if exact == progress.total:
        return Heard("sent", reached, total, kept.note)
    return Heard("partly" if exact else "failed", reached, total, kept.note or "numbers_failed")


def _member(ctx: Context) -> str:
    """Who asks by the road. Nobody else may: a grant is to a member."""
    if ctx.caller.kind != "app" or not ctx.caller.agency or ctx.caller.subject:
        raise Denied("Only a member asks for this, by the road.", remedy="Ask through your gateway.", kind="no-member")
    return ctx.caller.agency


def _kept(row: Row) -> Kept:
    return msgspec.convert(dict(zip(Kept.__struct_fields__, row, strict=True)), Kept, strict=False)
