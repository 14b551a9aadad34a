"""SD-JWT and SD-JWT VC (`dc+sd-jwt`): issue, show some of it bound to a holder's key, verify.

Form: `JWT~disclosure~…~[KB-JWT]` (RFC 9901 s4). Only ES256 and Ed25519 (RFC 9864); the caller's key says which, never
the token. Times are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from banyan.wire.sdjwt.disclosures import (
    DISCLOSURES,
    BadCredential,
    Disclosure,
    Json,
    Random,
    b64,
    conceal,
    json_of,
    parse_disclosure,
    placed,
    reveal,
)

TYPE: Final = "dc+sd-jwt"
KEY_BINDING_TYPE: Final = "kb+jwt"
CREDENTIAL_BYTES: Final = 256 * 1024
ALGORITHMS: Final = ("ES256", "Ed25519")
KEY_MEMBERS: Final = frozenset(("kty", "crv", "x", "y"))
"""What is read of a holder's key; libraries add `ext`, `key_ops` and more, which say nothing here."""
KB_AGE_S: Final = 300
"""A presentation is made for the verifier that asks now; an older one is a replay."""
Key = ECKey | OKPKey
FindKey = Callable[[Mapping[str, Any], Mapping[str, Json]], Key]
"""`find(header, payload)`: the issuer's public key for a token whose signature is not checked yet."""


class Parts(msgspec.Struct, frozen=True):
    """A parsed SD-JWT; nothing is verified."""

    jwt: str
    disclosures: tuple[Disclosure, ...]
    key_binding: str = ""

    @property
    def text(self) -> str:
        """Everything before the key binding, which signs its hash."""
        return "~".join((self.jwt, *(one.text for one in self.disclosures))) + "~"


class Presented(msgspec.Struct, frozen=True):
    """What a verified presentation says: the claims shown, and whether its holder proved to hold the key."""

    claims: dict[str, Json]
    header: dict[str, Any]
    is_bound: bool


def issue(
    claims: Mapping[str, object], key: Key, *, random: Random, holder: Mapping[str, str] | None = None,
    header: Mapping[str, Any] | None = None, decoys: int = 0,
) -> str:  # fmt: skip
    """Sign claims. `holder` is the public JWK the credential is bound to (`cnf`); `header` adds to `alg` and `typ`."""
    payload, disclosures = conceal(claims, random=random, decoys=decoys)
    if holder is not None:
        payload["cnf"] = {"jwk": dict(holder)}
    signed = _signed({"typ": TYPE, **(header or {})}, payload, key)
    return Parts(signed, tuple(disclosures)).text


def parse(text: str) -> Parts:
    """Raises BadCredential."""
    if len(text) > CREDENTIAL_BYTES:
        raise BadCredential(f"a credential is at most {CREDENTIAL_BYTES} bytes")
    jwt, gap, rest = text.partition("~")
    if not gap:
        raise BadCredential("a credential has at least one ~")
    *shown, key_binding = rest.split("~")
    if len(shown) > DISCLOSURES:
        raise BadCredential(f"a credential has at most {DISCLOSURES} disclosures")
    return Parts(jwt, tuple(parse_disclosure(one) for one in shown), key_binding)


def show(
    text: str, wanted: Callable[[Disclosure], bool], *, holder: Key | None = None, audience: str = "", nonce: str = "",
    now: int = 0,
) -> str:  # fmt: skip
    """The presentation that holds the disclosures `wanted` lets through, bound to `holder`'s key for one verifier. What
    is inside a value that is left out goes with it."""
    parts = parse(text)
    chosen = placed(unverified(parts.jwt)[1], [one for one in parts.disclosures if wanted(one)])
    kept = msgspec.structs.replace(parts, disclosures=chosen)
    if holder is None:
        return kept.text
    payload: dict[str, Json] = {
        "iat": now, "aud": audience, "nonce": nonce, "sd_hash": b64(sha256(kept.text.encode()).digest()),
    }  # fmt: skip
    return kept.text + _signed({"typ": KEY_BINDING_TYPE}, payload, holder)


