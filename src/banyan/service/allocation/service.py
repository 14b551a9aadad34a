"""The allocation service (物資分配): from what outlets sold to what each is sent, with a reason a person can read."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "allocation",
    title={"zh-Hant": "物資分配", "en": "Allocation"},
    about={
        "zh-Hant": "每個地點分到多少，每一箱的理由與算法都公開。",
        "en": "How much each place gets: reason and method published for each box.",
    },
    front=12,
)
