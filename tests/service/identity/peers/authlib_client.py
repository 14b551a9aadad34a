"""Authlib as a client of a live node, run in the peers' environment. Arguments: origin, keys as JSON.

What it can: the basic profile with both ways of a secret, private_key_jwt, PKCE, `iss` in the answer, refresh rotation,
introspection. What it cannot (1.9.9, said by this run): pushed requests and DPoP, so no app of the fapi2 profile can be
built on it without making both by hand. Its private_key_jwt is made out to the token endpoint, for an hour, and with
`claims` given once it sends the same jti each time; FAPI 2.0 wants the issuer, minutes, and one use: see ToIssuer.
"""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


class ToIssuer(PrivateKeyJWT):
    """Authlib's own signing, with the audience and life that FAPI 2.0 asks for, and new claims each time."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        self.claims = {"aud": self.token_endpoint, "exp": int(time.time()) + 60}
        return str(super().sign(auth, token_endpoint))


BACK = "https://app.example/cb"
VERIFIER = "v" * 64


def expect(is_true: bool, what: str) -> None:
    if not is_true:
        sys.exit(f"FAILED: {what}")
    sys.stdout.write(f"ok {what}\n")


def refused(call: Any, what: str, *codes: str) -> None:
    try:
        call()
    except OAuthError as error:
        expect(error.error in codes, f"{what}: {error.error}")
        return
    sys.exit(f"FAILED: {what} was not refused")


def browse(origin: str, url: str, persona: str) -> str:
    """The address of the app that a person's browser ends at."""
    browser = requests.Session()
    browser.headers["Accept-Language"] = "en"
    place, form = url, None
    for _ in range(12):
        method = "GET" if form is None else "POST"
        reply = browser.request(method, place, data=form, headers={"Origin": origin}, allow_redirects=False, timeout=20)
        form = None
        if reply.is_redirect:
            place = requests.compat.urljoin(place, reply.headers["Location"])
            if not place.startswith(origin):
                return place
            continue
        token = re.search(r'name="form_token" value="([^"]*)"', reply.text)
        assert token, reply.text[:2_000]
        form = {"form_token": token.group(1), "do": "agree"}
        if 'name="persona"' in reply.text:
            form |= {"do": "persona", "persona": persona}
    sys.exit("FAILED: no way to the app")


def signed_in(origin: str, meta: dict[str, Any], client: OAuth2Session, nonce: str) -> tuple[str, str]:
    url, state = client.create_authorization_url(meta["authorization_endpoint"], code_verifier=VERIFIER, nonce=nonce)
    back = browse(origin, url, "ann")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    expect((answer["iss"], answer["state"]) == (origin, state), "iss and state in the answer")
    return back, state


def claims_of(meta: dict[str, Any], token: dict[str, Any], client_id: str, nonce: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(requests.get(meta["jwks_uri"], timeout=20).json())
    found = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"]).claims
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": meta["issuer"]},
        aud={"essential": True, "value": client_id},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
    )
    registry.validate(found)
    return dict(found)


def basic(origin: str, meta: dict[str, Any], client_id: str, secret: str, way: str) -> None:
    client = OAuth2Session(
        client_id,
        secret,
        token_endpoint_auth_method=way,
        scope="openid",
        redirect_uri=BACK,
        code_challenge_method="S256",
    )
    back, state = signed_in(origin, meta, client, "n-1")
    token = client.fetch_token(meta["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER)
    claims = claims_of(meta, token, client_id, "n-1")
    info = client.get(meta["userinfo_endpoint"], timeout=20).json()
    expect(info["sub"] == claims["sub"], f"{way}: code, PKCE, ID token, userinfo")

    def again() -> None:
        client.fetch_token(meta["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER)

    refused(again, f"{way}: code replay", "invalid_grant")
    expect(client.get(meta["userinfo_endpoint"], timeout=20).status_code == 401, f"{way}: the replay ended the token")
    back, state = signed_in(origin, meta, client, "n-2")

    def injected() -> None:
        client.fetch_token(meta["token_endpoint"], authorization_response=back, state=state, code_verifier="w" * 64)

    refused(injected, f"{way}: code injection", "invalid_grant")


def private_key(origin: str, meta: dict[str, Any], key: dict[str, Any]) -> None:
    """A basic app that proves itself by key: FAPI 2.0's client authentication and PKCE, without its PAR and DPoP."""
    client = OAuth2Session(
        "authlib-app",
        ECKey.import_key(key),
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt",
        scope="openid offline_access",
        redirect_uri=BACK,
        code_challenge_method="S256",
    )
    client.register_client_auth_method(ToIssuer(origin, alg="ES256"))
    back, state = signed_in(origin, meta, client, "n-3")
    token = client.fetch_token(meta["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER)
    claims_of(meta, token, "authlib-app", "n-3")
    old = dict(token)
    fresh = client.refresh_token(meta["token_endpoint"], refresh_token=old["refresh_token"])
    expect(fresh["refresh_token"] != old["refresh_token"], "private_key_jwt: refresh rotation")
    seen = client.introspect_token(meta["introspection_endpoint"], token=fresh["access_token"]).json()
    expect(seen["active"] is True, "private_key_jwt: introspection")

    def stolen() -> None:
        client.refresh_token(meta["token_endpoint"], refresh_token=old["refresh_token"])

    refused(stolen, "private_key_jwt: refresh replay", "invalid_grant")
    seen = client.introspect_token(meta["introspection_endpoint"], token=fresh["access_token"]).json()
    expect(seen["active"] is False, "private_key_jwt: the replay ended the family")
    default = PrivateKeyJWT(meta["token_endpoint"], alg="ES256")
    client.register_client_auth_method(default)
    answer = client.introspect_token(meta["introspection_endpoint"], token="x")
    expect(answer.status_code == 401, "private_key_jwt: Authlib's own audience, the endpoint's address, is refused")


def fapi2(origin: str, meta: dict[str, Any], key: dict[str, Any]) -> None:
    """What is missing in Authlib for fapi2, said by the provider."""
    client = OAuth2Session(
        "loan-app",
        ECKey.import_key(key),
        token_endpoint_auth_method="private_key_jwt",
        scope="openid",
        redirect_uri=BACK,
    )
    client.register_client_auth_method(ToIssuer(origin, alg="ES256"))
    expect(not hasattr(client, "push_authorization_request"), "Authlib has no pushed requests")
    url, _ = client.create_authorization_url(meta["authorization_endpoint"], code_verifier=VERIFIER)
    expect(requests.get(url, timeout=20).status_code == 400, "fapi2: a request in the address is refused")

    def unbound() -> None:
        client.fetch_token(meta["token_endpoint"], grant_type="client_credentials")

    refused(unbound, "fapi2: a token without a DPoP proof", "invalid_dpop_proof")


def main() -> None:
    origin, keys = sys.argv[1], json.loads(sys.argv[2])
    meta = requests.get(f"{origin}/.well-known/openid-configuration", timeout=20).json()
    basic(origin, meta, "library", "library-secret", "client_secret_basic")
    basic(origin, meta, "museum", "museum-secret", "client_secret_post")
    private_key(origin, meta, keys["authlib"])
    fapi2(origin, meta, keys["loan"])
    sys.stdout.write("all passed\n")


main()
