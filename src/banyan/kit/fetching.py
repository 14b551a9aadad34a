"""Fetching an app's document: bounded, one address at a time, and never led from outside into our own walls.

The person at the keyboard names the address, so loopback and private ones are allowed there; a redirect may not lead
from a public address to a private one.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final
from urllib.parse import urljoin

import urllib3

from banyan.errors import Denied, Limit, Unavailable
from banyan.kit.claims import Taken
from banyan.kit.wording import refusal
from banyan.limits import FETCH_CHUNK_BYTES, FETCH_REDIRECTS, KIT_BODY_BYTES, KIT_FETCH_S
from banyan.service.opendata.fetch import asked, checked

_REDIRECTS: Final = (301, 302, 303, 307, 308)
Clock = Callable[[], float]
Take = Callable[[str], Taken]


def taker(clock: Clock) -> Take:
    """`take(url)`: the document, and whether asking again with its ETag gives 304. Raises Problem when it cannot."""

    def take(url: str) -> Taken:
        first = _fetched(url, "", clock)
        assert first is not None, "only a conditional request is answered with 304"
        etag = first.headers.get("etag", "")
        if not etag:
            return first
        again = _fetched(first.url, etag, clock)
        return Taken(first.url, first.body, first.headers, first.at, again is None)

    return take


def _fetched(url: str, etag: str, clock: Clock) -> Taken | None:
    """None for 304."""
    allow_private = is_private(url)
    for _ in range(FETCH_REDIRECTS + 1):
        answer = asked(checked(url, allow_private=allow_private), etag)
        try:
            if answer.status in _REDIRECTS and "location" in answer.headers:
                url = urljoin(url, answer.headers["location"])
                continue
            if answer.status == 304 and etag:
                return None
            if answer.status != 200:
                raise refusal(Unavailable, "status", url=url, status=answer.status)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Taken(url, _read(answer, url), headers, clock())
        finally:
            answer.release_conn()
            answer.close()
    raise refusal(Unavailable, "redirects", url=url, most=FETCH_REDIRECTS)


def is_private(url: str) -> bool:
    """Whether the address itself lies inside: then the person who typed it meant it."""
    try:
        checked(url, allow_private=False)
    except Denied:
        return True
    return False


def _read(answer: urllib3.BaseHTTPResponse, url: str) -> bytes:
    chunks, size, until = [], 0, monotonic() + KIT_FETCH_S
    try:
        while chunk := answer.read1(FETCH_CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > KIT_BODY_BYTES or monotonic() > until:
                raise refusal(Limit, "too_much", url=url, most=KIT_BODY_BYTES >> 20, seconds=round(KIT_FETCH_S))
            chunks.append(chunk)
    except urllib3.exceptions.HTTPError as error:
        raise refusal(Unavailable, "broken_off", url=url, size=size) from error
    return b"".join(chunks)
