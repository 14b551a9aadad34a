"""Every part of offline selling; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.offline import ending, leasing, merging, pages, reporting

PARTS = (leasing, merging, ending, reporting, pages)
