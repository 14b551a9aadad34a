"""Every part of the service of credentials; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.credentials import checking, holding, offering, pages, protocol, taking
from banyan.service.credentials.service import SERVICE

PARTS = (offering, holding, protocol, taking, pages, checking)
__all__ = ["PARTS", "SERVICE"]
