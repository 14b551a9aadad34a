"""Pushing a signed word to an address that an agency declared: bounded, and never inside our own walls unawares.

The address is resolved and vetted as a fetched one is, the connection goes to what was vetted, and no redirect is
followed. Source: RFC 8935 s2.1 (a Security Event Token by POST; 202 takes it).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import urllib3

from banyan import __version__
from banyan.errors import Problem
from banyan.limits import MYDATA_TELL_S
from banyan.service.mydata.shelf import Push
from banyan.service.opendata.fetch import Place, checked

MEDIA_TYPE: Final = "application/secevent+jwt"


def pusher(*, allow_private: bool) -> Push:
    """`allow_private` as `fetch.allow_private` of node.toml: addresses inside our own network may be told too."""

    async def push(url: str, token: bytes) -> int:
        return await asyncio.to_thread(partial(_push, url, token, allow_private=allow_private))

    return push


def _push(url: str, token: bytes, *, allow_private: bool) -> int:
    try:
        place = checked(url, allow_private=allow_private)
    except Problem:
        return 0
    name = f"[{place.host}]" if ":" in place.host else place.host
    headers = {
        "Host": name if place.port in (80, 443) else f"{name}:{place.port}",
        "User-Agent": f"banyan/{__version__}",
        "Content-Type": MEDIA_TYPE,
        "Accept": "application/json",
    }
    with _pool(place) as pool:
        try:
            answer = pool.urlopen(
                "POST", place.target, body=token, headers=headers, redirect=False, retries=False, preload_content=False
            )
        except (urllib3.exceptions.HTTPError, OSError):
            return 0
        status = answer.status
        answer.close()  # what it says besides is not read
        return status


def _pool(place: Place) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(total=MYDATA_TELL_S)
    if place.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            place.address, place.port, timeout=timeout, server_hostname=place.host, assert_hostname=place.host
        )
    return urllib3.HTTPConnectionPool(place.address, place.port, timeout=timeout)
