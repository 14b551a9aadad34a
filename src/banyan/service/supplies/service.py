"""The supplies service, reading half: any item that outlets hand out, from live registers to every channel.

Each part registers its operations, faces and pages on SERVICE; `parts.py` imports them all.
"""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("supplies", title={"zh-Hant": "防疫物資", "en": "Supplies"})
"""物資: masks in 2020, rapid tests in 2022, sandbags before a typhoon, water after it. Nothing here knows which."""
