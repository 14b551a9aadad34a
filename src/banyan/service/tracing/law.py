"""The law of tracing: it runs under an order in force only, by officers of the agencies that the basis names.

Sources: 傳染病防治法 (L0050001) article 43 (investigation of contacts) and 48; 個人資料保護法 articles 6, 8 and 16;
positions are kept 28 days at most: the command centre's own rule of 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.kernel.policy.judging import OrderTerms
from banyan.kernel.policy.order_shelf import terms_now
from banyan.service.tracing.shelf import both, shelf_of

CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}
BASIS: Final = "trace-contacts"
SUNSET: Final = EpochS(1_924_963_199.0)
"""2030-12-31T15:59:59Z, the end of that year in Taiwan: by then the law is looked at again."""
PURPOSE: Final = "012"
DAY_S: Final = 86_400.0


def tracing_basis(agencies: Sequence[str], *, days: int = 14, reveal_after_days: int = 0) -> LegalBasis:
    """What officers of these agencies may do while an order puts it into force; `days`: how long positions are kept."""
    return LegalBasis(
        id=BASIS, title={"zh-Hant": "以手機位置比對接觸者", "en": "Contacts found by phone positions"},
        kind="legal-obligation", statute=Statute("L0050001", "43", CDC_ACT), pdpa="16-1",
        operations=("tracing.evidence",), purposes=(PURPOSE,), categories=("C001", "C034", "C111"),
        recipients=tuple(agencies), fields=("meetings",), valid_from=EpochS(0.0), retention_days=days, sunset=SUNSET,
        per_subject_per_day=20, needs="order", relief="6-1-2", assurance=2, reveal_after_days=reveal_after_days,
    )  # fmt: skip


async def basis_here(ctx: Context) -> LegalBasis | None:
    return (await shelf_of(ctx.db).bases()).by_id.get(BASIS)


async def standing(ctx: Context) -> OrderTerms | None:
    """The order in force, None without one. Of two the older: what was collected under it stays there."""
    terms = await terms_now(shelf_of(ctx.db).policy, ctx.now)
    live = [one for one in terms if one.is_in_force and BASIS in one.bases]
    return min(live, key=lambda one: (one.start, one.reference)) if live else None


async def under_order(ctx: Context) -> tuple[OrderTerms, LegalBasis]:
    """The order that lets the caller trace now. Raises Denied: no order, another agency, its reviews overdue."""
    order, basis = await standing(ctx), await basis_here(ctx)
    if order is None or basis is None:
        raise Denied(both("no_order"), remedy=both("no_order_remedy"), kind="no-order")
    if ctx.caller.kind != "system":
        if ctx.caller.agency not in basis.recipients:
            raise Denied(both("no_staff"), remedy=both("no_staff_remedy"), kind="no-staff")
        if ctx.caller.agency in order.suspended:
            raise Denied(both("suspended"), remedy=both("suspended_remedy"), kind="suspended")
    return order, basis
