"""Every part of preorder; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.preorder import (
    advancing,
    collecting,
    linking,
    making,
    officers,
    pages,
    paying,
    registering,
)

PARTS = (registering, linking, paying, collecting, officers, advancing, pages, making)
