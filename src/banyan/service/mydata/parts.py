"""Every part of the service of one's own data; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.mydata import (
    apps,
    asking,
    capping,
    closing,
    consenting,
    faces,
    pages,
    secondary,
    secondary_pages,
    telling,
    tracker,
    uses,
)
from banyan.service.mydata.service import SERVICE

PARTS = (uses, faces, tracker, asking, apps, telling, capping, closing, consenting, pages, secondary, secondary_pages)
__all__ = ["PARTS", "SERVICE"]
