"""Header fields of a call, both ways: which are kept, which the gateway writes, who asks and under what id.

Names and values are bytes and stay as they came, in their order. Source: X-Road PR-REST s4.3 and what its releases
send; RFC 9110 s5.5, s7.6.1 (fields named in `Connection` are dropped as well).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from banyan import limits
from banyan.limits_road import ROAD_SHAPE_NAMES, ROAD_SHAPES_KEPT
from banyan.wire.govstack import fields as govstack
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import (
    ClientId,
    RepresentedParty,
    ServerId,
    ServiceId,
    encoded,
    encoded_part,
    parse_client,
    parse_party,
    parse_server,
)
from banyan.wire.xroad.shapes import Pick, names_of, picker, places

Field = tuple[bytes, bytes]

DROPPED: Final = frozenset(
    (
        b"transfer-encoding keep-alive proxy-authenticate proxy-authorization te trailer upgrade connection "
        b"user-agent host content-length server expect"
    ).split()
)
"""Between two hops only, or telling of a machine: never carried, in either direction."""
CLIENT: Final = b"x-road-client"
SERVICE: Final = b"x-road-service"
MESSAGE_ID: Final = b"x-road-id"
REQUEST_ID: Final = b"x-road-request-id"
REQUEST_HASH: Final = b"x-road-request-hash"
ERROR: Final = b"x-road-error"
USER_ID: Final = b"x-road-userid"
ISSUE: Final = b"x-road-issue"
SECURITY_SERVER: Final = b"x-road-security-server"
REPRESENTED_PARTY: Final = b"x-road-represented-party"
_OURS_IN_A_REQUEST: Final = frozenset({SERVICE, REQUEST_ID, REQUEST_HASH, ERROR})
_ONCE: Final = frozenset({CLIENT, MESSAGE_ID, USER_ID, ISSUE, SECURITY_SERVER, REPRESENTED_PARTY})
_ONCE_NAMES: Final = tuple(
    one.decode("ascii") for one in (CLIENT, MESSAGE_ID, USER_ID, ISSUE, SECURITY_SERVER, REPRESENTED_PARTY)
)
_NOTHING: Final = ("",)
OURS_IN_A_RESPONSE: Final = frozenset({CLIENT, SERVICE, MESSAGE_ID, REQUEST_ID, REQUEST_HASH, ERROR})
_SHOWN: Final = 64
"""Characters of a stranger's field name that an error repeats."""
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_SPACES: Final = b"\t "
_VISIBLE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


class Asked(msgspec.Struct, frozen=True):
    """What a request's header says. `message_id` is empty when the gateway must make one."""

    client: ClientId
    kept: tuple[Field, ...]
    """The fields that travel on, in order, without those that the gateway writes."""
    message_id: str = ""
    user_id: str = ""
    issue: str = ""
    server: ServerId | None = None
    party: RepresentedParty | None = None


def parse_request_fields(fields: Sequence[Field], *, strict: bool = False, is_checked: bool = False) -> Asked:
    """Of a repeated X-Road field the last one counts, and only it travels on. A GovStack client's fields are
    read as the road's own. `is_checked`: `check_fields` holds of them. Raises Fault naming the field."""
    kept = _kept(fields, _OURS_IN_A_REQUEST, Origin.CLIENT_PROXY, is_checked)
    last = {low: at for at, (low, _) in enumerate(kept) if low in _ONCE}
    known = {low: kept[at][1][1].decode("latin-1") for low, at in last.items()}
    client = known.get(CLIENT, "")
    if not client:
        renamed = govstack.as_road(fields)
        if renamed is not None:
            return parse_request_fields(renamed, strict=strict)
        message, fix = "X-Road-Client is missing.", "Send X-Road-Client: instance/class/member[/subsystem]."
        raise Fault(Origin.CLIENT_PROXY, Code.MISSING_HEADER_FIELD, message=message, field="X-Road-Client", fix=fix)
    server, party = known.get(SECURITY_SERVER, ""), known.get(REPRESENTED_PARTY, "")
    return Asked(
        client=parse_client(client, strict=strict),
        kept=tuple(
            [
                field
                for at, (low, field) in enumerate(kept)
                if last.get(low, at) == at and (field[1] or low != MESSAGE_ID)
            ]
        ),
        message_id=_text(known, MESSAGE_ID, "X-Road-Id"),
        user_id=_text(known, USER_ID, "X-Road-UserId"),
        issue=_text(known, ISSUE, "X-Road-Issue"),
        server=parse_server(server, strict=strict) if server else None,
        party=parse_party(party, strict=strict) if party else None,
    )


