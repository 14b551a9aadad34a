"""Every part of the feeds; importing a part registers its operations and faces on SERVICE."""

from __future__ import annotations

from banyan.service.supplies.feeds import announcing, faces, files, history

PARTS = (faces, files, history, announcing)
