"""Every part of the draws; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.draw import faces, operations, pages

PARTS = (operations, faces, pages)
