"""Tokens of a waiting room: all that is known of who waits is in what they hold, signed.

    room (4 bytes) · kind · window (2) · who (8) · fine (2) · issued (4) · until (4) · HMAC-SHA-256, the first 16 bytes

`who` is a keyed hash of the address asked from; nothing else is known of anybody. A token names a place to wait or a
pass to go in; neither can be made, moved to another room, or made to last longer.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from struct import Struct
from typing import Final, Literal

import msgspec

Kind = Literal["wait", "pass"]
_BODY: Final = Struct(">4sBH8sHII")
_MAC_BYTES: Final = 16
TOKEN_CHARACTERS: Final = -(-(_BODY.size + _MAC_BYTES) * 8 // 6)
_KINDS: Final[tuple[Kind, ...]] = ("wait", "pass")


class Token(msgspec.Struct, frozen=True, gc=False):
    """`window` is when its holder came, `who` and `fine` make its lot; times in epoch seconds."""

    room: bytes
    kind: Kind
    window: int
    who: bytes
    fine: int
    issued: int
    until: int


def signed(token: Token, key: bytes) -> str:
    """The token as text: 55 characters fit for a cookie and a header."""
    body = _BODY.pack(
        token.room, _KINDS.index(token.kind), token.window, token.who, token.fine, token.issued, token.until
    )
    return urlsafe_b64encode(body + _mac(body, key)).rstrip(b"=").decode()


def read(text: str, key: bytes) -> Token | None:
    """The token, or None when it is not ours in every bit. 2 us."""
    if len(text) != TOKEN_CHARACTERS:
        return None
    try:
        data = urlsafe_b64decode(text + "=" * (-TOKEN_CHARACTERS % 4))
    except (Base64Error, ValueError):
        return None
    body, mac = data[: _BODY.size], data[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(body, key)):
        return None
    room, kind, window, who, fine, issued, until = _BODY.unpack(body)
    return Token(room, _KINDS[kind], window, who, fine, issued, until)


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, body, sha256)[:_MAC_BYTES]
