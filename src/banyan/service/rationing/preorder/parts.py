"""Every part of preorder; importing a part registers it on SERVICE."""

from __future__ import annotations

from banyan.service.rationing.preorder import advancing, collecting, officers, paying, registering

PARTS = (registering, paying, collecting, officers, advancing)
