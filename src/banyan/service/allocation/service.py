"""The allocation service (物資分配): from what outlets sold to what each is sent, with a reason a person can read."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("allocation", title={"zh-Hant": "物資分配", "en": "Allocation"})
