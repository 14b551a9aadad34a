"""Every part of the powers service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.powers import counting, lapsing, ordering, registering, reviewing
from banyan.service.powers.service import SERVICE

PARTS = (registering, ordering, reviewing, counting, lapsing)
__all__ = ["PARTS", "SERVICE"]
