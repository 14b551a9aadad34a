"""Every part of the exchange service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.exchange import desk, granting, joining, pages, watching
from banyan.service.exchange.service import SERVICE

PARTS = (granting, watching, pages, desk, joining)
__all__ = ["PARTS", "SERVICE"]
