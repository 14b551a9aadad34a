"""Every part of the service of one's own data; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.mydata import faces, uses
from banyan.service.mydata.service import SERVICE

PARTS = (uses, faces)
__all__ = ["PARTS", "SERVICE"]
