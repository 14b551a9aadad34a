"""The legal bases of the look-up, to be registered when an incident begins; who the staff are is said then.

Sources: 災害防救法 (D0120014) article 27: rescue, and tell what happened to whom; 個人資料保護法 articles 6 and 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute

DISASTERS: Final = Statute("D0120014", "27", {"zh-Hant": "災害防救法", "en": "Disaster Prevention and Protection Act"})
FAMILY: Final = LegalBasis(
    id="casualty-family", title={"zh-Hant": "家屬查詢傷病患", "en": "A family's question about a casualty"},
    kind="vital-interest", statute=DISASTERS, pdpa="16-6", operations=("casualties.for_family",), purposes=("058",),
    categories=("C001", "C111"), recipients=("*",), fields=("name", "hospital", "ward", "phone", "condition"),
    valid_from=EpochS(0.0), retention_days=40, per_subject_per_day=50, relief="6-1-2", assurance=2,
)  # fmt: skip


def staff_basis(agencies: Sequence[str]) -> LegalBasis:
    """The officers of these agencies may read the whole record, for social work or care."""
    return LegalBasis(
        id="casualty-staff", title={"zh-Hant": "大量傷病患救護與關懷", "en": "Care for casualties and their families"},
        kind="official-authority", statute=DISASTERS, pdpa="16-0", operations=("casualties.record",),
        purposes=("058", "064"), categories=("C001", "C011", "C111", "C132"), recipients=tuple(agencies),
        fields=("name", "sex", "born", "is_protected", "stays"), valid_from=EpochS(0.0), retention_days=40,
        per_subject_per_day=50, relief="6-1-2", assurance=2,
    )  # fmt: skip
