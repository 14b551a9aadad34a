"""Every part of the allocation service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.allocation import (
    deciding,
    desk,
    faces,
    learning,
    pages,
    proposing,
    publishing,
    reading,
    ruling,
    sales,
)
from banyan.service.allocation.service import SERVICE

PARTS = (ruling, sales, learning, proposing, deciding, reading, publishing, faces, pages, desk)
__all__ = ["PARTS", "SERVICE"]
