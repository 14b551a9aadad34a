"""Every part of the alerts service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.alerts import (
    acting,
    asking,
    campaigns,
    desk,
    desk_pages,
    dispatch,
    expiring,
    feeds,
    hub,
    others_shown,
    pages,
    sealing,
    shown,
    warrants,
)
from banyan.service.alerts.service import SERVICE

PARTS = (
    acting,
    warrants,
    asking,
    campaigns,
    dispatch,
    hub,
    expiring,
    feeds,
    desk,
    desk_pages,
    others_shown,
    pages,
    sealing,
    shown,
)
__all__ = ["PARTS", "SERVICE"]
