"""Component identifiers and their values (RFC 9421 section 2). Trailers (`tr`) are not taken: we sign none."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote

import msgspec

from banyan.limits import QUERY_BYTES
from banyan.wire.httpsig.errors import Malformed, Uncovered
from banyan.wire.httpsig.message import Message, Request, Response, authority_of
from banyan.wire.structured import (
    BadField,
    Item,
    parse_dictionary,
    parse_item,
    parse_list,
    write_dictionary,
    write_item,
    write_list,
    write_member,
)

_LONE: Final = re.compile(r"[a-z]{1,16}=:[A-Za-z0-9+/]{85}[AQgw]==:")
"""A dictionary of one member, of 64 bytes, in the one spelling that base64 has for it."""
KINDS: Final[Mapping[str, str]] = {
    "accept-signature": "dictionary",
    "cache-status": "list",
    "client-cert": "item",
    "client-cert-chain": "list",
    "content-digest": "dictionary",
    "priority": "dictionary",
    "repr-digest": "dictionary",
    "signature": "dictionary",
    "signature-input": "dictionary",
    "want-content-digest": "dictionary",
    "want-repr-digest": "dictionary",
}
"""Fields that are structured fields of a known type: `sf` can be asked of these, `key` of any dictionary."""


class Component(msgspec.Struct, frozen=True):
    """One covered component. `text` is its identifier as it stands in the signature base."""

    name: str
    text: str
    req: bool = False
    sf: bool = False
    bs: bool = False
    key: str | None = None
    parameter: str | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two components one: the order of their parameters does not count (section 2)."""
        return self.name, self.req, self.sf, self.bs, self.key, self.parameter


def component(name: str, *, req: bool = False, key: str | None = None) -> Component:
    """A component of our own making."""
    parameters = ({"req": True} if req else {}) | ({} if key is None else {"key": key})
    return component_of(Item(name, parameters))


def component_of(item: Item) -> Component:
    """A component out of a parsed Signature-Input. Raises Malformed."""
    name, own = item.value, item.parameters
    if not isinstance(name, str) or name != name.lower() or not name:
        raise Malformed("signature-input", "a component is a name in small letters")
    flags = {flag: own.get(flag, False) for flag in ("req", "sf", "bs")}
    key, parameter = own.get("key"), own.get("name")
    if not own.keys() <= {"req", "sf", "bs", "key", "name"} or not all(
        one is True or one is False for one in flags.values()
    ):
        raise Malformed("signature-input", "a component has a parameter that is not known here")
    if not isinstance(key, str | None) or not isinstance(parameter, str | None):
        raise Malformed("signature-input", "key and name of a component are strings")
    if name.startswith("@"):
        if name not in _DERIVED and name != "@status":
            raise Malformed("signature-input", "a derived component is not known here")
        if flags["sf"] or flags["bs"] or key is not None or (name == "@query-param") != (parameter is not None):
            raise Malformed("signature-input", "a derived component has a parameter that it cannot have")
    elif parameter is not None or (flags["bs"] and (flags["sf"] or key is not None)):
        raise Malformed("signature-input", "parameters of a field exclude one another")
    return Component(
        name,
        write_item(item),
        req=bool(flags["req"]),
        sf=bool(flags["sf"]),
        bs=bool(flags["bs"]),
        key=key,
        parameter=parameter,
    )


def value_of(one: Component, message: Message, request: Request | None = None, kinds: Mapping[str, str] = KINDS) -> str:
    """What stands behind the identifier. `request`: the one that `message` answers. Raises Uncovered when there is no
    such thing in the message, Malformed when it has no one value."""
    about: Message = message
    if one.req:
        if request is None or not isinstance(message, Response):
            raise Malformed(one.name, "req is for an answer whose request is known")
        about = request
    if one.name.startswith("@"):
        return _derived(one, about)
    lines = about.fields.get(one.name)
    if not lines:
        raise Uncovered(one.name, "is signed and not there")
    if one.bs:
        return ", ".join(f":{b64encode(line.encode('latin-1')).decode('ascii')}:" for line in lines)
    whole = lines[0] if len(lines) == 1 else ", ".join(lines)
    if one.key is None and not one.sf:
        return whole
    return _structured(one, whole, kinds)


