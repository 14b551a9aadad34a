"""Every part of rationing; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.service import SERVICE

PARTS = ()
__all__ = ["PARTS", "SERVICE"]
