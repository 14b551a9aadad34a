"""Every part of the open-data service; importing a part registers its operations, faces and pages on SERVICE."""

from __future__ import annotations

from banyan.service.opendata import agencies, datasets
from banyan.service.opendata.service import SERVICE

PARTS = (agencies, datasets)
__all__ = ["PARTS", "SERVICE"]
