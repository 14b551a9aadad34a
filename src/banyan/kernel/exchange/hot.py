"""Hot answers: an open read answered on the socket, before the ASGI cycle, from an operation's memory.

Only a request that this file reads whole and finds plain is answered here: one GET or HEAD of a declared path, every
byte of its head in a narrow grammar, no body, nobody's credentials. No byte is consumed of any other; it goes the
general way as if this file did not exist. Why, and what was measured: docs/decisions/0072.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Final

import msgspec

from banyan.kernel.exchange.answers import etag_of, is_known
from banyan.kernel.exchange.endpoint import Endpoint
from banyan.kernel.exchange.gate import HotCall, Log
from banyan.kernel.exchange.record import Access, AccessRecord
from banyan.kernel.exchange.request import FORWARDED, LOOPBACK, RequestTools, origin_of
from banyan.kernel.exchange.security import HSTS, Headers, Hosts
from banyan.kernel.exchange.trace import Trace
from banyan.limits import HEADER_COUNT, HOT_HEAD_BYTES

Pairs = Sequence[tuple[bytes, bytes]]
STATE: Final = "banyan.hot"
"""Where the door leaves its hot answers for the server: the state of the ASGI lifespan."""
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*)\r\n")
_GENERAL: Final = frozenset(
    b"authorization x-api-key x-ckan-api-key content-length content-type transfer-encoding trailer expect upgrade "
    b"proxy-connection".split()
)
"""Headers that say who asks, announce a body or change the connection: their requests go the general way."""
_READ: Final = frozenset((b"host", b"connection", b"cookie", b"if-none-match", b"traceparent", b"x-forwarded-proto"))
_STAYS: Final = b"keep-alive"
_SESSION: Final = b"session"
"""In the name of the session's cookie, over http and https."""


class Head(msgspec.Struct, frozen=True):
    """What a plain head says. `block` are its bytes: a client sends the same ones again and again."""

    block: bytes
    client: str
    is_https: bool
    is_limited: bool
    known: bytes
    traceparent: bytes


class HotRoute:
    """One hot path: its call, and the bytes before the ETag of an answer."""

    __slots__ = ("_headers", "call", "endpoint", "found", "same")

    def __init__(self, call: HotCall, endpoint: Endpoint) -> None:
        self.call = call
        self.endpoint = endpoint
        self._headers = endpoint.headers
        self.found = self.same = (b"", b"")

    def date(self, given: Pairs) -> None:
        """Write the heads of 200 and 304, over http and https, with the server's own headers (its date)."""
        plain, over_https = self._headers, [*self._headers, HSTS]
        media_type = (b"content-type", b"application/json")
        self.found = (
            _head(b"200 OK", [*given, *plain, media_type]),
            _head(b"200 OK", [*given, *over_https, media_type]),
        )
        self.same = (
            _head(b"304 Not Modified", [*given, *plain]),
            _head(b"304 Not Modified", [*given, *over_https]),
        )


def _head(status: bytes, headers: Headers) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
    return b"HTTP/1.1 " + status + b"\r\n" + lines + b"etag: "


