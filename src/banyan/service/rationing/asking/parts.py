"""Every part of asking; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.asking import in_force, operation, pages

PARTS = (in_force, operation, pages)
__all__ = ["PARTS"]
