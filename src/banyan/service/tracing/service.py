"""Tracing (接觸者足跡比對): who was near a case, from the positions that operators deliver under an order."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "tracing",
    title={"zh-Hant": "接觸者足跡比對", "en": "Contact tracing by positions"},
    about={
        "zh-Hant": "接觸者足跡比對用在哪裡、怎樣算接觸、何時結束。",
        "en": "Where contact tracing was used, what counts as contact, and when it ends.",
    },
    front=11,
)
