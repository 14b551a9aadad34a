"""A hospital's record system of other people's making, run in the peers' environment: jwcrypto makes its keys and the
set that it publishes, Authlib signs its tokens. Claims in on stdin; set and tokens out."""

from __future__ import annotations

import json
import sys

from authlib.jose import JsonWebToken
from jwcrypto import jwk

given = json.load(sys.stdin)
keys = jwk.JWKSet()
for kid, made in (
    ("ec", {"kty": "EC", "crv": "P-384"}),
    ("rsa", {"kty": "RSA", "size": 2_048}),
    ("other", {"kty": "EC", "crv": "P-256"}),
):
    keys.add(jwk.JWK.generate(kid=kid, use="sig", **made))
keys.add(jwk.JWK.generate(kid="sealing", kty="RSA", size=2_048, use="enc"))


def token(kid: str, alg: str, jti: str) -> str:
    head = {"alg": alg, "kid": kid, "typ": "JWT", "jku": given["jku"]}
    key = keys.get_key(kid).export_to_pem(private_key=True, password=None)
    return JsonWebToken([alg]).encode(head, {**given["claims"], "jti": jti}, key).decode()


told = {
    "set": keys.export(private_keys=False, as_dict=True),
    "tokens": {
        "ES384": token("ec", "ES384", "1"),
        "RS384": token("rsa", "RS384", "2"),
        "ES256": token("other", "ES256", "3"),
        "sealing": token("sealing", "RS384", "4"),
    },
}
sys.stdout.write(json.dumps(told))
