"""Every part of rationing; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.counter import parts as counter
from banyan.service.rationing.draw import parts as draw
from banyan.service.rationing.offline import parts as offline
from banyan.service.rationing.preorder import parts as preorder
from banyan.service.rationing.service import SERVICE

PARTS = (counter, draw, offline, preorder)
__all__ = ["PARTS", "SERVICE"]
