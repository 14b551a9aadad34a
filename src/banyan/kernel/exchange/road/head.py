"""The head of an HTTP/1.1 message, read in one way only, and written. Source: RFC 9112 s2, s3, s5, s6.

Stricter than the RFC lets us be lenient: no folded lines, no bare CR or LF, no space before a colon, one Host, framing
that no second reader could see otherwise. `fields` are the lines as they came; `named` the same by lower-case name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from banyan.limits import HEADER_BYTES, HEADER_COUNT, HEADER_NAME_BYTES, HEADER_NAMES_KEPT, XROAD_TARGET_BYTES
from banyan.limits_road import ROAD_LINE_KEPT_BYTES, ROAD_LINES_KEPT
from banyan.wire.httpsig.errors import Malformed
from banyan.wire.httpsig.message import body_length
from banyan.wire.xroad.headers import Field

_TOKEN: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_START: Final = re.compile(rb"([A-Z]{1,16}) (/[\x21-\x7e]*|\*) HTTP/1\.([01])")
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_TEXT: Final = b"\t\r\n" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_BODILESS: Final = frozenset({204, 304})
_names: dict[bytes, str] = {}
"""Names that were checked, in small letters: messages on the road have some fifty in all."""
_lines_read: dict[bytes, tuple[Field, str, list[str]]] = {}
"""Lines that come again as they were: field, name in small letters, and what `named` has of it when it comes once."""
_STEADY: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "server",
        "user-agent",
        "x-banyan-basis",
        "x-banyan-purpose",
        "x-directory-version",
        "x-road-client",
        "x-road-service",
    }
)
"""Names whose values come again; none tells of a person."""


class BadHttp(ValueError):
    """A message that is refused before anybody looks at what it says. `rule` names what it breaks."""

    def __init__(self, rule: str, text: str, status: int = 400) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.text = text
        self.status = status


class RequestHead(msgspec.Struct, frozen=True):
    verb: str
    target: bytes
    fields: tuple[Field, ...]
    named: dict[str, list[str]]
    length: int | None
    """Bytes of the body; None: chunked. Lists in `named` are shared between messages: nobody changes them."""
    keeps_alive: bool = True

    @property
    def host(self) -> str:
        return self.named["host"][0]


class ResponseHead(msgspec.Struct, frozen=True):
    status: int
    reason: bytes
    fields: tuple[Field, ...]
    named: dict[str, list[str]]
    length: int | None
    keeps_alive: bool = True
    until_close: bool = False
    """The body ends with the connection; `length` is None then too."""


def read_request(head: bytes) -> RequestHead:
    """`head` ends before the empty line. Raises BadHttp."""
    line, _, rest = head.partition(b"\r\n")
    found = _START.fullmatch(line)
    if found is None:
        raise BadHttp("request-line", "a method in capitals, a path, HTTP/1.1")
    verb, target, minor = found.groups()
    if len(target) > XROAD_TARGET_BYTES:
        raise BadHttp("request-line", f"an address has at most {XROAD_TARGET_BYTES} bytes", 414)
    fields, named = read_fields(rest)
    if len(named.get("host", ())) != 1:
        raise BadHttp("host", "comes once")
    length = _length(named, minor)
    return RequestHead(verb.decode("ascii"), target, fields, named, length, _keeps_alive(named, minor))


def read_response(head: bytes, verb: str) -> ResponseHead:
    """`verb`: of the request that is answered. Raises BadHttp."""
    line, _, rest = head.partition(b"\r\n")
    found = _STATUS.fullmatch(line)
    if found is None:
        raise BadHttp("status-line", "HTTP/1.1, three digits, a phrase")
    minor, digits, reason = found.groups()
    status = int(digits)
    fields, named = read_fields(rest)
    length = _length(named, minor)
    if verb == "HEAD" or status in _BODILESS or status < 200:
        length = 0
    until_close = length == 0 and not (verb == "HEAD" or status in _BODILESS or status < 200) and not _is_framed(named)
    if until_close:
        length = None
    alive = _keeps_alive(named, minor) and not until_close
    return ResponseHead(status, (reason or b"").strip(b" \t"), fields, named, length, alive, until_close)


def read_fields(raw: bytes) -> tuple[tuple[Field, ...], dict[str, list[str]]]:
    """The field lines of a head or of a trailer, without the empty line. Raises BadHttp."""
    named: dict[str, list[str]] = {}
    if not raw:
        return (), named
    if len(raw) > HEADER_BYTES + 4 * HEADER_COUNT:
        raise BadHttp("header-size", f"at most {HEADER_BYTES} bytes", 431)
    lines = raw.split(b"\r\n")
    if len(lines) > HEADER_COUNT:
        raise BadHttp("header-count", f"at most {HEADER_COUNT} fields", 431)
    breaks = len(lines) - 1
    if raw.translate(None, _TEXT) or raw.count(b"\n") != breaks or raw.count(b"\r") != breaks:
        raise BadHttp("header-bytes", "no control characters, and lines end with CRLF")
    fields: list[Field] = []
    for line in lines:
        field, key, lone = _lines_read.get(line) or _read_line(line)
        fields.append(field)
        named[key] = [*named[key], *lone] if key in named else lone
    return tuple(fields), named


def _read_line(line: bytes) -> tuple[Field, str, list[str]]:
    name, colon, value = line.partition(b":")
    key = _names.get(name) or _learnt(name)
    if not colon:
        raise BadHttp("header-line", "name: value")
    value = value.strip(b" \t")
    read = (name, value), key, [value.decode("latin-1")]
    if key in _STEADY and len(line) <= ROAD_LINE_KEPT_BYTES:
        if len(_lines_read) >= ROAD_LINES_KEPT:
            _lines_read.clear()
        _lines_read[line] = read
    return read


def named_of(fields: Iterable[Field]) -> dict[str, list[str]]:
    """Fields that were read or made here, by lower-case name."""
    named: dict[str, list[str]] = {}
    for name, value in fields:
        key = _names.get(name) or _learnt(name)
        text = value.decode("latin-1")
        named[key] = [*named[key], text] if key in named else [text]
    return named


def write_request(verb: str, target: bytes, fields: Iterable[Field]) -> bytes:
    """With the empty line. What is written was checked: names are tokens, values have no line breaks."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (verb.encode("ascii"), target, _lines(fields))