def usual_request_fields(fields: Sequence[Field], named: Mapping[str, Sequence[str]], *, strict: bool = False) -> Asked:
    """As `parse_request_fields`, in a third of its time, of a header that was read strictly: `check_fields` holds, and
    `named` has the lines of each name in small letters. Where a field repeats, or others are unusual, it asks that."""
    single = [named.get(name, _NOTHING) for name in _ONCE_NAMES]
    if "connection" in named or max(map(len, single)) > 1 or named.get("x-road-id") == [""]:
        return parse_request_fields(fields, strict=strict, is_checked=True)
    client, message_id, user_id, issue, server, party = [lines[0] for lines in single]
    if not client:
        return parse_request_fields(fields, strict=strict, is_checked=True)
    return Asked(
        client=parse_client(client, strict=strict),
        kept=_travelling(fields),
        message_id=_checked_text(message_id, "X-Road-Id") if message_id else "",
        user_id=_checked_text(user_id, "X-Road-UserId") if user_id else "",
        issue=_checked_text(issue, "X-Road-Issue") if issue else "",
        server=parse_server(server, strict=strict) if server else None,
        party=parse_party(party, strict=strict) if party else None,
    )


@lru_cache(maxsize=limits.HEADER_NAMES_KEPT)
def travels(name: bytes) -> bool:
    low = name.lower()
    return low not in DROPPED and low not in _OURS_IN_A_REQUEST


_travelling: Final = picker(travels)


def message_id_of(asked: Asked, uuid: str) -> str:
    """The id that the client sent, or `<instance>-<uuid>`; `uuid` is a fresh version 4 one."""
    return asked.message_id or f"{encoded_part(asked.client.instance)}-{uuid}"


def request_fields(asked: Asked, request_id: str, message_id: str) -> list[Field]:
    """The fields of the request between gateways and to the provider: kept ones, then what the gateway adds."""
    added = [(REQUEST_ID, request_id.encode("ascii"))]
    if not asked.message_id:
        added.append((MESSAGE_ID, message_id.encode("ascii")))
    return [*asked.kept, *added]


class Call(msgspec.Struct, frozen=True):
    """The call that a response answers."""

    client: ClientId
    service: ServiceId
    message_id: str
    request_id: str
    request_hash: str
    """Base64 of SHA-512: `block.request_hash`."""


def response_fields(fields: Sequence[Field], call: Call, *, is_checked: bool = False) -> list[Field]:
    """A provider's fields as they go back: its own `X-Road-*` replaced by ours, and one `Date`. `is_checked`:
    `check_fields` holds of them.

    Raises Fault(Server.ServerProxy.ServiceFailed): what the provider sent is no HTTP header.
    """
    take = _answering(names_of(fields)) if is_checked and len(fields) <= ROAD_SHAPE_NAMES else None
    if take is not None:
        return [*take(fields), *_said_of(call)]
    kept = _kept(fields, OURS_IN_A_RESPONSE, Origin.SERVER_PROXY, is_checked)
    date = next((at for at, (low, _) in enumerate(kept) if low == b"date"), -1)
    return [
        *[field for at, (low, field) in enumerate(kept) if low != b"date" or at == date],
        *_said_of(call),
    ]


def _said_of(call: Call) -> tuple[Field, ...]:
    return (
        (MESSAGE_ID, call.message_id.encode("ascii")),
        (CLIENT, encoded(call.client).encode("ascii")),
        (SERVICE, encoded(call.service).encode("ascii")),
        (REQUEST_ID, call.request_id.encode("ascii")),
        (REQUEST_HASH, call.request_hash.encode("ascii")),
    )


