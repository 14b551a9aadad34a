"""Every part of the transparency service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.transparency import checking, faces, operations, pages
from banyan.service.transparency.service import SERVICE

PARTS = (operations, faces, pages, checking)
__all__ = ["PARTS", "SERVICE"]
