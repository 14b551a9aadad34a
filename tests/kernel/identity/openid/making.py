"""Builders for the provider's tests: a provider on any store, apps with keys, and an app's side of the protocol."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.openid import authorizing, records, signing_in
from banyan.kernel.identity.openid.client_auth import JWT_BEARER, secret_hash
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.keys import Secrets
from banyan.kernel.identity.openid.model import Account, Client
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.sent import Answer, Sent
from banyan.kernel.identity.openid.tokens import EXCHANGE, token
from banyan.kernel.identity.openid.watching import introspect
from banyan.kernel.storage.store import Store

ISSUER = "https://id.banyan.example"
BACK = "https://app.example/cb"
MASTER = bytes(range(32))
START = 1_795_438_800.0
VERIFIER = "v" * 43
LOAN = {"type": "loan", "datatypes": ["income"], "purpose": "063"}
TYPES = {"loan": frozenset(("purpose",))}
EC = [ECKey.generate_key("P-256") for _ in range(3)]
ED = OKPKey.generate_key("Ed25519")
RSA = RSAKey.generate_key(2_048)
_numbers = itertools.count()


def encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


CHALLENGE = encoded(sha256(VERIFIER.encode()).digest())


def public(key: ECKey | OKPKey | RSAKey, **more: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), **more}


def signed(claims: Mapping[str, Any], key: ECKey | OKPKey | RSAKey, *, alg: str = "ES256", **header: Any) -> str:
    """A JWS of whatever header; ES256 by hand, because a library refuses to make what an attacker would."""
    protected = {name: value for name, value in {"alg": alg, **header}.items() if value is not None}
    if isinstance(key, OKPKey):
        content = f"{encoded(json.dumps(protected).encode())}.{encoded(json.dumps(claims).encode())}"
        return f"{content}.{encoded(key.private_key.sign(content.encode()))}"
    if not isinstance(key, ECKey):
        return jws.serialize_compact(protected, json.dumps(claims), key, algorithms=[alg])
    content = f"{encoded(json.dumps(protected).encode())}.{encoded(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.private_key.sign(content.encode(), ECDSA(SHA256())))
    return f"{content}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def a_client(**changes: Any) -> Client:
    known = Client(
        id="loan-app",
        agency="TW/GOV/BANK",
        name={"zh-Hant": "貸款", "en": "Loans"},
        redirect_uris=(BACK,),
        jwks=(public(EC[0], kid="one"),),
        scopes=("openid", "offline_access", "agency", "grant_management_query", "grant_management_revoke"),
        details=("loan",),
        grants=("authorization_code", "refresh_token", "client_credentials"),
    )
    return msgspec.structs.replace(known, **changes)


def a_service(**changes: Any) -> Client:
    """A resource server that may introspect and exchange tokens for it."""
    values = {
        "id": "tax-office",
        "redirect_uris": (),
        "jwks": (public(EC[1]),),
        "details": ("loan",),
        "serves": ("https://tax.example",),
        "resources": ("https://land.example",),
        "grants": ("client_credentials", EXCHANGE),
    }
    return a_client(**(values | changes))


def a_basic(**changes: Any) -> Client:
    values = {
        "id": "library",
        "profile": "basic",
        "auth": "client_secret_basic",
        "secret_hash": secret_hash("library-secret"),
        "jwks": (),
        "details": (),
        "scopes": ("openid", "agency"),
        "grants": ("authorization_code",),
    }
    return a_client(**(values | changes))


class World:
    """A provider whose clock the test moves, with one app of each profile and three people."""

    def __init__(self, store: Store) -> None:
        self.now = START
        self.count = itertools.count()
        self.provider = Provider(
            store, Secrets(MASTER), clock=lambda: EpochS(self.now), random=self._random, types=TYPES
        )

    def _random(self, size: int) -> bytes:
        return sha256(b"test %d" % next(self.count)).digest()[:size]

    async def fill(self) -> World:
        def job(tx: Any) -> None:
            for client in (a_client(resources=("https://tax.example",)), a_service(), a_basic()):
                records.put_client(tx, client, self.now)
            for account in (
                Account(id="ann", name="ann", kind="citizen", is_demo=True),
                Account(id="bob", name="bob", kind="citizen", is_demo=True, assurance="aal1"),
                Account(id="eve", name="eve", kind="officer", agency="TW/GOV/CDC", roles=("epi",), is_demo=True),
            ):
                records.add_account(tx, account)

        await self.provider.store.write(job)
        return self

    # The app's side

    def sent(self, path: str, form: Mapping[str, str] | None = None, **more: Any) -> Sent:
        pairs = tuple((form or {}).items())
        return Sent(**({"issuer": ISSUER, "method": "POST", "path": path, "form": pairs} | more))

    def assertion(
        self, client: str = "loan-app", key: Any = EC[0], alg: str = "ES256", **claims: Any
    ) -> dict[str, str]:
        values = {
            "iss": client,
            "sub": client,
            "aud": ISSUER,
            "jti": f"j{next(_numbers)}",
            "iat": int(self.now),
            "exp": int(self.now) + 60,
        } | claims
        kept = {name: value for name, value in values.items() if value is not None}
        return {"client_assertion_type": JWT_BEARER, "client_assertion": signed(kept, key, alg=alg)}

    def proof(
        self,
        path: str,
        *,
        key: Any = EC[2],
        method: str = "POST",
        access_token: str = "",
        alg: str = "ES256",
        **claims: Any,
    ) -> str:
        header = claims.pop("header", {})
        values = {
            "htm": method,
            "htu": ISSUER + path,
            "iat": int(self.now),
            "jti": f"p{next(_numbers)}",
            "nonce": self.provider.nonces.current(self.now),
        } | claims
        if access_token:
            values.setdefault("ath", encoded(sha256(access_token.encode()).digest()))
        kept = {name: value for name, value in values.items() if value is not None}
        return signed(kept, key, alg=alg, **({"typ": "dpop+jwt", "jwk": public(key)} | header))

    def basic(self, id: str = "library", secret: str = "library-secret") -> str:
        return "Basic " + b64encode(f"{id}:{secret}".encode()).decode()

    def request(self, **changes: str | None) -> dict[str, str]:
        values: dict[str, str | None] = {
            "response_type": "code",
            "redirect_uri": BACK,
            "scope": "openid",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (values | changes).items() if value is not None}

    async def push(self, *, auth: Mapping[str, str] | None = None, dpop: str = "", **changes: str | None) -> str:
        """The request_uri of a pushed request."""
        form = {**self.request(**changes), **(auth or self.assertion())}
        answer = await authorizing.push(self.provider, self.sent("/openid/par", form, dpop=dpop))
        assert answer.status == 201
        return str(json.loads(answer.body)["request_uri"])

    async def browse(self, uri: str, *, client: str = "loan-app", browser: str = "") -> Answer:
        form = {"client_id": client, "request_uri": uri}
        return await authorizing.begin(
            self.provider, self.sent("/openid/authorize", form, method="GET", browser=browser)
        )

    async def signed_in(self, name: str = "ann", *, browser: str = "", request: str = "") -> str:
        """The cookie of a fresh sign-in."""
        sent = self.sent("/openid/login", browser=browser)
        cookie = await signing_in.as_persona(self.provider, sent, name, request=request)
        assert cookie not in ("wrong", "later")
        return cookie

    async def code(self, who: str = "ann", **push: Any) -> str:
        """A code: pushed, signed in, agreed."""
        client = push.pop("client", "loan-app")
        return await self.code_for(await self.push(**push), who, client=client)

    async def code_for(self, uri: str, who: str = "ann", *, client: str = "loan-app") -> str:
        browser = await self.signed_in(who)
        answer = await self.browse(uri, client=client, browser=browser)
        if answer.location.startswith("/openid/ask/"):
            name = answer.location.removeprefix("/openid/ask/")
            sent = self.sent("/openid/ask", browser=browser)
            asking = await authorizing.look(self.provider, sent, name)
            answer = await authorizing.agree(self.provider, sent, name, asking)
        return query(answer.location)["code"]

    async def redeem(
        self, code: str, *, auth: Mapping[str, str] | None = None, dpop: str | None = None, **form: Any
    ) -> Any:
        """The token answer as JSON."""
        values = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.ask({**values, **form}, auth=auth, dpop=dpop)

    async def refresh(self, value: str, **more: Any) -> Any:
        auth, dpop = more.pop("auth", None), more.pop("dpop", None)
        return await self.ask({"grant_type": "refresh_token", "refresh_token": value, **more}, auth=auth, dpop=dpop)

    async def ask(
        self, form: Mapping[str, str], *, auth: Mapping[str, str] | None = None, dpop: str | None = None
    ) -> Any:
        proof = self.proof("/openid/token") if dpop is None else dpop
        kept = {name: value for name, value in form.items() if value is not None}
        sent = self.sent("/openid/token", {**kept, **(self.assertion() if auth is None else auth)}, dpop=proof)
        return json.loads((await token(self.provider, sent)).body)

    async def is_active(self, value: str) -> bool:
        """What introspection says to the app itself."""
        sent = self.sent("/openid/introspect", {"token": value, **self.assertion()})
        return bool(json.loads((await introspect(self.provider, sent)).body)["active"])


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def refusal(awaited: Any) -> str:
    """The OAuth error a call ends in; empty when it ends well."""
    try:
        await awaited
    except Fault as fault:
        return fault.kind
    return ""
