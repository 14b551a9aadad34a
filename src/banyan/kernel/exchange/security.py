"""Headers that every answer carries, who may be addressed as us, and where a caller really is.

Sources: CSP Level 3; RFC 6797 (HSTS); Fetch standard (CORS, nosniff); RFC 9110 s7.2 (Host), s15.5.20 (421).
"""

from __future__ import annotations

from socket import gethostname
from urllib.parse import urlsplit

from banyan.kernel.exchange.request import DoorRequest, is_address
from banyan.kernel.exchange.settings import DoorSettings

Headers = list[tuple[bytes, bytes]]

_EVERYWHERE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
]
_DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'; sandbox"
_PAGE_POLICY = (
    b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    b"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
CORS_OPEN = (b"access-control-allow-origin", b"*")
DATA_HEADERS: Headers = [*_EVERYWHERE, (b"content-security-policy", _DATA_POLICY)]
PAGE_HEADERS: Headers = [
    *_EVERYWHERE,
    (b"content-security-policy", _PAGE_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), payment=()"),
]
OPEN_CACHE = (b"cache-control", b"no-cache")
PRIVATE_CACHE = (b"cache-control", b"private, no-store")
KEYED_CACHE = (b"cache-control", b"private, no-cache")
"""What anybody gets, sent to the holder of a key with its standing: its own cache may keep it, and must ask."""

PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"accept, accept-language, content-type, if-none-match, last-event-id, traceparent",
    ),
    (b"access-control-max-age", b"86400"),
]
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]", "testserver"))


class Hosts:
    """The names we answer to: loopback, this machine's own, and those configured. An IP address cannot be rebound by
    DNS, so any address is ours."""

    def __init__(self, settings: DoorSettings) -> None:
        own = {urlsplit(settings.public_url).netloc} if settings.public_url else set()
        self._names = _LOOPBACK | {gethostname().lower()} | {name.lower() for name in (*settings.hosts, *own)}
        self._any = "*" in settings.hosts
        self._seen: set[bytes] = set()

    def accepts(self, host: bytes) -> bool:
        if host in self._seen:
            return True
        accepted = self._judge(host.decode("latin-1").lower())
        if accepted and len(self._seen) < 64:
            self._seen.add(host)
        return accepted

    def _judge(self, host: str) -> bool:
        if not host or set(host) & set("/\\@?# \t"):
            return False
        name, _, port = host.rpartition(":") if ":" in host and not host.endswith("]") else (host, "", "0")
        if not (port.isascii() and port.isdigit()):
            return False
        return self._any or host in self._names or name in self._names or is_address(name)


def shared_cache(max_age_s: int, stale_s: int) -> tuple[bytes, bytes]:
    """Any cache may keep the answer and show it while it asks anew. Sources: RFC 9111 s5.2.2, RFC 5861 s3."""
    return (b"cache-control", b"public, max-age=%d, stale-while-revalidate=%d" % (max_age_s, stale_s))


def is_cross_site(request: DoorRequest) -> bool:
    """Whether a browser says that another site sent this form (Fetch Metadata; Origin for older browsers)."""
    site = request.raw_header(b"sec-fetch-site")
    if site:
        return site not in (b"same-origin", b"none")
    origin = request.raw_header(b"origin")
    return bool(origin) and urlsplit(origin.decode("latin-1")).netloc != request.header("host")
