"""The electronic fence (電子圍籬): people in home quarantine, and what happens when a phone leaves its cells."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("fence", title={"zh-Hant": "電子圍籬", "en": "Electronic fence"})