def write_response(status: int, reason: bytes, fields: Iterable[Field]) -> bytes:
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, _lines(fields))


def _lines(fields: Iterable[Field]) -> bytes:
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def _learnt(name: bytes) -> str:
    if name[:1] in (b" ", b"\t"):
        raise BadHttp("obs-fold", "a field stands in one line")
    if len(name) > HEADER_NAME_BYTES or _TOKEN.fullmatch(name) is None:
        raise BadHttp("header-name", "letters, digits and hyphens, a colon right after")
    if len(_names) >= HEADER_NAMES_KEPT:
        _names.clear()
    _names[name] = key = name.decode("ascii").lower()
    return key


def _length(named: dict[str, list[str]], minor: bytes) -> int | None:
    try:
        length = body_length(named)
    except Malformed as error:
        raise BadHttp(error.rule, error.text) from error
    if length is None and minor == b"0":
        raise BadHttp("transfer-encoding", "is not of HTTP/1.0")
    return length


def _is_framed(named: dict[str, list[str]]) -> bool:
    return "content-length" in named or "transfer-encoding" in named


def _keeps_alive(named: dict[str, list[str]], minor: bytes) -> bool:
    lines = named.get("connection")
    if lines is None:
        return minor == b"1"
    said = {token.strip().lower() for line in lines for token in line.split(",")}
    return "close" not in said and (minor == b"1" or "keep-alive" in said)
