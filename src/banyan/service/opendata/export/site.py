"""What the catalogue says of itself. The composition root sets it once at start; the defaults serve tests."""

from __future__ import annotations

import msgspec


class Site(msgspec.Struct, frozen=True):
    title: str = "榕 Banyan 資料平台"
    title_en: str = "Banyan data platform"
    description: str = "政府資料開放、交換與應用的韌性平台"
    description_en: str = "A resilient platform to publish, exchange and use government data"
    publisher: str = "榕市政府"
    publisher_en: str = "Banyan City Government"
    contact_name: str = "資料開放窗口"
    contact_email: str = "opendata@banyan.example"
    contact_phone: str = ""
    issued: str = "2026-11-23"
    """When the catalogue was first open to the public, an ISO date."""


class _Holder:
    site = Site()


def configure(site: Site) -> None:
    """Called by the node before the first request."""
    _Holder.site = site


def current() -> Site:
    return _Holder.site
