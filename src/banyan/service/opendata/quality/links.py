"""Looks at an address: does it answer, does a file come directly, is its text in the stated encoding.

A publisher chose the address, so it is handled as an attack (`fetch.checked`: public addresses only, each redirect
vetted anew). One GET, at most LINK_BYTES read, LINK_TIME_S in all, LINK_REDIRECTS steps. Our own tables are never
fetched: their file is looked for in the lake.
"""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from urllib.parse import urljoin

import urllib3

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.limits import LINK_BYTES, LINK_REDIRECTS, LINK_TIME_S
from banyan.service.opendata import fetch
from banyan.service.opendata.quality.indicators import Seen

_REDIRECTS = (301, 302, 303, 307, 308)
_LOGIN = re.compile(r"/(login|signin|sign-in|auth|sso|oauth2?|saml)\b", re.IGNORECASE)
_WEB_PAGES = ("text/html", "application/xhtml+xml")
_CODECS = {"utf-8": "utf-8", "utf8": "utf-8", "big5": "cp950", "big-5": "cp950", "cp950": "cp950", "utf-16": "utf-16"}


async def look(url: str, *, wants_page: bool, encoding: str, allow_private: bool, now: EpochS) -> Seen:
    """Look once. `wants_page`: a web page is what the description promises. Never raises: the answer says it."""
    return await asyncio.to_thread(_look, url, wants_page, encoding, allow_private, now)


def _look(url: str, wants_page: bool, encoding: str, allow_private: bool, now: EpochS) -> Seen:
    until = monotonic() + LINK_TIME_S
    to_login = False
    try:
        for _ in range(LINK_REDIRECTS + 1):
            answer = fetch.asked(fetch.checked(url, allow_private=allow_private), "")
            try:
                if answer.status in _REDIRECTS and "location" in answer.headers:
                    url = urljoin(url, answer.headers["location"])
                    to_login = to_login or bool(_LOGIN.search(url))
                    continue
                return _judged(
                    answer, to_login=to_login, wants_page=wants_page, encoding=encoding, until=until, now=now
                )
            finally:
                answer.close()
        return Seen(ok=False, direct=False, at=now, error="redirects")
    except Problem as problem:
        return Seen(ok=False, direct=False, at=now, error=problem.kind)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Seen(ok=False, direct=False, at=now, error=type(error).__name__)


def _judged(
    answer: urllib3.BaseHTTPResponse, *, to_login: bool, wants_page: bool, encoding: str, until: float, now: EpochS
) -> Seen:
    ok = answer.status == 200
    start = _start(answer, until) if ok else b""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_page = kind in _WEB_PAGES or start[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    fits = None if not ok or is_page else encoding_fits(start, encoding)
    return Seen(ok, ok and not to_login and (wants_page or not is_page), answer.status, now, encoding_fits=fits)


def _start(answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
    found = b""
    for chunk in answer.stream(8_192):
        found += chunk
        if len(found) >= LINK_BYTES or monotonic() > until:
            break
    return found[:LINK_BYTES]


def encoding_fits(start: bytes, stated: str) -> bool | None:
    """Whether the first bytes are in the stated encoding; None when none is stated or we do not know it."""
    codec = _CODECS.get(stated.strip().lower())
    if codec is None or not start:
        return None
    try:
        start.decode(codec)
    except UnicodeDecodeError as error:
        return error.end >= len(start) - 3 and error.start >= len(start) - 4  # the cut may split a character
    return True
