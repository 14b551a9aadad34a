"""The legal basis of real-name sale: what the till's agency may read, under an order only.

Source: 傳染病防治法 (L0050001) s37 I 6, other measures that an agency announces; the masks of 2020 were sold on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.service.rationing.counter.registers import BASIS

CDC_ACT: Final = {"zh-Hant": "傳染病防治法", "en": "Communicable Disease Control Act"}
PER_DAY: Final = 20
"""Readings of one person a day: a few tills and mistyped tries; more is somebody who wants to know."""


def rationing_basis(agencies: Sequence[str], *, sunset: EpochS) -> LegalBasis:
    """The birth date alone, for these agencies' tills."""
    return LegalBasis(
        id=BASIS, title={"zh-Hant": "實名制販售之年齡查核", "en": "Age check at real-name sale"},
        kind="legal-obligation", statute=Statute("L0050001", "37", CDC_ACT, "1"), pdpa="16-1",
        operations=("civil.household_record",), purposes=("012",), categories=("C011",), recipients=tuple(agencies),
        fields=("birth_date",), valid_from=EpochS(0.0), retention_days=1, sunset=sunset,
        per_subject_per_day=PER_DAY, needs="order", assurance=2, reviewed="daily",
    )  # fmt: skip
