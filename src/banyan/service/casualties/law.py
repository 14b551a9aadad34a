"""The legal bases of the look-up, to be registered when an incident begins; who the staff are is said then.

A family's question about one person whom they know is ordinary law. Officers who search the register use a power
beyond it: it stands under an order only, that two agencies put into force and that ends by itself (law 1).
Sources: 災害防救法 (D0120014) article 27: rescue, and tell what happened to whom; 個人資料保護法 articles 6 and 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.errors import Denied
from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import EVERYONE, LegalBasis, Statute
from banyan.kernel.policy.order_shelf import terms_now
from banyan.service.casualties.shelf import both, shelf_of

DISASTERS: Final = Statute("D0120014", "27", {"zh-Hant": "災害防救法", "en": "Disaster Prevention and Protection Act"})
STAFF: Final = "casualty-staff"
SUNSET: Final = EpochS(1_924_963_199.0)
"""2030-12-31T15:59:59Z, the end of that year in Taiwan: by then the law is looked at again."""
FAMILY: Final = LegalBasis(
    id="casualty-family", title={"zh-Hant": "家屬查詢傷病患", "en": "A family's question about a casualty"},
    kind="vital-interest", statute=DISASTERS, pdpa="16-6", operations=("casualties.for_family",), purposes=("058",),
    categories=("C001", "C111"), recipients=("*",), fields=("name", "hospital", "ward", "phone", "condition"),
    valid_from=EpochS(0.0), retention_days=40, per_subject_per_day=50, relief="6-1-2", assurance=2,
)  # fmt: skip


def staff_basis(agencies: Sequence[str]) -> LegalBasis:
    """Under an order the officers of these agencies may search, and read the whole record, for social work or care."""
    return LegalBasis(
        id=STAFF, title={"zh-Hant": "大量傷病患救護與關懷", "en": "Care for casualties and their families"},
        kind="official-authority", statute=DISASTERS, pdpa="16-0", operations=("casualties.record",),
        purposes=("058", "064"), categories=("C001", "C011", "C111", "C132"), recipients=tuple(agencies),
        fields=("name", "sex", "born", "is_protected", "stays"), valid_from=EpochS(0.0), retention_days=40,
        sunset=SUNSET, per_subject_per_day=50, needs="order", relief="6-1-2", assurance=2,
    )  # fmt: skip


async def is_staff(ctx: Context) -> bool:
    """Whether the caller's agency is among those that the register of bases names."""
    basis = (await shelf_of(ctx.db).bases()).by_id.get(STAFF)
    return basis is not None and (ctx.caller.agency in basis.recipients or EVERYONE in basis.recipients)


async def under_order(ctx: Context) -> str:
    """The order that lets the caller search now. Raises Denied without one in force for their agency."""
    if not await is_staff(ctx):
        raise Denied(both("no_staff"), remedy=both("no_staff_remedy"), kind="no-staff")
    terms = await terms_now(shelf_of(ctx.db).policy, ctx.now)
    for one in terms:
        if one.is_in_force and STAFF in one.bases and ctx.caller.agency not in one.suspended:
            return one.reference
    raise Denied(both("no_order"), remedy=both("no_order_remedy"), kind="no-order")
