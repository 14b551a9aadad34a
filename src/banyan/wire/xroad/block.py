"""The header block of a message, and the hash that binds an answer to its request.

    request:  VERB CRLF path[?query] CRLF (Name:Value CRLF)*      response:  200 CRLF OK CRLF (Name:Value CRLF)*

Hash = base64 SHA-512(block), with a body base64 SHA-512(SHA-512(block) SHA-512(body)). Source: X-Road PR-REST s4.3
("Request hash header"), and the bytes its releases write (fields in order, no space after the colon).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import sha512
from typing import Final

import msgspec

from banyan import limits
from banyan.errors import Invalid
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import DROPPED, Field, check_fields
from banyan.wire.xroad.target import VERBS, Target

_CRLF: Final = b"\r\n"
_STATUS: Final = re.compile(rb"[1-9][0-9]{2}")
_TARGET: Final = re.compile(rb"/[\x21-\x7e]*")
_REASON: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_BLOCK_BYTES: Final = limits.HEADER_BYTES + limits.XROAD_TARGET_BYTES + 4 * limits.HEADER_COUNT + 64


class RequestBlock(msgspec.Struct, frozen=True):
    verb: str
    target: bytes
    fields: tuple[Field, ...]


class ResponseBlock(msgspec.Struct, frozen=True):
    status: int
    reason: bytes
    fields: tuple[Field, ...]


def encode_request(verb: str, target: Target, fields: Sequence[Field]) -> bytes:
    """`fields` are those of `headers.request_fields`."""
    return b"".join((verb.encode("ascii"), _CRLF, target.raw, _CRLF, _lines(fields)))


def encode_response(status: int, reason: bytes, fields: Sequence[Field]) -> bytes:
    """`fields` are those of `headers.response_fields`; `reason` is the phrase of the provider's status line."""
    return b"".join((b"%d" % status, _CRLF, reason, _CRLF, _lines(fields)))


def request_hash(block: bytes, body_digest: bytes | None = None) -> str:
    """`x-road-request-hash`. `body_digest` is SHA-512 of the body, which may have streamed by; None without a body."""
    assert body_digest is None or len(body_digest) == 64, "SHA-512 has 64 bytes"
    digest = sha512(block).digest()
    if body_digest is not None:
        digest = sha512(digest + body_digest).digest()
    return base64.b64encode(digest).decode("ascii")


def parse_block(block: bytes) -> RequestBlock | ResponseBlock:
    """A block of either kind, as a peer or an archive has it. Raises Invalid: no block, or a dropped field in it."""
    if not block or len(block) > _BLOCK_BYTES or not block.endswith(_CRLF):
        raise Invalid.at("block", f"Send lines that end with CRLF, at most {_BLOCK_BYTES} bytes.")
    lines = block.removesuffix(_CRLF).split(_CRLF)
    if len(lines) < 2:
        raise Invalid.at("block", "Send two lines, then Name:Value lines.")
    first, second = lines[:2]
    fields = tuple(_field(line) for line in lines[2:])
    try:
        check_fields(fields, Origin.CLIENT_PROXY)
    except Fault as fault:
        raise Invalid.at("block", fault.remedy) from fault
    if _STATUS.fullmatch(first):
        if not _REASON.fullmatch(second):
            raise Invalid.at("block", "Send a reason phrase of one line.")
        return ResponseBlock(int(first), second, fields)
    if first.decode("latin-1") not in VERBS or not _TARGET.fullmatch(second):
        raise Invalid.at("block", "Begin with a method and a path, or with a status and its phrase.")
    return RequestBlock(first.decode("ascii"), second, fields)


def _lines(fields: Sequence[Field]) -> bytes:
    return b"".join([b"%b:%b\r\n" % field for field in fields])


def _field(line: bytes) -> Field:
    name, colon, value = line.partition(b":")
    if not colon or name.lower() in DROPPED:
        raise Invalid.at("block", "Send Name:Value lines, without fields that are dropped on the road.")
    return name, value
