"""A JWK Set as a record system publishes it at its `jku`: which of its keys may sign a token for us.

Keys for other uses, of other kinds and curves, or without a kid are passed over, for a set serves other callers too. A
set with a private half in it, with a kid twice, or with more keys than anybody rotates is no set to trust.
Source: RFC 7517 s4-5, s8.5; CDS Hooks 2.0.1, "Trusting CDS Clients".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from banyan.errors import UNREADABLE
from banyan.limits_travel import CDS_KEYS
from banyan.wire.cdshooks.tokens import Untrusted

PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
KEPT: Final[tuple[str, ...]] = ("kty", "crv", "kid", "x", "y", "n", "e")
VALUE: Final = 1_400
"""Characters of a member: the modulus of RSA-8192 has 1,366."""


class _Set(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


def read_keys(body: bytes) -> tuple[dict[str, str], ...]:
    """The public keys for ES384 and RS384; an empty set withdraws them all. Raises Untrusted."""
    try:
        given = msgspec.json.decode(body, type=_Set).keys
    except UNREADABLE as error:
        raise Untrusted("jku answered no JWK Set") from error
    if any(PRIVATE & one.keys() for one in given):
        raise Untrusted("jku answered private keys")
    found = tuple({name: one[name] for name in KEPT if name in one} for one in given if _may_sign(one))
    if len(found) > CDS_KEYS or len({one["kid"] for one in found}) < len(found):
        raise Untrusted(f"jku answered a kid twice, or over {CDS_KEYS} keys")
    return found


def _may_sign(one: Mapping[str, Any]) -> bool:
    is_kind = one.get("kty") == "RSA" or (one.get("kty"), one.get("crv")) == ("EC", "P-384")
    is_short = all(isinstance(one[name], str) and len(one[name]) <= VALUE for name in KEPT if name in one)
    return is_kind and is_short and bool(one.get("kid")) and one.get("use", "sig") == "sig"
