"""Fetches a public address into a file: bounded in size and time, and never an address inside our own walls.

A URL is asked of us by somebody else, so it is an attack surface (server-side request forgery): http and https only,
the name is resolved by us, every address it has must be public, the connection goes to the address that was checked,
and each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
import urllib3

from banyan import __version__
from banyan.errors import Denied, Invalid, Limit, Unavailable
from banyan.limits import FETCH_CHUNK_BYTES, FETCH_REDIRECTS, FETCH_SILENCE_S, FETCH_TIME_S, UPLOAD_BYTES
from banyan.service.opendata.wording import refusal

if TYPE_CHECKING:
    from banyan.service.opendata.desk import FetchRules

_REDIRECTS = (301, 302, 303, 307, 308)
_FILENAME = re.compile(r"""filename\*?=(?:UTF-8'')?"?([^";]+)"?""", re.IGNORECASE)
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is routed to the public (RFC 4291 s2.4); what lies beside it leads to IPv4 or to this site."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a network without IPv4 sees them (RFC 6052 s2.1)."""
Told = Callable[[int, int], None]


class Fetched(msgspec.Struct, frozen=True):
    """What came. `is_new` is false when the source says it has not changed (304); then nothing was written."""

    is_new: bool
    filename: str = ""
    etag: str = ""
    """ETag, else Last-Modified: what to send next time."""
    size: int = 0
    media_type: str = ""


class Place(msgspec.Struct, frozen=True):
    """A checked address: connect to `address`, speak to `host`."""

    scheme: str
    host: str
    port: int
    address: str
    target: str


async def fetch(url: str, to: Path, *, rules: FetchRules, told: Told, etag: str = "") -> Fetched:
    """Fetch into the file `to`. With `etag`, ask only for a change.

    Raises Invalid for an address we do not speak, Denied for one inside, Limit over UPLOAD_BYTES or FETCH_TIME_S
    without a first answer, Unavailable when the source does not answer well or stops half-way.
    """
    stop, loop = _Stop(), asyncio.get_running_loop()

    def tell(done: int, total: int) -> None:
        loop.call_soon_threadsafe(told, done, total)

    try:
        return await asyncio.to_thread(_fetch, url, to, rules.allow_private, etag, _Watch(tell, stop))
    finally:
        stop.is_set = True  # a cancelled caller does not wait; the thread ends at its next chunk


class _Stop:
    is_set = False


class _Watch(msgspec.Struct, frozen=True):
    told: Told
    stop: _Stop


def _fetch(url: str, to: Path, allow_private: bool, etag: str, watch: _Watch) -> Fetched:
    until = monotonic() + FETCH_TIME_S
    for _ in range(FETCH_REDIRECTS + 1):
        place = checked(url, allow_private=allow_private)
        answer = asked(place, etag)
        try:
            if answer.status in _REDIRECTS and "location" in answer.headers:
                url = urljoin(url, answer.headers["location"])
                continue
            if answer.status == 304:
                return Fetched(is_new=False, etag=etag)
            if answer.status != 200:
                raise refusal(Unavailable, "fetch.status", status=answer.status)
            size = _saved(answer, to, watch, until)
        finally:
            answer.release_conn()
            answer.close()
        return Fetched(
            is_new=True,
            filename=_filename(answer.headers.get("content-disposition", ""), url),
            etag=answer.headers.get("etag", "") or answer.headers.get("last-modified", ""),
            size=size,
            media_type=answer.headers.get("content-type", "").partition(";")[0].strip(),
        )
    raise refusal(Unavailable, "fetch.redirects", most=FETCH_REDIRECTS)


def checked(url: str, *, allow_private: bool) -> Place:
    """Resolve and vet an address. Raises Invalid, Unavailable (no such host) or Denied (inside our own walls)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refusal(Invalid, "fetch.address", field="url") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise refusal(Invalid, "fetch.address", field="url")
    port = port or (443 if parts.scheme == "https" else 80)
    try:
        host = host if ":" in host else host.encode("idna").decode("ascii")  # 中文網域 in headers and in TLS
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise refusal(Unavailable, "fetch.no_host", host=host) from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(_is_public(address) for address in addresses):
        raise refusal(Denied, "fetch.private", host=host)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port, addresses[0], target)


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) % 2**32) if ip in _NAT64 else None)
        if inner is None:
            return ip.is_global and ip in _UNICAST
        ip = inner
    return ip.is_global and not ip.is_multicast


def pool_of(place: Place, timeout: urllib3.Timeout) -> urllib3.HTTPConnectionPool:
    """Connections to what was vetted; the certificate is its name's."""
    if place.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            place.address, place.port, timeout=timeout, server_hostname=place.host, assert_hostname=place.host
        )
    return urllib3.HTTPConnectionPool(place.address, place.port, timeout=timeout)


def host_of(place: Place) -> str:
    """The Host header."""
    name = f"[{place.host}]" if ":" in place.host else place.host
    return name if place.port in (80, 443) else f"{name}:{place.port}"


def asked(place: Place, etag: str) -> urllib3.BaseHTTPResponse:
    """GET from a vetted place, without following redirects; the body is not read yet. Raises Unavailable."""
    pool = pool_of(place, urllib3.Timeout(connect=FETCH_SILENCE_S, read=FETCH_SILENCE_S))
    headers = {"Host": host_of(place), "User-Agent": f"banyan/{__version__}", "Accept-Encoding": "identity"}
    if etag:
        headers["If-None-Match" if etag.startswith(('"', "W/")) else "If-Modified-Since"] = etag
    try:
        return pool.urlopen("GET", place.target, headers=headers, redirect=False, retries=False, preload_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise refusal(Unavailable, "fetch.no_answer", host=place.host, error=type(error).__name__) from error


def _saved(answer: urllib3.BaseHTTPResponse, to: Path, watch: _Watch, until: float) -> int:
    said = answer.headers.get("content-length", "")
    total = int(said) if said.isascii() and said.isdigit() else 0
    if total > UPLOAD_BYTES:
        raise refusal(Limit, "fetch.too_large", most=UPLOAD_BYTES >> 30)
    size = 0
    try:
        with to.open("wb") as file:
            while chunk := answer.read1(FETCH_CHUNK_BYTES):  # what is there: a source that drips must not hold us
                size += len(chunk)
                if size > UPLOAD_BYTES:
                    raise refusal(Limit, "fetch.too_large", most=UPLOAD_BYTES >> 30)
                spans = 1 + (monotonic() - until) / FETCH_TIME_S
                if watch.stop.is_set or (spans > 1 and size < FETCH_CHUNK_BYTES * spans):
                    raise refusal(Limit, "fetch.too_slow", most=int(FETCH_TIME_S))
                file.write(chunk)
                watch.told(size, total)
    except urllib3.exceptions.HTTPError as error:
        raise refusal(Unavailable, "fetch.broken_off", size=size, total=total or "?") from error
    if total and size != total:
        raise refusal(Unavailable, "fetch.broken_off", size=size, total=total)
    return size


def _filename(disposition: str, url: str) -> str:
    if found := _FILENAME.search(disposition):
        name = unquote(found.group(1))
    else:
        name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return name.replace("\\", "/").rpartition("/")[2].strip() or urlsplit(url).hostname or "data"