class HotDoor:
    """The hot paths of a node and what they share with the door: names, rates, records."""

    def __init__(
        self, endpoints: Sequence[Endpoint], tools: RequestTools, hosts: Hosts, record: AccessRecord, log: Log
    ) -> None:
        calls = {endpoint.template: tools.gate.hot(endpoint.operation) for endpoint in endpoints if endpoint.operation}
        self._routes: Mapping[bytes, HotRoute] = {
            endpoint.template.encode(): HotRoute(call, endpoint)
            for endpoint in endpoints
            if (call := calls.get(endpoint.template)) is not None and "GET" in endpoint.methods
        }
        self._match = request_line([path.decode() for path in self._routes])
        self._rates, self._clock = tools.rates, tools.gate.clock
        self._trusted, self._member = tools.settings.trusted_proxies, tools.settings.member
        self._hosts, self._record, self._log = hosts, record, log
        self._dated: Pairs = ()

    def __bool__(self) -> bool:
        return bool(self._routes)

    def reply(self, data: bytes, connection: HotConnection, given: Pairs) -> bytes | None:
        """The whole answer to the one request in `data`, or None for the general way. `given` are the server's own
        headers; it makes a new list of them every second."""
        started = perf_counter_ns()
        found = self._match(data)
        if found is None or len(data) > HOT_HEAD_BYTES:
            return None
        method, path, query = found.groups()
        block = data[found.end() :]
        head = connection.head
        if head is None or head.block != block:
            head = connection.head = self._read(block, connection)
            if head is None:
                return None
        if given is not self._dated:
            self._date(given)
        route = self._routes[path]
        rate = route.endpoint.rate
        if head.is_limited and self._rates.take(rate, head.client) is not None:
            return None
        now = self._clock()
        try:
            body = route.call.answer(query or b"", now)
        except Exception as error:  # the door's duty: the general way then says what is wrong
            self._log("hot.failed", {"kind": type(error).__name__, "operation": route.call.operation})
            body = None
        if body is None:
            if head.is_limited:
                self._rates.give_back(rate, head.client)
            return None
        tag = etag_of(body)
        if head.known and is_known(head.known, tag):
            answer, status, size = b"%b%b\r\n\r\n" % (route.same[head.is_https], tag), 304, 0
        else:
            size = len(body) if method == b"GET" else 0
            answer = b"%b%b\r\ncontent-length: %d\r\n\r\n%b" % (
                route.found[head.is_https],
                tag,
                len(body),
                body if size else b"",
            )
            status = 200
        took_us = (perf_counter_ns() - started) // 1000
        self._record.add(
            Access(
                round(now, 3),
                self._member,
                "GET" if method == b"GET" else "HEAD",
                route.endpoint.template,
                status,
                took_us,
                size,
                route.endpoint.channel,
                "anonymous",
                route.call.operation,
                route.call.basis,
                Trace(head.traceparent).id,
            )
        )
        return answer

    def _date(self, given: Pairs) -> None:
        self._dated = given
        for route in self._routes.values():
            route.date(given)

    def _read(self, block: bytes, connection: HotConnection) -> Head | None:
        """What a header block says; None unless it is whole, alone, plain, and ours to answer."""
        headers = plain_headers(block)
        if headers is None or _SESSION in headers.get(b"cookie", b""):
            return None
        if not self._hosts.accepts(headers.get(b"host", b"")):
            return None
        client, scheme = connection.client, connection.scheme
        if client in self._trusted:
            client = origin_of(client, headers.get(b"x-forwarded-for", b"").decode("ascii"), self._trusted)
            sent = headers.get(b"x-forwarded-proto", b"").strip().lower().decode("ascii")
            scheme = sent if sent in ("http", "https") else scheme
        is_local = client in LOOPBACK and FORWARDED.isdisjoint(headers)
        return Head(
            block=block,
            client=client,
            is_https=scheme == "https",
            is_limited=self._rates.is_on and not is_local,
            known=headers.get(b"if-none-match", b""),
            traceparent=headers.get(b"traceparent", b""),
        )


class HotConnection:
    """What is known of one connection: who is at its other end, and the last plain head it sent."""

    __slots__ = ("client", "head", "scheme")

    def __init__(self, client: str, scheme: str) -> None:
        self.client = client
        self.scheme = scheme
        self.head: Head | None = None


def request_line(paths: Sequence[str]) -> Callable[[bytes], re.Match[bytes] | None]:
    """Finds method, path and undecoded query of a plain request line of one of `paths` at the start of bytes."""
    known = "|".join(map(re.escape, paths)).encode("ascii")
    return re.compile(rb"(GET|HEAD) (%b)(?:\?([A-Za-z0-9&=._-]*))? HTTP/1\.1\r\n" % known).match


def plain_headers(block: bytes) -> dict[bytes, bytes] | None:
    """The headers that matter here, by lower-case name. None when the block is not exactly one whole head, has a line
    outside the narrow grammar, too many lines, a header that matters twice, or one of the general way."""
    headers: dict[bytes, bytes] = {}
    at, end, count = 0, len(block) - 2, 0
    while at < end:
        line = _LINE.match(block, at)
        if line is None:
            return None
        at, count = line.end(), count + 1
        name = line[1].lower()
        if name in _GENERAL or name in headers:
            return None
        if name in _READ or name in FORWARDED:
            headers[name] = line[2]
    is_whole = at == end and block.endswith(b"\r\n") and count <= HEADER_COUNT
    return headers if is_whole and headers.get(b"connection", _STAYS).lower() == _STAYS else None
