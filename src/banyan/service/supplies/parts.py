"""Every part of the supplies service; importing a part registers its operations, faces and pages on SERVICE."""

from __future__ import annotations

from banyan.service.supplies import operations
from banyan.service.supplies.service import SERVICE

PARTS = (operations,)
__all__ = ["PARTS", "SERVICE"]
