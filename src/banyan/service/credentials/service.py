"""Credentials and downloads of one's own data: chosen by the person, released through the gate, signed by the node."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "credentials",
    title={"zh-Hant": "帶走我的資料", "en": "Take my data with me"},
    about={
        "zh-Hant": "把本人資料簽章帶走，交給您選的對象，離線也能查驗。",
        "en": "Take your own data home, signed; show it to whom you choose, checked offline.",
    },
    front=6,
)
