"""The parts of an HTTP message that can be signed, read strictly from header lines as they came."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from banyan.limits import HEADER_BYTES, HEADER_COUNT, HEADER_NAME_BYTES, HEADER_NAMES_KEPT
from banyan.wire.httpsig.errors import Malformed

Fields = Mapping[str, Sequence[str]]
"""Lower-case name -> its lines in order, each without outer white space, bytes read as Latin-1."""

_NAME: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+\-.^_`|~]++")
_VALUE: Final = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_DEFAULT_PORTS: Final = {"https": ":443", "http": ":80"}


class Request(msgspec.Struct, frozen=True):
    """A request. `target` is the path and query as sent, never decoded; `authority` the Host field."""

    method: str
    authority: str
    target: str
    fields: Fields
    scheme: str = "https"


class Response(msgspec.Struct, frozen=True):
    status: int
    fields: Fields


Message = Request | Response


def fields_of(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    """Header lines by lower-case name. Raises Malformed for names that are no tokens, for control characters (folded
    lines among them), for more than HEADER_COUNT lines or HEADER_BYTES bytes."""
    fields: dict[str, list[str]] = {}
    size = 0
    for count, (name, value) in enumerate(lines, 1):
        size += len(name) + len(value)
        if count > HEADER_COUNT or size > HEADER_BYTES:
            raise Malformed("header", f"at most {HEADER_COUNT} lines of {HEADER_BYTES} bytes together")
        key = _name(name)
        if key is None or value.translate(None, _VALUE):
            raise Malformed("header", "a line holds a character that none may hold, or is folded")
        text = value.decode("latin-1").strip(" \t")
        known = fields.get(key)
        if known is None:
            fields[key] = [text]
        else:
            known.append(text)
    return fields


@lru_cache(maxsize=HEADER_NAMES_KEPT)
def _name(raw: bytes) -> str | None:
    """In small letters; None when it is no token. Kept, for every message has the same few names."""
    return raw.decode("ascii").lower() if len(raw) <= HEADER_NAME_BYTES and _NAME.fullmatch(raw) else None


def body_length(fields: Fields) -> int | None:
    """Bytes of the body by Content-Length, 0 without one, None when it is chunked. Raises Malformed where two readers
    could see two bodies: both fields, one of them twice, another coding (RFC 9112 section 6.3)."""
    lengths, codings = fields.get("content-length", ()), fields.get("transfer-encoding", ())
    if codings:
        if lengths:
            raise Malformed("transfer-encoding", "comes without content-length")
        if len(codings) != 1 or codings[0].lower() != "chunked":
            raise Malformed("transfer-encoding", "is chunked, once")
        return None
    if not lengths:
        return 0
    if len(lengths) != 1 or _DIGITS.fullmatch(lengths[0]) is None:
        raise Malformed("content-length", "is one number")
    return int(lengths[0])


def authority_of(request: Request) -> str:
    """Lower case, without the scheme's own port (RFC 9421 section 2.2.3)."""
    return request.authority.lower().removesuffix(_DEFAULT_PORTS.get(request.scheme, ":443"))
