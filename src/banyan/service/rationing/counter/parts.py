"""Every part of the counter; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.counter import announcing, outlets, queueing, selling, sheet, stocking, telling

PARTS = (outlets, selling, stocking, announcing, queueing, telling, sheet)
__all__ = ["PARTS"]
