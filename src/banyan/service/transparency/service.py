"""The transparency service: what the ledger holds, for machines (C2SP files) and for people (a page)."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("transparency", title={"zh-Hant": "透明日誌", "en": "Transparency log"})
