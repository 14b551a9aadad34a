"""Real-name rationing (實名制 1.0, 2.0 and 3.0 of 2020): rules as data, one engine, every way to buy."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("rationing", title={"zh-Hant": "實名制購買", "en": "Rationing"})
"""Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all."""
