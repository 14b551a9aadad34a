"""The powers service: orders beyond ordinary law, and the register of legal bases they rest on."""

from __future__ import annotations

from banyan.kernel.catalogue.operation import Service

SERVICE = Service("powers", title={"zh-Hant": "法律依據與命令", "en": "Legal bases and orders"})
