"""Every part of the identity service; importing a part registers its operations, faces and pages on SERVICE."""

from __future__ import annotations

from banyan.service.identity import (
    agencies,
    alarms,
    counter,
    counter_pages,
    elsewhere,
    journey,
    leading,
    own,
    pages,
    protocol,
    registering,
    representing,
)
from banyan.service.identity.service import SERVICE

PARTS = (
    agencies,
    alarms,
    counter,
    counter_pages,
    elsewhere,
    journey,
    leading,
    own,
    pages,
    protocol,
    registering,
    representing,
)
__all__ = ["PARTS", "SERVICE"]
