"""Every part of the waiting rooms; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.waiting import operations, pages

PARTS = (operations, pages)
