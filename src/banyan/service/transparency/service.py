"""The transparency service: what the ledger holds, for machines (C2SP files) and for people (a page)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "transparency",
    title={"zh-Hant": "透明日誌", "en": "Transparency log"},
    about={
        "zh-Hant": "每次使用都留下誰也改不掉的紀錄，人人可以查驗。",
        "en": "Every use leaves a record that nobody can change and anybody can check.",
    },
    front=8,
)
