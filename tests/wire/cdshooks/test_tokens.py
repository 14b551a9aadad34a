"""Who a CDS client is: tokens that hold, and each way in which one must not."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha384
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from banyan.wire.cdshooks.tokens import Claims, Untrusted, peek, public_jwk, signed, verified

NOW = 1_795_438_800.0
HERE = "https://cdc.example/cds-services/travel-flag"
KEY = ec.generate_private_key(ec.SECP384R1())
KEYS = {"keys": [public_jwk(KEY, "k1")]}
CLAIMS = Claims("https://ehr.example", HERE, NOW + 300, NOW, "j1", "t1", kid="k1")


def made(**changes: Any) -> str:
    return signed(msgspec.structs.replace(CLAIMS, **changes), KEY)


def raw(head: dict[str, Any], body: dict[str, Any], signature: bytes = b"x") -> str:
    parts = [msgspec.json.encode(head), msgspec.json.encode(body), signature]
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


BODY = {"iss": "i", "aud": HERE, "exp": NOW + 300, "iat": NOW, "jti": "j"}


def test_ours_is_believed_by_joserfc_and_joserfcs_by_us() -> None:
    foreign = ECKey.import_key(KEYS["keys"][0])
    assert jwt.decode(made(), foreign, algorithms=["ES384"]).claims["jti"] == "j1"
    private = ECKey.generate_key("P-384")
    head = {"alg": "ES384", "typ": "JWT", "kid": "f", "jku": "https://ehr.example/jwks"}
    token = jwt.encode(head, BODY, private, algorithms=["ES384"])
    keys = {"keys": [{**private.as_dict(private=False), "kid": "f"}]}
    assert verified(token, keys, audience=HERE, now=NOW).jku == "https://ehr.example/jwks"


SPECIFICATION = (
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxlLmNvbS9q"
    "d2tfdXJpIn0.eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1wbGUub3JnL2Nkcy1z"
    "ZXJ2aWNlcy9zb21lLXNlcnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUyMmIwMjEtZTFiNy00NjExLWJh"
    "NWItOGVlYzZhMzNhYzFlIiwidGVuYW50IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMwMmEyIn0.d1WfLjGRKlcWB94l9do4cM8R"
    "EXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQblEpaQrp11wx5p7oPFm2ETYgCicS84vXWEIYTdjooZdooCSDf2L8-i4awdoUwiEb"
)
"""The example of CDS Hooks, section Security, and its public key. It lives three years: only that is refused."""
ITS_KEY = {
    "kty": "EC", "use": "sig", "crv": "P-384", "kid": "example-kid", "alg": "ES384",
    "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
    "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
}  # fmt: skip


def test_the_specifications_own_token_is_signed_and_only_too_long_alive() -> None:
    here, now = "https://cds.example.org/cds-services/some-service", 1_311_281_000.0
    claims = peek(SPECIFICATION)
    assert (claims.jku, claims.kid) == ("https://fhir-ehr.example.com/jwk_uri", "example-kid")
    with pytest.raises(Untrusted, match="exp must follow iat"):
        verified(SPECIFICATION, {"keys": [ITS_KEY]}, audience=here, now=now)
    with pytest.raises(Untrusted, match="signature"):
        verified(SPECIFICATION, {"keys": [{**KEYS["keys"][0], "kid": "example-kid"}]}, audience=here, now=now)


def test_rs384_is_believed() -> None:
    private = RSAKey.generate_key(2048)
    token = jwt.encode({"alg": "RS384", "typ": "JWT", "kid": "r"}, BODY, private, algorithms=["RS384"])
    keys = {"keys": [{**private.as_dict(private=False), "kid": "r"}]}
    assert verified(token, keys, audience=HERE, now=NOW).iss == "i"


def test_a_short_rsa_key_is_refused() -> None:
    number = rsa.generate_private_key(65_537, 1_024).public_key().public_numbers().n
    n = urlsafe_b64encode(number.to_bytes(128, "big")).rstrip(b"=").decode()
    token = raw({"alg": "RS384", "typ": "JWT", "kid": "r"}, BODY)
    with pytest.raises(Untrusted, match="2048 bits"):
        verified(token, {"keys": [{"kty": "RSA", "kid": "r", "n": n, "e": "AQAB"}]}, audience=HERE, now=NOW)


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "HS384", "HS512", "ES256", "RS256", ""])
def test_other_algorithms_are_refused_before_anything_is_looked_up(alg: str) -> None:
    with pytest.raises(Untrusted):
        peek(raw({"alg": alg, "typ": "JWT", "kid": "k1"}, BODY))


def test_a_mac_with_the_public_key_is_refused() -> None:
    head, body = raw({"alg": "HS384", "typ": "JWT", "kid": "k1"}, BODY).rpartition(".")[0].split(".")
    mac = hmac.new(msgspec.json.encode(KEYS["keys"][0]), f"{head}.{body}".encode(), sha384).digest()
    token = f"{head}.{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    with pytest.raises(Untrusted, match="alg"):
        verified(token, KEYS, audience=HERE, now=NOW)


@pytest.mark.parametrize(
    "aud", [HERE + "/", HERE + "/feedback", "https://cdc.example", (HERE, "https://other.example")]
)
def test_the_audience_is_exact(aud: Any) -> None:
    with pytest.raises(Untrusted, match="aud"):
        verified(made(aud=aud), KEYS, audience=HERE, now=NOW)


def test_an_audience_of_one_may_be_a_list() -> None:
    assert verified(made(aud=(HERE,)), KEYS, audience=HERE, now=NOW).jti == "j1"


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ({"exp": NOW - 61, "iat": NOW - 300}, "not valid now"),
        ({"exp": NOW + 400, "iat": NOW + 120}, "not valid now"),
        ({"exp": NOW + 301}, "at most"),
        ({"exp": NOW, "iat": NOW}, "at most"),
    ],
)
def test_a_token_lives_now_and_shortly(times: dict[str, float], why: str) -> None:
    with pytest.raises(Untrusted, match=why):
        verified(made(**times), KEYS, audience=HERE, now=NOW)


def test_another_key_or_kid_or_content_is_refused() -> None:
    other = {"keys": [public_jwk(ec.generate_private_key(ec.SECP384R1()), "k1")]}
    with pytest.raises(Untrusted, match="signature"):
        verified(made(), other, audience=HERE, now=NOW)
    with pytest.raises(Untrusted, match="kid"):
        verified(made(kid="k2"), KEYS, audience=HERE, now=NOW)
    head, _, signature = made().split(".")
    changed = raw({}, {**BODY, "jti": "other"}).split(".")[1]
    with pytest.raises(Untrusted, match="signature"):
        verified(f"{head}.{changed}.{signature}", KEYS, audience=HERE, now=NOW)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "é.b.c", "x" * 9_000, raw([], {}), raw({}, BODY)])  # type: ignore[arg-type] # what must be refused
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Untrusted):
        peek(token)


def test_critical_extensions_are_refused() -> None:
    with pytest.raises(Untrusted, match="critical"):
        peek(raw({"alg": "ES384", "typ": "JWT", "kid": "k", "crit": ["b64"]}, BODY))


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "jti"])
def test_every_claim_of_the_standard_is_required(name: str) -> None:
    with pytest.raises(Untrusted):
        peek(raw({"alg": "ES384", "typ": "JWT", "kid": "k"}, {key: one for key, one in BODY.items() if key != name}))
