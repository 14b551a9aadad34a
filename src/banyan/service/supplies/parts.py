"""Every part of the supplies service; importing a part registers its operations, faces and pages on SERVICE."""

from __future__ import annotations

from banyan.service.supplies import feeding, following, hot, operations, pages, tills
from banyan.service.supplies.asking import operation as asking
from banyan.service.supplies.feeds import parts as feeds
from banyan.service.supplies.forecast import operation as forecast
from banyan.service.supplies.service import SERVICE

PARTS = (operations, feeding, tills, following, hot, asking, feeds, pages, forecast)
__all__ = ["PARTS", "SERVICE"]
