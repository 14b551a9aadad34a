"""The service of one's own data: uses, consents, and the tracker that a portal asks (Estonia's Andmejälgija)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service(
    "mydata",
    title={"zh-Hant": "我的資料", "en": "My data"},
    about={
        "zh-Hant": "誰用了您的資料、依據什麼；同意與撤回都在這裡。",
        "en": "Who used your data and on what basis; consent, and take it back.",
    },
    front=5,
)
