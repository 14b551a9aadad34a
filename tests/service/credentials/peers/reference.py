"""PyPI `sd-jwt`, the reference implementation: `verify` each of many presentations of ours, `issue` one of its own.

Runs in the peers' environment. In: JSON on standard input; out: JSON.
"""

import json
import sys

from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier


def verify(asked):
    issuer, found = JWK(**asked["issuer"]), []
    for presentation in asked["presentations"]:
        try:
            shown = SDJWTVerifier(presentation, lambda *_: issuer, asked["audience"], asked["nonce"])
            found.append({"claims": shown.get_verified_payload()})
        except Exception as error:  # the library has no error of its own
            found.append({"refused": str(error) or type(error).__name__})
    return found


def issue(asked):
    issuer, holder = JWK.generate(kty="EC", crv="P-256"), JWK.generate(kty="EC", crv="P-256")
    claims = {
        "iss": "https://issuer.example",
        "iat": asked["now"],
        "exp": asked["now"] + 3600,
        "vct": "https://issuer.example/id",
    }
    hidden = {SDObj(name): value for name, value in asked["claims"].items()}
    made = SDJWTIssuer({**claims, **hidden}, issuer, holder, extra_header_parameters={"typ": "dc+sd-jwt"})
    wallet = SDJWTHolder(made.sd_jwt_issuance)
    wallet.create_presentation(asked["shown"], asked["nonce"], asked["audience"], holder)
    return {"issuer": json.loads(issuer.export_public()), "presentation": wallet.sd_jwt_presentation}


print(json.dumps({"verify": verify, "issue": issue}[sys.argv[1]](json.load(sys.stdin))))  # noqa: T201 - its answer
