"""Sitemaps and sitemap indexes. Source: https://www.sitemaps.org/protocol.html (0.9), xhtml:link for languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from banyan.wire.xmltext import element

MEDIA_TYPE = "application/xml; charset=utf-8"
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Url(msgspec.Struct, frozen=True):
    """One page: its address, when it changed (W3C date or date-time, or ""), its other languages by BCP 47 tag."""

    address: str
    changed: str = ""
    languages: Mapping[str, str] = {}


def write(urls: Iterable[Url]) -> bytes:
    marks = {"xmlns": _NAMESPACE, "xmlns:xhtml": "http://www.w3.org/1999/xhtml"}
    return (_HEAD + element("urlset", attributes=marks, inner="\n".join(map(_url, urls))) + "\n").encode()


def write_index(parts: Iterable[tuple[str, str]]) -> bytes:
    """An index of sitemaps: (address, changed)."""
    inner = "\n".join(element("sitemap", inner=_place(address, changed)) for address, changed in parts)
    return (_HEAD + element("sitemapindex", attributes={"xmlns": _NAMESPACE}, inner=inner) + "\n").encode()


def _url(url: Url) -> str:
    others = "".join(
        element("xhtml:link", attributes={"rel": "alternate", "hreflang": lang, "href": address})
        for lang, address in url.languages.items()
    )
    return element("url", inner=_place(url.address, url.changed) + others)


def _place(address: str, changed: str) -> str:
    return element("loc", address) + (element("lastmod", changed) if changed else "")
