"""The web for `craft/following`: bounded in size and time, asks by ETag, never led into our own walls, no redirects.

A redirect would leave the hosts a source may send us to, so it counts as no answer. The address is vetted and resolved
by the same code that fetches open data (`service/opendata/fetch`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

import urllib3

from banyan.craft.following.rounds import Fetch, Fetched
from banyan.errors import Limit, Unavailable
from banyan.limits import FETCH_CHUNK_BYTES
from banyan.limits_alerts import FOLLOW_FETCH_S
from banyan.service.opendata.fetch import asked, checked


def fetcher(*, allow_private: bool) -> Fetch:
    """`allow_private`: the address was typed by the person at the keyboard, or is a test's."""

    async def fetch(address: str, headers: Mapping[str, str], at_most: int) -> Fetched:
        mark = headers.get("If-None-Match") or headers.get("If-Modified-Since") or ""
        return await asyncio.to_thread(_fetched, address, mark, at_most, allow_private)

    return fetch


def _fetched(address: str, mark: str, at_most: int, allow_private: bool) -> Fetched:
    answer = asked(checked(address, allow_private=allow_private), mark)
    try:
        if answer.status != 200:
            return Fetched(answer.status)
        body = _read(answer, at_most)
        return Fetched(200, body, answer.headers.get("etag", ""), answer.headers.get("last-modified", ""))
    finally:
        answer.release_conn()
        answer.close()


def _read(answer: urllib3.BaseHTTPResponse, at_most: int) -> bytes:
    chunks, size, until = [], 0, monotonic() + FOLLOW_FETCH_S
    try:
        while chunk := answer.read1(FETCH_CHUNK_BYTES):  # what is there: a source that drips must not hold us
            size += len(chunk)
            if size > at_most or monotonic() > until:
                raise Limit(f"it sent more than {at_most} octets, or took longer than {FOLLOW_FETCH_S:.0f} s")
            chunks.append(chunk)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"it broke off after {size} octets ({type(error).__name__})") from error
    return b"".join(chunks)
