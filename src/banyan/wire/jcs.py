"""Canonical JSON (RFC 8785): one document, one spelling, so that its hash names it.

What is not written here is refused: numbers other than whole ones within 2**53 (no document of ours has them), and
names of members outside ASCII, whose order two readers may take differently.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_WHOLE: Final = 2**53 - 1
_LONE: Final = re.compile("[\ud800-\udfff]")


class NotCanonical(ValueError):
    """Bytes in another spelling than the canonical, or a value that has none here."""


def encode(value: object) -> bytes:
    """A value of builtins or structs. Raises NotCanonical."""
    plain = msgspec.to_builtins(value, order="sorted")
    _check(plain)
    return msgspec.json.encode(plain, order="sorted")


def check(data: bytes) -> None:
    """Raise NotCanonical unless `data` is canonical: then every reader reads the same in it."""
    try:
        plain = msgspec.json.decode(data)
        _check(plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotCanonical("not JSON") from error
    if msgspec.json.encode(plain, order="sorted") != data:
        raise NotCanonical("not in the canonical spelling of RFC 8785")


def _check(value: object) -> None:
    match value:
        case None | bool():
            return
        case str():
            if not value.isascii() and _LONE.search(value):
                raise NotCanonical("half a surrogate pair")
        case int():
            if abs(value) > _WHOLE:
                raise NotCanonical("a number beyond 2**53")
        case list() | tuple():
            for one in value:
                _check(one)
        case dict():
            for name, one in value.items():
                if not isinstance(name, str) or not name.isascii():
                    raise NotCanonical("a member's name outside ASCII")
                _check(one)
        case _:
            raise NotCanonical(f"a {type(value).__name__}")