def verify(text: str, find: FindKey, *, now: int, audience: str = "", nonce: str = "") -> Presented:
    """Check an SD-JWT. With `audience` a key binding for it and `nonce` is required; without, one is refused, since it
    was made for somebody else. Raises BadCredential."""
    parts = parse(text)
    header, payload = unverified(parts.jwt)
    if header.get("typ") not in (TYPE, "vc+sd-jwt", "example+sd-jwt", None):
        raise BadCredential("not an SD-JWT by its typ")
    check_signature(parts.jwt, find(header, payload))
    claims = reveal(payload, parts.disclosures)
    _check_times(claims, now)
    if bool(audience) != bool(parts.key_binding):
        raise BadCredential("a key binding is missing" if audience else "a key binding for another verifier")
    if audience:
        _check_binding(parts, claims, now, audience, nonce)
    return Presented(claims, header, is_bound=bool(audience))


def unverified(jwt: str) -> tuple[dict[str, Any], dict[str, Json]]:
    """Header and payload of a compact JWS, to find its key by. Raises BadCredential."""
    try:
        found = jws.extract_compact(jwt.encode())
    except (JoseError, ValueError) as error:
        raise BadCredential("not a signed JWT") from error
    payload = json_of(found.payload)
    if not isinstance(payload, dict):
        raise BadCredential("a credential's payload is an object")
    return dict(found.protected), payload


def check_signature(jwt: str, key: Key) -> None:
    """Raises BadCredential."""
    try:
        jws.deserialize_compact(jwt, key, algorithms=[*ALGORITHMS])
    except (JoseError, ValueError) as error:
        raise BadCredential("the signature does not fit") from error


def _check_times(claims: Mapping[str, Json], now: int) -> None:
    if now >= _time(claims, "exp", now + 1):
        raise BadCredential("the credential has expired")
    if now < _time(claims, "nbf", now):
        raise BadCredential("the credential is not valid yet")


def _time(claims: Mapping[str, Json], name: str, otherwise: int) -> float:
    at = claims.get(name, otherwise)
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise BadCredential(f"{name} is no time")
    return at


def _check_binding(parts: Parts, claims: Mapping[str, Json], now: int, audience: str, nonce: str) -> None:
    header, said = unverified(parts.key_binding)
    confirmation = claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if header.get("typ") != KEY_BINDING_TYPE or not isinstance(jwk, dict):
        raise BadCredential("the credential is bound to no key, or not by a key binding")
    try:
        members: dict[str, str | list[str]] = {
            name: value for name, value in jwk.items() if name in KEY_MEMBERS and isinstance(value, str)
        }
        key: Key = (OKPKey if members.get("kty") == "OKP" else ECKey).import_key(members)
    except (JoseError, ValueError, KeyError) as error:
        raise BadCredential("the holder's key is none") from error
    check_signature(parts.key_binding, key)
    if said.get("aud") != audience or said.get("nonce") != nonce:
        raise BadCredential("the key binding is for another verifier or another question")
    made = said.get("iat")
    if not isinstance(made, int) or abs(now - made) > KB_AGE_S:
        raise BadCredential("the key binding is not of now")
    if said.get("sd_hash") != b64(sha256(parts.text.encode()).digest()):
        raise BadCredential("the key binding is of other disclosures")


def _signed(header: Mapping[str, Any], payload: Mapping[str, Json], key: Key) -> str:
    algorithm = "Ed25519" if isinstance(key, OKPKey) else "ES256"
    return jws.serialize_compact({"alg": algorithm, **header}, msgspec.json.encode(payload), key, [*ALGORITHMS])


def disclosed(*names: str) -> Callable[[Disclosure], bool]:
    """For `show`: the members of these names, and every array element."""
    wanted = frozenset(names)
    return lambda one: one.name is None or one.name in wanted


def names_of(text: str) -> Sequence[str]:
    """The members a credential can disclose."""
    return [one.name for one in parse(text).disclosures if one.name is not None]
