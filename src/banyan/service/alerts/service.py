"""The alerts service (災防告警)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "alerts",
    title={"zh-Hant": "災防告警", "en": "Public warnings"},
    about={
        "zh-Hant": "現在哪裡有危險、該怎麼做；手機、訂閱與地圖同一份內容。",
        "en": "What is dangerous now, where, and what to do: one text for phones, feeds and the map.",
    },
    front=1,
)
