"""The casualty look-up of a mass-casualty incident (大量傷病患查詢)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "casualties",
    title={"zh-Hant": "傷病患查詢", "en": "Casualty look-up"},
    about={
        "zh-Hant": "大型事故後，查親友是否送醫、送到哪裡。",
        "en": "After a disaster: whether your people are in hospital, and where.",
    },
    front=4,
)
