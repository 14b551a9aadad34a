"""The telephone on duty (值班手機): when the ladder tells a desk, its telephone is too; a page tells only who looks.

The SMS says of what kind an alarm is, and its case number; never who. It goes once for an alarm and a desk, and not to
the agency that has taken the alarm already.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from banyan.craft.notify.model import Lane, Message
from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events import Event, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.store import Tx
from banyan.service.fence import records
from banyan.service.fence.alarming import TELL
from banyan.service.fence.law import all_duties, on_duty, responsible, standing_order
from banyan.service.fence.looking import Nothing
from banyan.service.fence.sealing import SQL
from banyan.service.fence.sending import AGAIN_S
from banyan.service.fence.service import SERVICE
from banyan.service.fence.sheet import phone_of
from banyan.service.fence.shelf import MESSAGES, both, shelf_of

Told = Literal["health", "civil", "police"]
DESKS: Final[tuple[Told, ...]] = ("health", "civil", "police")


class OnCall(msgspec.Struct, frozen=True):
    """`phone` is the desk's telephone, E.164."""

    desk: Told
    phone: str


class Carried(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`phone` empty: nobody carries one."""

    desk: Told
    phone: Annotated[str, msgspec.Meta(max_length=20)] = ""


@SERVICE.operation(
    "carry", title={"zh-Hant": "設定值班手機", "en": "Set the telephone on duty"},
    summary={
        "zh-Hant": "輪到貴機關時，簡訊也通知這支手機；簡訊只有案號與地區。",
        "en": "When it is your agency's turn this telephone is told too: case number and area only.",
    },
    data=OPEN, audience="officer", effect="write", purpose="012", channels=("api",),
)  # fmt: skip
async def carry(ctx: Context, request: Carried) -> tuple[OnCall, ...]:
    """Of the caller's own agency. Raises Denied without an order or an area, Invalid for a number that is none, or a
    desk that is not the agency's."""
    _, duties = await on_duty(ctx)
    if request.desk not in {one.desk for one in duties}:
        raise Invalid.at("desk", both("fix_desk"))
    phone, agency = phone_of(request.phone), ctx.caller.agency
    if phone is None:
        raise Invalid.at("phone", both("fix_phone"))

    def job(tx: Tx) -> tuple[OnCall, ...]:
        if phone:
            tx.run(SQL["put_on_call"], agency=agency, desk=request.desk, phone=phone)
        else:
            tx.run(SQL["drop_on_call"], agency=agency, desk=request.desk)
        return _carried(tx, agency=agency)

    return await ctx.db.sql.write(job)


@SERVICE.operation(
    "on_call", title={"zh-Hant": "值班手機", "en": "Telephones on duty"},
    summary={"zh-Hant": "貴機關的值班手機。", "en": "Those of your agency."},
    data=OPEN, audience="officer", purpose="012", channels=("api",),
)  # fmt: skip
async def on_call(ctx: Context, request: Nothing) -> tuple[OnCall, ...]:
    await on_duty(ctx)
    return await ctx.db.sql.read(partial(_carried, agency=ctx.caller.agency))


@SERVICE.timer(TELL)
async def tell(ctx: Context, event: Event) -> None:
    """Give one telephone its SMS; wait while there is no SMS centre, and tell nobody of what is taken or closed."""
    id, _, name = event.subject.partition("/")
    desk = next((one for one in DESKS if one == name), None)
    alarm = await ctx.db.sql.read(lambda tx: records.alarm_by_id(tx, id))
    if alarm is None or desk is None or alarm.ladder.stage == "closed" or not await standing_order(ctx):
        return
    phone = await ctx.db.sql.read(partial(_phone, alarm=alarm, desk=desk))
    if not phone:
        return
    notifier = shelf_of(ctx.db).notifier
    if notifier is None:
        again = EpochS(ctx.now + AGAIN_S)
        await ctx.db.sql.write(lambda tx: timers.set(tx, TELL, event.subject, again))
        return
    kind = MESSAGES.text(f"fence.step_alarm-{alarm.ladder.kind}", "zh-Hant")
    text = MESSAGES.text("fence.sms_on_call", "zh-Hant", kind=kind, case=alarm.held)
    await notifier.accept([Message(campaign=f"fence/told/{event.subject}", to=phone, text=text, lane=Lane.FENCE)])


def _phone(tx: Tx, *, alarm: records.Alarm, desk: Told) -> str:
    """The telephone of whose desk the village is now; empty for none, and for an agency that has taken the alarm."""
    agency = responsible(all_duties(tx), alarm.village, desk)
    row = tx.row(SQL["on_call"], agency=agency, desk=desk)
    return str(row[0]) if row is not None and alarm.agency != agency else ""


def _carried(tx: Tx, *, agency: str) -> tuple[OnCall, ...]:
    return tuple(msgspec.convert({"desk": row[0], "phone": row[1]}, OnCall)
                 for row in tx.rows(SQL["on_call_of"], agency=agency))  # fmt: skip
