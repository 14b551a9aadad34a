"""From a person's own values to credentials: every value can be left out when it is shown, and no two can be linked.

Pure besides the signatures: keys, clock and randomness come in. Sources: SD-JWT VC (draft-ietf-oauth-sd-jwt-vc) s3.2.2,
RFC 9901 s9.5 and s10.1 (times cut to the day, one key and one salt a credential).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from banyan.service.credentials.signing import Signer
from banyan.wire.sdjwt.credential import issue
from banyan.wire.sdjwt.disclosures import RESERVED, Sd
from banyan.wire.sdjwt.statustoken import Place

REGISTERED: Final = RESERVED | {
    "iss",
    "iat",
    "nbf",
    "exp",
    "cnf",
    "vct",
    "vct#integrity",
    "status",
    "sub",
    "aud",
    "jti",
}
DAY_S: Final = 86_400
Random = Callable[[int], bytes]


class Certified(msgspec.Struct, frozen=True):
    """What all credentials of a batch say alike. Times are POSIX seconds."""

    issuer: str
    vct: str
    values: Mapping[str, Any]
    issued_at: float
    expires: float


def certify(
    told: Certified, keys: Sequence[Mapping[str, str]], places: Sequence[Place], signer: Signer, *, random: Random
) -> list[str]:
    """One credential for each holder's key, at its place in the status list."""
    shown = {claim_name(name): Sd(concealed(value)) for name, value in told.values.items()}
    made = []
    for key, place in zip(keys, places, strict=True):
        claims = {
            "iss": told.issuer,
            "iat": int(told.issued_at // DAY_S * DAY_S),
            "exp": int(told.expires),
            "vct": told.vct,
            "status": place.claim(),
            **shown,
        }
        made.append(issue(claims, signer.key, random=random, holder=key, header={"kid": signer.kid}))
    return made


def concealed(value: Any) -> Any:
    """A value whose parts can be left out one by one: members of objects and elements of lists."""
    if isinstance(value, Mapping):
        return {claim_name(name): Sd(concealed(item)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [Sd(concealed(item)) for item in value]
    return value


def claim_name(name: str) -> str:
    """A field's name as a claim; one that SD-JWT VC gives another meaning gets a word in front."""
    return f"data_{name}" if name in REGISTERED else name
