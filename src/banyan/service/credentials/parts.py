"""Every part of the service of credentials; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.credentials import holding, offering, protocol
from banyan.service.credentials.service import SERVICE

PARTS = (offering, holding, protocol)
__all__ = ["PARTS", "SERVICE"]
