"""Every part of the casualty look-up; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.casualties import (
    asking,
    counting,
    deciding,
    exchanging,
    expiring,
    filing,
    incidents,
    inside,
    looking,
    pages,
    peers,
)
from banyan.service.casualties.service import SERVICE

PARTS = (filing, asking, looking, deciding, counting, incidents, exchanging, expiring, peers, pages, inside)
__all__ = ["PARTS", "SERVICE"]
