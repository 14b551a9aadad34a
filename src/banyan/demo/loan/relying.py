"""The app's side of FAPI 2.0: a pushed request with PKCE and authorization details, a token bound to a key, a call.

Sources: FAPI 2.0 Security Profile s5.3.3, RFC 9126, RFC 7636, RFC 9396, RFC 9449, RFC 7523, RFC 9207.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import urllib3
from joserfc import jwt
from joserfc.jwk import ECKey

TIMEOUT_S: Final = 10.0
JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Said(msgspec.Struct, frozen=True):
    """An answer of the other side: its HTTP status and its JSON (empty when there is none)."""

    status: int
    body: dict[str, Any]


class Begun(msgspec.Struct, frozen=True):
    """A request that was pushed: where to send the person, and what must come back."""

    location: str
    state: str
    verifier: str


class Relying:
    """One app at one provider. `key` proves the app, `bound` is the key its tokens are bound to."""

    def __init__(
        self, issuer: str, client: str, key: ECKey, *, back: str, clock: Callable[[], float], random: Callable[[], str]
    ) -> None:
        self.issuer, self.client, self.back = issuer, client, back
        self._key, self._bound = key, ECKey.generate_key("P-256")
        self._clock, self._random = clock, random
        self._nonce = ""
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def begin(self, purpose: str) -> Begun:
        """Push a request for the declared purpose. Raises RuntimeError with the provider's word."""
        state, verifier = self._random(), self._random()
        said = self.push([{"type": "mydata_consent", "purpose": purpose}], state=state, verifier=verifier)
        if said.status != 201:
            raise RuntimeError(f"the request was refused: {said.body.get('error')}")
        query = urlencode({"client_id": self.client, "request_uri": said.body["request_uri"]})
        return Begun(f"{self.issuer}/openid/authorize?{query}", state, verifier)

    def push(self, details: Sequence[Mapping[str, Any]], *, state: str = "", verifier: str = "") -> Said:
        """Push a request with these authorization details."""
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": self.back,
            "scope": "openid",
            "state": state or self._random(),
            "nonce": self._random(),
            "code_challenge": _encoded(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "authorization_details": msgspec.json.encode(details).decode(),
        }
        return self._form("/openid/par", asked)

    def token(self, code: str, verifier: str) -> Said:
        """Redeem a code for a token that is bound to this app's key."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.back, "code_verifier": verifier}
        return self._form("/openid/token", form)

    def own_token(self) -> Said:
        """A token of the app's own, for what it does as its agency."""
        return self._form("/openid/token", {"grant_type": "client_credentials"})

    def read(self, path: str, request: Mapping[str, Any], token: str) -> Said:
        """Ask an operation with the token and a proof of its key."""
        body = msgspec.json.encode(request)
        return self._send(path, body, "application/json", token=token)

    def _form(self, path: str, form: Mapping[str, str]) -> Said:
        now = int(self._clock())
        claims = {"iss": self.client, "sub": self.client, "aud": self.issuer, "iat": now, "exp": now + 60}
        header = {"alg": "ES256", "kid": "loan-1"}

        def body() -> bytes:
            proof = jwt.encode(header, {**claims, "jti": self._random()}, self._key)
            return urlencode({**form, "client_assertion_type": JWT_BEARER, "client_assertion": proof}).encode()

        said = self._send(path, body(), "application/x-www-form-urlencoded")
        if said.body.get("error") == "use_dpop_nonce":
            said = self._send(path, body(), "application/x-www-form-urlencoded")
        return said

    def _send(self, path: str, body: bytes, kind: str, *, token: str = "") -> Said:
        """Once more when the other side gives a nonce to use (RFC 9449 s8); a form is signed anew by its caller."""
        for attempt in (1, 2):
            headers = {"Content-Type": kind, "Accept": "application/json", "DPoP": self._proof(path, token)}
            if token:
                headers["Authorization"] = f"DPoP {token}"
            answer = self._pool.request("POST", self.issuer + path, body=body, headers=headers)
            self._nonce = answer.headers.get("DPoP-Nonce", self._nonce)
            said = Said(answer.status, _json(answer.data))
            is_again = "use_dpop_nonce" in answer.headers.get("WWW-Authenticate", "")
            if not (token and is_again and attempt == 1):
                return said
        return said

    def _proof(self, path: str, token: str) -> str:
        claims: dict[str, Any] = {
            "htm": "POST",
            "htu": self.issuer + path,
            "iat": int(self._clock()),
            "jti": self._random(),
        }
        if self._nonce:
            claims["nonce"] = self._nonce
        if token:
            claims["ath"] = _encoded(sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._bound.as_dict(private=False)}
        return jwt.encode(header, claims, self._bound)


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
