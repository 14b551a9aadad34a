"""Every part of rationing; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing import arriving, forwarding
from banyan.service.rationing.asking import parts as asking
from banyan.service.rationing.counter import parts as counter
from banyan.service.rationing.draw import parts as draw
from banyan.service.rationing.engine import operations as engine
from banyan.service.rationing.offline import parts as offline
from banyan.service.rationing.preorder import parts as preorder
from banyan.service.rationing.service import SERVICE
from banyan.service.rationing.waiting import parts as waiting

PARTS = (engine, asking, arriving, forwarding, counter, draw, offline, preorder, waiting)
__all__ = ["PARTS", "SERVICE"]
