"""The service of one's own data: uses, consents, and the tracker that a portal asks (Estonia's Andmejälgija)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("mydata", title={"zh-Hant": "我的資料", "en": "My data"})
