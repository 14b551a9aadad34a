"""The powers service: orders beyond ordinary law, and the register of legal bases they rest on."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "powers",
    title={"zh-Hant": "法律依據與命令", "en": "Legal bases and orders"},
    about={
        "zh-Hant": "政府現在有哪些緊急權力、用了幾次、何時自動結束。",
        "en": "Which emergency powers are in use now, how often, and when they end by themselves.",
    },
    front=7,
)
