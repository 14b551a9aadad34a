"""Every part of tracing; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.tracing import (
    asking,
    crowd_page,
    crowding,
    delivering,
    ending,
    looking,
    pages,
    releasing,
    vouching,
)
from banyan.service.tracing.service import SERVICE

PARTS = (asking, crowd_page, crowding, delivering, ending, looking, pages, releasing, vouching)
__all__ = ["PARTS", "SERVICE"]
