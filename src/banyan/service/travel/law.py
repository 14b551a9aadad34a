"""The law of travel history: whose officers do what, under which article, and the order without which nothing is read.

Immigration delivers stays and insurance the numbers that belong together; disease control writes the rules; hospitals
ask. Nothing is delivered or asked without an order, which ends by itself (law 1).
Sources: 傳染病防治法 (L0050001) article 31: who treats asks for travel, occupation, contact and cluster; article 39:
registers are given; 個人資料保護法 articles 15 and 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import EVERYONE, LegalBasis, Statute
from banyan.kernel.policy.judging import OrderTerms
from banyan.kernel.policy.order_shelf import terms_now
from banyan.service.travel.shelf import both, shelf_of

CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}
FLAG: Final = "travel-flag"
DELIVERY: Final = "travel-delivery"
LINKING: Final = "travel-linking"
RULING: Final = "travel-ruling"
TOCC: Final = "travel-tocc"
SUNSET: Final = EpochS(1_924_963_199.0)
"""2030-12-31T15:59:59Z, the end of that year in Taiwan: by then the law is looked at again."""


def flag_basis(hospitals: Sequence[str]) -> LegalBasis:
    """Who treats may see the flag, at a visit; a day's uses are reviewed together, for a machine asks at each."""
    return LegalBasis(
        id=FLAG, title={"zh-Hant": "就醫時之旅遊史註記", "en": "Travel flag at a visit"}, kind="legal-obligation",
        statute=Statute("L0050001", "31", CDC_ACT), pdpa="16-1", operations=("travel.flag",), purposes=("012",),
        categories=("C034",), recipients=tuple(hospitals), fields=("marks",), valid_from=EpochS(0.0),
        retention_days=1, sunset=SUNSET, per_subject_per_day=20, needs="order", assurance=2, reviewed="daily",
    )  # fmt: skip


def tocc_basis(hospitals: Sequence[str]) -> LegalBasis:
    """What a hospital asks its own patient is ordinary law."""
    return LegalBasis(
        id=TOCC, title={"zh-Hant": "就醫時詢問 TOCC", "en": "Asking for TOCC at a visit"}, kind="legal-obligation",
        statute=Statute("L0050001", "31", CDC_ACT), pdpa="16-1", operations=("travel.tocc", "travel.tocc_of"),
        purposes=("064",), categories=("C034", "C111"), recipients=tuple(hospitals), fields=("response",),
        valid_from=EpochS(0.0), retention_days=2_557, relief="6-1-2", assurance=2,
    )  # fmt: skip


def duty_bases(*, delivers: Sequence[str], links: Sequence[str], rules: Sequence[str]) -> tuple[LegalBasis, ...]:
    """Whose duty it is to give stays, to say which numbers are one person's, to write rules."""
    kept: tuple[tuple[str, str, str, tuple[str, ...], Sequence[str]], ...] = (
        (DELIVERY, "提供入出國資料", "Delivering entries", ("arrive", "contests", "decide"), delivers),
        (LINKING, "提供證號對應", "Saying which numbers are one person's", ("link",), links),
        (RULING, "訂定旅遊史規則", "Writing travel rules", ("set_rule", "end_rule"), rules),
    )
    return tuple(
        LegalBasis(
            id=id, title={"zh-Hant": zh, "en": en}, kind="official-authority",
            statute=Statute("L0050001", "39", CDC_ACT), pdpa="16-1",
            operations=tuple(f"travel.{one}" for one in operations), purposes=("012",), categories=("C033", "C034"),
            recipients=tuple(agencies), fields=("duty",), valid_from=EpochS(0.0), retention_days=31, sunset=SUNSET,
            assurance=2,
        )
        for id, zh, en, operations, agencies in kept
    )  # fmt: skip


async def on_duty(ctx: Context, basis: str) -> None:
    """Raises Denied unless the register of bases names the caller's agency for this duty."""
    found = (await shelf_of(ctx.db).bases()).by_id.get(basis)
    if ctx.caller.kind == "system":
        return
    if found is None or not ({ctx.caller.agency, EVERYONE} & set(found.recipients)):
        raise Denied(both("no_duty"), remedy=both("no_duty_remedy", basis=basis), kind="no-duty")


async def order_of(ctx: Context, basis: str = FLAG) -> OrderTerms | None:
    """The order in force that lets this basis be used, the one that ends last; None without one."""
    found = await terms_now(shelf_of(ctx.db).policy, ctx.now)
    return max(
        (one for one in found if one.is_in_force and basis in one.bases), key=lambda one: one.until, default=None
    )


async def under_order(ctx: Context, basis: str = FLAG) -> str:
    """Its id. Raises Denied without one, and while the caller's agency is suspended for reviews it has not made."""
    order = await order_of(ctx, basis)
    if order is None or ctx.caller.agency in order.suspended:
        raise Denied(both("no_order"), remedy=both("no_order_remedy"), kind="no-order")
    return order.reference


def scope_of(order: str) -> str:
    """The scope whose keys are destroyed when the order ends (service/powers/lapsing.py)."""
    return f"order:{order}"
