"""The law of the fence: it runs under an order in force only, and each officer within an area of responsibility.

Two bases, both beyond ordinary law: health, immigration and civil affairs see what their work needs; the police see who
and where, never why. Neither is a proof of an absence. Sources: 傳染病防治法 (L0050001) articles 48 and 58;
個人資料保護法 articles 6, 8 and 16; deletion after 28 days: the command centre's own rule of 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

import msgspec

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.kernel.policy.order_shelf import terms_now
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.service.fence.shelf import both, shelf_of

SQL: Final = load_statements("banyan.service.fence", "law.sql")
CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}
CARE: Final = "fence-care"
POLICE: Final = "fence-police"
BASES: Final = (CARE, POLICE)
SUNSET: Final = EpochS(1_924_963_199.0)
"""2030-12-31T15:59:59Z, the end of that year in Taiwan: by then the law is looked at again."""
WHO: Final = ("name", "phone", "address", "until", "steps", "alarms")
SEEN: Final = (*WHO, "ground")
"""What a look can show; `state` is what a change answers."""
OPERATIONS: Final = ("fence.timeline", "fence.register", "fence.admit", "fence.transfer", "fence.relocate")
Desk = Literal["health", "civil", "police", "operator"]
"""Which work an agency does in an area: the health bureau's case workers, civil affairs (village
officers), police; and the operators, who send fixes and see nobody."""


class Duty(msgspec.Struct, frozen=True):
    """An agency's area of responsibility: a county (5 digits), a town (8) or a village (11), as the Ministry of the
    Interior codes them; `*`: everywhere."""

    agency: str
    desk: Desk
    area: str

    def covers(self, village: str) -> bool:
        return self.area == "*" or village.startswith(self.area)


def fence_bases(care: Sequence[str], police: Sequence[str]) -> tuple[LegalBasis, LegalBasis]:
    """What the officers of these agencies may do while an order puts it into force. A look of the police is hers to
    see a day later: it is made while officers are on the way."""
    common = LegalBasis(
        id=CARE, title={"zh-Hant": "居家檢疫電子圍籬（衛生與關懷）", "en": "Electronic fence of quarantine (care)"},
        kind="legal-obligation", statute=Statute("L0050001", "48", CDC_ACT), pdpa="16-1", operations=OPERATIONS,
        purposes=("012",), categories=("C001", "C031", "C034", "C111"), recipients=tuple(care),
        fields=(*SEEN, "state"), valid_from=EpochS(0.0), retention_days=28, sunset=SUNSET, per_subject_per_day=40,
        needs="order", relief="6-1-2", assurance=2,
    )  # fmt: skip
    patrol = msgspec.structs.replace(
        common, id=POLICE, title={"zh-Hant": "居家檢疫電子圍籬（警政）", "en": "Electronic fence (help of the police)"},
        statute=Statute("L0050001", "58", CDC_ACT), operations=("fence.timeline",), fields=WHO, relief="",
        categories=("C001", "C031", "C034"), recipients=tuple(police), per_subject_per_day=20, reveal_after_days=1,
    )  # fmt: skip
    return common, patrol


async def order_in_force(ctx: Context) -> str:
    """The order under which the fence runs now, for whoever asks. Raises Denied without one."""
    found = await standing_order(ctx)
    if not found:
        raise Denied(both("no_order"), remedy=both("no_order_remedy"), kind="no-order")
    return found


async def standing_order(ctx: Context) -> str:
    """The id of the order in force, empty without one. Of two the older: what was collected under it stays there."""
    terms = await terms_now(shelf_of(ctx.db).policy, ctx.now)
    live = [one for one in terms if one.is_in_force and CARE in one.bases]
    return min(live, key=lambda one: (one.start, one.reference)).reference if live else ""


async def on_duty(ctx: Context) -> tuple[str, tuple[Duty, ...]]:
    """The order in force and the caller's areas. Raises Denied with the remedy: no order, an agency that the bases do
    not name, one whose reviews are overdue, or one without an area of responsibility."""
    order, shelf = await order_in_force(ctx), shelf_of(ctx.db)
    register = await shelf.bases()
    named = [register.by_id[one] for one in BASES if one in register.by_id]
    if not any(ctx.caller.agency in one.recipients for one in named):
        raise Denied(both("no_staff"), remedy=both("no_staff_remedy"), kind="no-staff")
    terms = await terms_now(shelf.policy, ctx.now)
    if any(one.reference == order and ctx.caller.agency in one.suspended for one in terms):
        raise Denied(both("suspended"), remedy=both("suspended_remedy"), kind="suspended")
    duties = await ctx.db.sql.read(partial(duties_of, agency=ctx.caller.agency))
    if not duties:
        raise Denied(both("no_area"), remedy=both("no_area_remedy"), kind="no-area")
    return order, duties


async def revealed_later(ctx: Context) -> dict[str, float]:
    """Seconds by which an agency's look is hers to see later, as its basis says; who has an earlier basis is not in."""
    register, found = await shelf_of(ctx.db).bases(), {}
    for basis in (register.by_id.get(POLICE), register.by_id.get(CARE)):
        for agency in basis.recipients if basis is not None else ():
            found[agency] = basis.reveal_after_days * 86_400.0 if basis is not None else 0.0
    return found


async def fields_of(ctx: Context) -> tuple[str, ...]:
    """What the caller's agency may see of a person by a look, by the basis that names it."""
    register = await shelf_of(ctx.db).bases()
    named = (register.by_id.get(one) for one in BASES)
    found = next((one.fields for one in named if one is not None and ctx.caller.agency in one.recipients), ())
    return tuple(one for one in found if one in SEEN)


def check_area(duties: Sequence[Duty], village: str) -> None:
    """Raises Denied for a case outside the caller's areas."""
    if not any(one.covers(village) for one in duties):
        raise Denied(both("out_of_area"), remedy=both("out_of_area_remedy"), kind="out-of-area")


def duties_of(tx: Tx, agency: str) -> tuple[Duty, ...]:
    return tuple(_duty(row) for row in tx.rows(SQL["duties_of"], agency=agency))


def all_duties(tx: Tx) -> tuple[Duty, ...]:
    return tuple(_duty(row) for row in tx.rows(SQL["duties"]))


def put_duty(tx: Tx, duty: Duty) -> None:
    tx.run(SQL["put_duty"], agency=duty.agency, desk=duty.desk, area=duty.area)


def drop_duty(tx: Tx, duty: Duty) -> bool:
    return bool(tx.run(SQL["drop_duty"], agency=duty.agency, desk=duty.desk, area=duty.area))


def responsible(duties: Sequence[Duty], village: str, desk: Desk) -> str:
    """Which agency's desk a village is, the narrowest area first; empty: nobody's."""
    found = [one for one in duties if one.desk == desk and one.covers(village)]
    return min(found, key=lambda one: (-len(one.area), one.agency)).agency if found else ""


def _duty(row: tuple[object, ...]) -> Duty:
    return msgspec.convert(dict(zip(Duty.__struct_fields__, row, strict=True)), Duty)
