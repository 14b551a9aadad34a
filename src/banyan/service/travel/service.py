"""Travel history at a visit: one flag by the rule of the day, never the itinerary (健保卡勾稽入出境)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "travel",
    title={"zh-Hant": "旅遊史註記", "en": "Travel history"},
    about={
        "zh-Hant": "就醫時的旅遊史註記：只有註記，沒有行程；看得到誰查過您。",
        "en": "Travel flags at a visit: the flag and never the journey; see who asked about you.",
    },
    front=9,
)
