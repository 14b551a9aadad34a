"""A source as a page shows it: its words, and its addresses as links named by their host."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

ADDRESS: Final = re.compile(r"https?://[^\s;,]+")


class Link(msgspec.Struct, frozen=True):
    url: str
    host: str


def sources(cite: str) -> tuple[str, tuple[Link, ...]]:
    """What is cited without its addresses, then these in their order."""
    links = tuple(Link(url, urlsplit(url).hostname or url) for url in ADDRESS.findall(cite))
    words = re.sub(r"\s*[;,]\s*(?=[;,]|$)", "", ADDRESS.sub("", cite))
    return re.sub(r",\s*;", ";", words).strip(" ;,"), links
