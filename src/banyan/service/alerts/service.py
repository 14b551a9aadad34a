"""The alerts service (災防告警)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("alerts", title={"zh-Hant": "災防告警", "en": "Public warnings"})
