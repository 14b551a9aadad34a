"""Every part of SMS by area; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.areasms import asking, giving
from banyan.service.areasms.service import SERVICE

PARTS = (asking, giving)
__all__ = ["PARTS", "SERVICE"]
