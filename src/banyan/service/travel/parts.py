"""Every part of travel history; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.travel import (
    arriving,
    clients,
    contesting,
    fhirfaces,
    flagging,
    hooks,
    pages,
    ruling,
    standing,
    tocc,
)
from banyan.service.travel.service import SERVICE

PARTS = (ruling, arriving, flagging, contesting, clients, hooks, tocc, fhirfaces, standing, pages)
__all__ = ["PARTS", "SERVICE"]
