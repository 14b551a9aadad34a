"""The open-data service: publish anything real, serve it on every channel.

Each part of the service registers its operations, faces and pages on SERVICE; `parts.py` imports them all.
"""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("opendata", title={"zh-Hant": "開放資料", "en": "Open data"})
