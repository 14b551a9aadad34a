"""The legal basis of a store's kiosk: it learns how an order of the card's holder stands, and nothing else.

Sources: 傳染病防治法 (L0050001) s37 I 6, on which the masks of 2020 were sold; 3.0 let kiosks check the number and the
card alone ("no other NHI card data opened").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute

CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}
FIELDS: Final = ("state", "refusal", "amount", "slip", "pay_by", "check_word")
PER_DAY: Final = 20
"""Of one person a day: somebody who tries again; more is somebody else with her card."""


def kiosk_basis(agencies: Sequence[str], *, sunset: EpochS) -> LegalBasis:
    """For these agencies' kiosks, each opened by an officer of the store. The person sees each use in her own list."""
    return LegalBasis(
        id="preorder-kiosk", title={"zh-Hant": "門市機台預購", "en": "Ordering at a store's kiosk"},
        kind="legal-obligation", statute=Statute("L0050001", "37", CDC_ACT, "1"), pdpa="16-1",
        operations=("rationing.order_at_kiosk",), purposes=("012",), categories=("C132",), recipients=tuple(agencies),
        fields=FIELDS, valid_from=EpochS(0.0), retention_days=30, sunset=sunset, per_subject_per_day=PER_DAY,
        assurance=1,
    )  # fmt: skip