def _structured(one: Component, whole: str, kinds: Mapping[str, str]) -> str:
    """The field spelt anew, or one member of it (sections 2.1.1 and 2.1.2)."""
    kind = kinds.get(one.name, "dictionary" if one.key is not None else "")
    try:
        if one.key is not None:
            member = parse_dictionary(whole).get(one.key) if kind == "dictionary" else None
            if member is None:
                raise Uncovered(one.name, "has no such member")
            return write_member(member)
        if kind == "dictionary":
            return write_dictionary(parse_dictionary(whole))
        if kind == "list":
            return write_list(parse_list(whole))
        if kind == "item":
            return write_item(parse_item(whole))
    except BadField as error:
        raise Malformed(one.name, str(error)) from error
    raise Malformed(one.name, "is no structured field of a type known here")


def _derived(one: Component, about: Message) -> str:
    if isinstance(about, Response):
        if one.name != "@status":
            raise Malformed(one.name, "is no part of an answer")
        return str(about.status)
    if one.parameter is not None:
        return _query_parameter(about, one.parameter)
    found = _DERIVED.get(one.name)
    if found is None:
        raise Malformed(one.name, "is no part of a request")
    return found(about)


def _path(request: Request) -> str:
    return request.target.partition("?")[0] or "/"


def _query(request: Request) -> str:
    return "?" + request.target.partition("?")[2]


def _query_parameter(request: Request, name: str) -> str:
    """Section 2.2.8: decoded, encoded again in one way; a name that comes twice has no one value."""
    query = _query(request)[1:]
    if len(query) > QUERY_BYTES:
        raise Malformed("@query-param", f"a query has at most {QUERY_BYTES} bytes")
    found = [_encoded(value) for other, value in parse_qsl(query, keep_blank_values=True) if _encoded(other) == name]
    if len(found) != 1:
        raise Uncovered("@query-param", "is there exactly once")
    return found[0]


def _encoded(text: str) -> str:
    return quote(text, safe="*").replace("~", "%7E")


_DERIVED: Final[Mapping[str, Callable[[Request], str]]] = {
    "@method": lambda request: request.method,
    "@authority": authority_of,
    "@scheme": lambda request: request.scheme.lower(),
    "@target-uri": lambda request: f"{request.scheme.lower()}://{authority_of(request)}{request.target}",
    "@request-target": lambda request: request.target,
    "@path": _path,
    "@query": _query,
    "@query-param": _query,
}


Quick = Callable[[Message, Request | None], str | None]
"""The value of a usual component, without asking what it is; None: `value_of` knows, or knows the fault."""


def _of_answered(read: Callable[[Request], str]) -> Quick:
    return lambda message, request: read(request) if request is not None else None


def _of_request(read: Callable[[Request], str]) -> Quick:
    return lambda message, request: read(message) if isinstance(message, Request) else None


def _signature_gw(message: Message, request: Request | None) -> str | None:
    lines = request.fields.get("signature") if request is not None else None
    if not lines or len(lines) != 1 or not lines[0].startswith("gw=:") or not _LONE.fullmatch(lines[0]):
        return None
    return lines[0][3:]


QUICK: Final[Mapping[type, Mapping[str, Quick]]] = {
    Request: {f'"{name}"': _of_request(read) for name, read in _DERIVED.items()},
    Response: {
        '"@status"': lambda message, request: str(message.status) if isinstance(message, Response) else None,
        '"@method";req': _of_answered(lambda request: request.method),
        '"@path";req': _of_answered(_path),
        '"signature";req;key="gw"': _signature_gw,
    },
}
