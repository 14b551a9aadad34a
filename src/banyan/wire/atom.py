"""Atom feeds: RFC 4287, paged and archived by RFC 5005 (`first`, `previous`, `next`, `last`)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.wire.xmltext import element

MEDIA_TYPE = "application/atom+xml; charset=utf-8"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """`id` is a permanent IRI; `updated` and `published` are RFC 3339 times."""

    id: str
    title: str
    updated: str
    link: str
    summary: str = ""
    author: str = ""
    published: str = ""
    categories: tuple[str, ...] = ()
    enclosures: tuple[tuple[str, str, int], ...] = ()
    """(address, media type, bytes) of the files; bytes 0 when unknown."""


class Feed(msgspec.Struct, frozen=True):
    id: str
    title: str
    subtitle: str
    updated: str
    author: str
    home: str
    address: str
    """Without `page`."""
    page: int
    pages: int
    language: str
    entries: Sequence[Entry]


def write(feed: Feed) -> bytes:
    """The feed's document. Every feed and entry has the author RFC 4287 s4.1.1 asks for."""
    links = [element("link", attributes={"rel": "alternate", "type": "text/html", "href": feed.home})]
    pages = {"self": feed.page, "first": 1, "previous": feed.page - 1, "next": feed.page + 1, "last": feed.pages}
    for relation, page in pages.items():
        if 1 <= page <= max(1, feed.pages):
            href = feed.address if page == 1 else f"{feed.address}?page={page}"
            links.append(element("link", attributes={"rel": relation, "type": "application/atom+xml", "href": href}))
    head = [
        element("id", feed.id),
        element("title", feed.title),
        element("subtitle", feed.subtitle),
        element("updated", feed.updated),
        element("author", inner=element("name", feed.author)),
        element("generator", "Banyan"),
    ]
    inner = "\n".join([*head, *links, *(_entry(entry, feed.author) for entry in feed.entries)])
    root = {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": feed.language}
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + element("feed", attributes=root, inner=inner) + "\n").encode()


def _entry(entry: Entry, author: str) -> str:
    parts = [
        element("id", entry.id),
        element("title", entry.title),
        element("updated", entry.updated),
        element("published", entry.published) if entry.published else "",
        element("author", inner=element("name", entry.author or author)),
        element("link", attributes={"rel": "alternate", "type": "text/html", "href": entry.link}),
        element("summary", entry.summary, {"type": "text"}) if entry.summary else "",
        *(element("category", attributes={"term": term}) for term in entry.categories),
    ]
    for address, media_type, size in entry.enclosures:
        marks = {"rel": "enclosure", "type": media_type, "href": address}
        marks |= {"length": str(size)} if size else {}
        parts.append(element("link", attributes=marks))
    return element("entry", inner="".join(parts))
