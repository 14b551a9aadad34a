"""SMS by area (區域簡訊), on an operator's own node."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("areasms", title={"zh-Hant": "區域簡訊", "en": "SMS by area"})
