"""The electronic fence (電子圍籬): people in home quarantine, and what happens when a phone leaves its cells."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "fence",
    title={"zh-Hant": "電子圍籬", "en": "Electronic fence"},
    about={
        "zh-Hant": "居家檢疫的電子圍籬：怎麼判斷、會錯多少、如何申訴。",
        "en": "The fence of home quarantine: how it judges, how often it errs, how to appeal.",
    },
    front=10,
)
