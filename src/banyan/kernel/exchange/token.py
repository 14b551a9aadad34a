"""The administrator token: made at first start, kept only as its hash, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from secrets import token_urlsafe

from banyan.kernel.exchange.settings import Identify
from banyan.kernel.identity.caller import Caller

ADMINISTRATOR = Caller(kind="administrator", id="administrator")
_PREFIX = "banyan_"  # lets secret scanners recognise a leaked token


def new_token() -> str:
    """A token with 256 bits of randomness, to be shown once."""
    return _PREFIX + token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored. A random 256-bit token needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def holder_of_hash(stored: str) -> Identify:
    """Who holds the token whose hash is `stored`."""

    def identify(token: str) -> Caller | None:
        return ADMINISTRATOR if hmac.compare_digest(token_hash(token), stored) else None

    return identify


def holder_of(token: str) -> Identify:
    return holder_of_hash(token_hash(token))
