"""The provider behind the edge: an HTTP service. It gets what the client sent, and a real Content-Length.

Its redirects are answers; its TLS is verified by its name unless the gateway was given another context.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.road.head import BadHttp, ResponseHead, write_request
from banyan.kernel.exchange.road.link import Broken, Came, Place, Pool
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider
from banyan.kernel.exchange.road.spool import Spool, Spooling
from banyan.limits_road import ROAD_ATTEMPTS, ROAD_SERVICE_IDLE_S
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault

_SIDE: Final = Origin.SERVER_PROXY
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_PORTS: Final = {"http": 80, "https": 443}


class HttpProvider:
    """`context`: TLS towards services; None: the system's authorities."""

    def __init__(self, spooling: Spooling, clock: Clock, context: Callable[[], ssl.SSLContext] | None = None) -> None:
        self._spooling = spooling
        self._clock = clock
        self._usual: ssl.SSLContext | None = None
        self.pool = Pool(context or self._system, idle_s=ROAD_SERVICE_IDLE_S)

    def plain(self, offer: Offer) -> Plain | None:
        return Plain(self)

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        place, host, below = address_of(offer.url)
        fields = [(b"host", host), *call.fields]
        if body.size or call.verb not in ("GET", "HEAD", "OPTIONS", "TRACE", "DELETE"):
            fields.append((b"content-length", b"%d" % body.size))
        written = write_request(call.verb, (below + path) or b"/", fields)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(offer.timeout_s, call.until - self._clock())
        return await self.asked(place, call.verb, written, body, deadline=deadline)

    async def asked(
        self,
        place: Place,
        verb: str,
        written: bytes,
        body: Body,
        *,
        deadline: float,
        failed: OSError | BadHttp | None = None,
    ) -> Answer:
        """The answer to a whole head and its body. `failed`: how the first attempt, over an idle link, ended."""
        error = failed
        for attempt in range(ROAD_ATTEMPTS):
            if error is not None and (isinstance(error, BadHttp | ssl.SSLError) or not _may_again(verb, error)):
                break
            try:
                ready = self.pool.idle(place) if not attempt and failed is None else None
                link = ready or await self.pool.connect(place, deadline)
                came = await link.ask(verb, written, body, self.spool_for, deadline)
            except (OSError, BadHttp) as again:
                error = again
            else:
                self.pool.give(link)
                return answer_of(came)
        raise _failed(error) from error

    def close(self) -> None:
        self.pool.close()

    def spool_for(self, head: ResponseHead) -> Spool:
        return self._spooling.spool(("sha-256",))

    def _system(self) -> ssl.SSLContext:
        if self._usual is None:
            self._usual = ssl.create_default_context()
        return self._usual


class Plain(msgspec.Struct, frozen=True):
    """The HTTP service that stands behind an offer, and what must be done before each call: all that a provider does
    with it. `before` raises what the provider would; then nobody is asked."""

    service: HttpProvider
    before: Callable[[Call, Body], Coroutine[Any, Any, None]] | None = None


def plain_behind(provider: Provider, offer: Offer) -> Plain | None:
    """None: something else stands there, or `provider` does more than that with a call."""
    told: Callable[[Offer], Plain | None] | None = getattr(provider, "plain", None)
    return told(offer) if told is not None else None


def answer_of(came: Came) -> Answer:
    return Answer(came.head.status, came.head.reason, came.head.fields, came.body, is_checked=True)


def _may_again(verb: str, failed: OSError) -> bool:
    if isinstance(failed, Broken) and (failed.is_late or not failed.was_sent):
        return False
    return verb in _SAFE


@lru_cache(maxsize=1024)
def address_of(url: str) -> tuple[Place, bytes, bytes]:
    """Where a service is: place, Host, path in front of a call's. Raises Fault."""
    if not url:
        message = "The service has no address behind its gateway."
        raise Fault(_SIDE, Code.SERVICE_MISSING_URL, message=message, fix="Its operator configures one.")
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        host = parts.hostname or ""
        name = f"[{host}]" if ":" in host else host
        below = parts.path.rstrip("/").encode("ascii")
        authority = (name if port == _PORTS[parts.scheme] else f"{name}:{port}").encode("ascii")
    except (ValueError, KeyError) as error:
        raise _malformed() from error
    if not host or parts.query or parts.fragment or parts.username or any(octet < 0x21 for octet in below + authority):
        raise _malformed()
    return Place(host, port, parts.scheme == "https"), authority, below


def _malformed() -> Fault:
    message = "The address of the service behind its gateway is none."
    fix = "Its operator configures http(s)://host[:port][/path]."
    return Fault(_SIDE, Code.SERVICE_MALFORMED_URL, message=message, fix=fix)


def _failed(error: Exception | None) -> Fault:
    if isinstance(error, BadHttp):
        message = f"The service's answer cannot be taken: {error}."
        fix = "Its operator looks at what it sends."
        return Fault(_SIDE, Code.SERVICE_FAILED, Code.HTTP_ERROR, message=message, field=error.rule, fix=fix)
    if isinstance(error, ssl.SSLError):
        message, fix = "TLS with the service failed.", "Its operator compares its certificate with the gateway's trust."
        return Fault(_SIDE, Code.SSL_AUTH_FAILED, message=message, fix=fix)
    late = isinstance(error, Broken) and error.is_late
    message = "The service did not answer in time." if late else "The service cannot be reached by its gateway."
    fix = "Try again later; if it lasts, tell the provider."
    return Fault(_SIDE, Code.NETWORK_ERROR, message=message, fix=fix)
