"""The exchange service: grants of one agency to another, live calls, the queue, and what needs somebody."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("exchange", title={"zh-Hant": "機關間資料交換", "en": "Exchange between agencies"})
