"""Every part of the powers service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.powers import board, counting, desk, faces, lapsing, ordering, pages, registering, reviewing
from banyan.service.powers.service import SERVICE

PARTS = (registering, ordering, reviewing, counting, lapsing, board, faces, desk, pages)
__all__ = ["PARTS", "SERVICE"]
