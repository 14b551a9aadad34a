"""Addresses of pages in two languages: zh-Hant at the root, English under `/en`. Machine addresses have one form."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

from banyan.errors import Problem
from banyan.kernel.catalogue import FaceRequest

ENGLISH = "/en"


def bare(path: str) -> str:
    """The path without its language."""
    if path == ENGLISH or path.startswith(ENGLISH + "/"):
        return path[len(ENGLISH) :] or "/"
    return path


def in_language(path: str, lang: str) -> str:
    """The address of a page in `lang`; `path` may carry a query."""
    path = bare(path)
    if lang != "en":
        return path
    return ENGLISH if path == "/" else ENGLISH + path


def with_query(path: str, pairs: Iterable[tuple[str, object]]) -> str:
    """`path` with the pairs that say something; empty values are left out so that addresses stay short."""
    query = urlencode([(name, str(value)) for name, value in pairs if value not in ("", None)])
    return f"{path}?{query}" if query else path


def query_of(request: FaceRequest) -> list[tuple[str, str]]:
    """The query as sent; nothing when it cannot be read: the page that says so is made here too."""
    try:
        return request.query
    except Problem:
        return []


def segment(text: str) -> str:
    """One path segment, percent-encoded."""
    return quote(text, safe="")


def is_web_address(text: str) -> bool:
    """Whether a link may lead there: http, https, ftp, or a place on this site; never a script or data in a link."""
    is_elsewhere = text.lower().startswith(("http://", "https://", "ftp://"))
    return text.isprintable() and (is_elsewhere or (text.startswith("/") and not text.startswith("//")))


def safe_return(address: str) -> str:
    """A place on this site to go back to after signing in, percent-encoded; anything else (another host, a script) is
    home. Browsers drop control characters and take `\\` for `/`, and the language's prefix may be cut off later, so
    `/<TAB>/host`, `/\\host` and `/en//host` lead to another host too (WHATWG URL 4.4)."""
    is_here = address.startswith("/") and not any(place.startswith("//") for place in (address, bare(address)))
    if not is_here or "\\" in address or not address.isprintable():
        return "/"
    return quote(address, safe="/?&=%#:;,+@!$'()*~")
