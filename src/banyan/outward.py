"""Asking an address that a stranger gave (a recipient, a subscriber, a hospital's record system): bounded, and never
inside our own walls unawares.

The address is resolved and vetted as a fetched one is, the connection goes to what was vetted, no redirect is followed,
and an answer that drips ends with its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Final

import msgspec
import urllib3

from banyan import __version__
from banyan.errors import Problem
from banyan.service.opendata.fetch import checked, host_of, pool_of

CHUNK: Final = 4_096


class Said(msgspec.Struct, frozen=True):
    """`status` 0: no answer in time, or the address may not be asked. `body` is empty when it was longer."""

    status: int
    body: bytes = b""


async def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    time_s: float,
    at_most: int = 0,
    allow_private: bool,
) -> Said:
    """`at_most` octets of the answer are read; `allow_private` as `fetch.allow_private` of node.toml."""
    job = partial(_ask, method, url, headers, body, time_s=time_s, at_most=at_most, allow_private=allow_private)
    return await asyncio.to_thread(job)


def _ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    time_s: float,
    at_most: int,
    allow_private: bool,
) -> Said:
    until = monotonic() + time_s
    try:
        place = checked(url, allow_private=allow_private)
    except Problem:
        return Said(0)
    sent = {"Host": host_of(place), "User-Agent": f"banyan/{__version__}", "Accept-Encoding": "identity", **headers}
    with pool_of(place, urllib3.Timeout(total=time_s)) as pool:
        try:
            answer = pool.urlopen(
                method, place.target, body=body or None, headers=sent, redirect=False, retries=False,
                preload_content=False,
            )  # fmt: skip
            try:
                return _read(answer, at_most, until)
            finally:
                answer.close()  # what it says besides is not read
        except (urllib3.exceptions.HTTPError, OSError):
            return Said(0)


def _read(answer: urllib3.BaseHTTPResponse, at_most: int, until: float) -> Said:
    read = bytearray()
    while at_most and (chunk := answer.read1(CHUNK, decode_content=False)):
        read += chunk
        if len(read) > at_most:
            return Said(answer.status)
        if monotonic() > until:
            return Said(0)
    return Said(answer.status, bytes(read))