@lru_cache(maxsize=ROAD_SHAPES_KEPT)
def _answering(names: tuple[bytes, ...]) -> Pick | None:
    """Takes what goes back of an answer with these names; None when they are unusual: more than one Date, or fields
    that Connection may name."""
    lows = [name.lower() for name in names]
    if b"connection" in lows or lows.count(b"date") > 1:
        return None
    return places([at for at, low in enumerate(lows) if low not in DROPPED and low not in OURS_IN_A_RESPONSE])


def last_of(fields: Iterable[Field], name: bytes) -> bytes | None:
    """The value that counts, of a field that may be repeated; `name` in lower case."""
    found = None
    for known, value in fields:
        if known.lower() == name:
            found = value
    return found


def check_fields(fields: Sequence[Field], origin: Origin) -> None:
    """Raises Fault: too many or too long fields, a name that is no token, a value with line breaks or controls."""
    if len(fields) > limits.HEADER_COUNT or sum(len(name) + len(value) for name, value in fields) > limits.HEADER_BYTES:
        fix = f"Send at most {limits.HEADER_COUNT} fields and {limits.HEADER_BYTES} bytes."
        raise _wrong(origin, "The header is too long.", "header", fix)
    for name, value in fields:
        if not _is_name(name):
            raise _wrong(origin, "A header field has a wrong name.", "header", "Use letters, digits and hyphens.")
        if value.translate(None, _TEXT) or (value and (value[0] in _SPACES or value[-1] in _SPACES)):
            fix = "Send one line of visible characters, without spaces around it."
            shown = name[:_SHOWN].decode()
            raise _wrong(origin, f"{shown} has a value that cannot travel.", shown, fix)


def _is_name(name: bytes) -> bool:
    return _is_usual_name(name) if len(name) <= limits.HEADER_NAME_BYTES else _NAME.fullmatch(name) is not None


@lru_cache(maxsize=limits.HEADER_NAMES_KEPT)
def _is_usual_name(name: bytes) -> bool:
    return _NAME.fullmatch(name) is not None


def _kept(
    fields: Sequence[Field], ours: frozenset[bytes], origin: Origin, is_checked: bool
) -> list[tuple[bytes, Field]]:
    """The fields that travel on, each behind its name in small letters."""
    if not is_checked:
        check_fields(fields, origin)
    lows = [name.lower() for name, _ in fields]
    out = ours
    if b"connection" in lows:
        lines = [value for name, value in fields if name.lower() == b"connection"]
        named = {token.strip().lower() for value in lines for token in value.split(b",")}
        if any(token.startswith(b"x-road-") for token in named):
            fix = "Name no X-Road field in Connection: they travel to the end."
            raise _wrong(origin, "Connection asks to drop a field of the road.", "Connection", fix)
        out = ours | named
    return [(low, field) for low, field in zip(lows, fields, strict=True) if low not in DROPPED and low not in out]


def _text(known: dict[bytes, str], name: bytes, field: str) -> str:
    value = known.get(name, "")
    return _checked_text(value, field) if value else ""


def _checked_text(value: str, field: str) -> str:
    if len(value) > limits.XROAD_TEXT_CHARACTERS:
        fix = f"Send at most {limits.XROAD_TEXT_CHARACTERS} characters."
        raise _wrong(Origin.CLIENT_PROXY, f"{field} is too long.", field, fix)
    if not _VISIBLE.fullmatch(value):
        raise _wrong(Origin.CLIENT_PROXY, f"{field} has other characters than ASCII.", field, "Percent-encode them.")
    return value


def _wrong(origin: Origin, message: str, field: str, fix: str) -> Fault:
    code = Code.INVALID_REQUEST if origin is Origin.CLIENT_PROXY else Code.SERVICE_FAILED
    return Fault(origin, code, message=message, field=field, fix=fix)
