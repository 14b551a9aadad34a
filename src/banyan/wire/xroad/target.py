"""The address of a call: `/r1/{instance}/{class}/{member}/{subsystem}/{service}[/path][?query]`.

Identifiers are decoded; path and query stay the bytes that came, since the provider must get them so. Source: X-Road
PR-REST s4.1; five parts are needed although s4.1 calls the subsystem optional (the field's parser needs them too).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from banyan import limits
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ServiceId, decoded_parts, encoded

VERBS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
META_SERVICES: Final = frozenset(
    {
        "listClients",
        "listMethods",
        "allowedMethods",
        "getWsdl",
        "getOpenAPI",
        "getSecurityServerMetrics",
        "getSecurityServerOperationalData",
        "getSecurityServerHealthData",
    }
)
"""Service codes that no provider may register: a gateway answers them itself."""
VERSION: Final = "r1"
_FIELD: Final = "address"
_VISIBLE: Final = bytes(octet for octet in range(0x21, 0x7F) if octet != 0x23)
_FORM: Final = "Send /r1/instance/class/member/subsystem/service[/path][?query]."


class Target(msgspec.Struct, frozen=True):
    """A parsed address. `path` is empty or begins with `/`; `query` is None without `?` (an empty one is another)."""

    service: ServiceId
    request_path: bytes
    """Everything before the query, as it came: what the request hash has."""
    path: bytes = b""
    query: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The request target as it came."""
        return self.request_path if self.query is None else self.request_path + b"?" + self.query

    @property
    def provider_path(self) -> bytes:
        """What is asked of the provider, below the address of its service."""
        return self.path if self.query is None else self.path + b"?" + self.query


def is_service_call(target: bytes) -> bool:
    """Whether an address is a call by this protocol, right or wrong; others are the gateway's own pages."""
    return target.startswith(b"/r1/")


def parse_target(target: bytes, *, strict: bool = False) -> Target:
    """A request target in origin form. Raises Fault naming `address`: version, parts, characters or length."""
    if len(target) > limits.XROAD_TARGET_BYTES:
        raise _wrong("is too long.", f"An address has at most {limits.XROAD_TARGET_BYTES} bytes.")
    if target.translate(None, _VISIBLE):
        raise _wrong("has bytes that no address has.", "Percent-encode spaces, # and all that is not ASCII.")
    request_path, mark, query = target.partition(b"?")
    parts = request_path.split(b"/", 7)
    path = b"/" + parts[7] if len(parts) == 8 else b""
    address = request_path.removesuffix(path)
    read = _usual_service if len(address) <= limits.XROAD_IDENTIFIER_CHARACTERS else _service
    return Target(read(address, strict), request_path, path, query if mark else None)


def _service(address: bytes, strict: bool) -> ServiceId:
    parts = address.decode("ascii").split("/")
    if len(parts) < 7 or parts[0]:
        raise _wrong("does not name a service.", _FORM)
    if parts[1] != VERSION:
        raise _wrong("names another protocol version.", _FORM)
    return ServiceId(*decoded_parts(parts[2:7], _FIELD, code=Code.INVALID_REQUEST, strict=strict))


_usual_service: Final = lru_cache(maxsize=limits.XROAD_IDENTIFIERS_KEPT)(_service)
"""The same few services are called again and again; faults are not kept, nor is what is long."""


def target_of(service: ServiceId, path: bytes = b"", query: bytes | None = None) -> Target:
    """The address to call `service` at. `path` is empty or begins with `/`, encoded already, as `query` is."""
    assert not path or path.startswith(b"/"), "a path begins with a slash"
    return Target(service, f"/{VERSION}/{encoded(service)}".encode("ascii") + path, path, query)


def parse_verb(method: str) -> str:
    """Raises Fault(InvalidHttpMethod)."""
    if method not in VERBS:
        fix = f"Use one of {', '.join(sorted(VERBS))}."
        message = "The request method is not carried."
        raise Fault(Origin.CLIENT_PROXY, Code.INVALID_HTTP_METHOD, message=message, field="method", fix=fix)
    return method


def _wrong(what: str, fix: str) -> Fault:
    message = f"The address {what}"
    return Fault(Origin.CLIENT_PROXY, Code.INVALID_REQUEST, message=message, field=_FIELD, fix=fix)
