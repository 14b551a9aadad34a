"""Real-name rationing (實名制 1.0, 2.0 and 3.0 of 2020): rules as data, one engine, every way to buy."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "rationing",
    title={"zh-Hant": "實名制購買", "en": "Rationing"},
    about={
        "zh-Hant": "什麼時候可以買、預購與領取；抽籤結果人人可以重算。",
        "en": "When you may buy, preorder and collect; draws that anybody can run again.",
    },
    front=3,
)
"""Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all."""
