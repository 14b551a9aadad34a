"""Every part of the casualty look-up; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.casualties import asking, counting, exchanging, expiring, filing, pages, peers
from banyan.service.casualties.service import SERVICE

PARTS = (filing, asking, counting, exchanging, expiring, peers, pages)
__all__ = ["PARTS", "SERVICE"]
