"""Every part of the counter; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.counter import (
    announcing,
    outlets,
    pages,
    queueing,
    selling,
    sheet,
    stocking,
    telling,
    viewing,
)

PARTS = (outlets, selling, stocking, announcing, queueing, telling, sheet, viewing, pages)
__all__ = ["PARTS"]
