"""Sessions of the portal: a signed cookie, no server state; and the CSRF token that proves a form is ours.

Cookie: `base64url(json) . base64url(HMAC-SHA256)`. Over https it is `__Host-session` (RFC 6265bis s4.1.3.2), so a
neighbouring host cannot set it; over plain http on loopback the prefix is not allowed, so it is `session`.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from secrets import token_urlsafe

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller, CallerKind
from banyan.limits import SESSION_BYTES, SESSION_TIME_S


class Session(msgspec.Struct, frozen=True, array_like=True):
    """Who signed in, until when (epoch seconds), and a nonce that makes two sessions differ."""

    kind: CallerKind
    id: str
    until: float
    nonce: str


class Signer:
    """Signs small structs with a key of its own, derived from the node's secret for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, b"banyan " + purpose.encode(), hashlib.sha256)

    def tag(self, payload: bytes) -> str:
        return _encoded(hmac.digest(self._key, payload, hashlib.sha256))

    def sign(self, payload: bytes) -> str:
        return f"{_encoded(payload)}.{self.tag(payload)}"

    def read(self, token: str, limit: int) -> bytes | None:
        """The payload, or None when the token is too long, malformed or not ours."""
        if len(token) > limit:
            return None
        body, _, tag = token.partition(".")
        try:
            payload = urlsafe_b64decode(body.encode("ascii") + b"=" * (-len(body) % 4))
        except (Base64Error, ValueError):
            return None
        return payload if hmac.compare_digest(self.tag(payload).encode(), tag.encode("utf-8")) else None


class Sessions:
    """Makes and reads session cookies."""

    def __init__(self, secret: bytes) -> None:
        self._cookies = Signer(secret, "session")
        self._csrf = Signer(secret, "csrf")

    def cookie_name(self, scheme: str) -> str:
        return "__Host-session" if scheme == "https" else "session"

    def start(self, caller: Caller, now: EpochS) -> Session:
        return Session(caller.kind, caller.id, now + SESSION_TIME_S, token_urlsafe(16))

    def set_cookie(self, session: Session, scheme: str) -> str:
        """The Set-Cookie value."""
        value = self._cookies.sign(msgspec.json.encode(session))
        return self._cookie(scheme, value, int(SESSION_TIME_S))

    def clear_cookie(self, scheme: str) -> str:
        return self._cookie(scheme, "", 0)

    def _cookie(self, scheme: str, value: str, age_s: int) -> str:
        secure = "; Secure" if scheme == "https" else ""
        return f"{self.cookie_name(scheme)}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}"

    def read(self, cookie: str, now: EpochS) -> Session | None:
        payload = self._cookies.read(cookie, SESSION_BYTES) if cookie else None
        if payload is None:
            return None
        session = msgspec.json.decode(payload, type=Session)  # signed by us: it has our shape
        return session if session.until > now else None

    def caller(self, session: Session, channel: str) -> Caller:
        return Caller(kind=session.kind, id=session.id, channel=channel)

    def csrf(self, session: Session) -> str:
        return self._csrf.tag(session.nonce.encode())

    def csrf_of(self, secret: str) -> str:
        """The same for a sign-in that another keeps, by the value of its cookie."""
        return self._csrf.tag(b"presence\0" + secret.encode())


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
