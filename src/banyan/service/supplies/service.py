"""The supplies service, reading half: any item that outlets hand out, from live registers to every channel.

Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all.
"""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "supplies",
    title={"zh-Hant": "防疫物資", "en": "Supplies"},
    about={
        "zh-Hant": "附近哪裡還有，數量與更新時間；可看地圖、清單或離線使用。",
        "en": "Where it is still to be had, how much and as of when: map, list, or without a network.",
    },
    front=2,
)
"""物資: masks in 2020, rapid tests in 2022, sandbags before a typhoon, water after it. Nothing here knows which."""
