"""Every part of the alerts service; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.alerts import acting, asking, dispatch, expiring, feeds, hub, warrants
from banyan.service.alerts.service import SERVICE

PARTS = (acting, warrants, asking, dispatch, hub, expiring, feeds)
__all__ = ["PARTS", "SERVICE"]
