"""What anybody checks of a shown credential, offline: issuer, disclosures, key binding, times, status. In the browser
`web/portal/credential-check.js` does the same.

Trust is pinned: an issuer is known by the keys its verifier keeps, or it is not known. Times are POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from banyan.wire.sdjwt.credential import KEY_MEMBERS, FindKey, Key, parse, unverified, verify
from banyan.wire.sdjwt.disclosures import BadCredential, Json
from banyan.wire.sdjwt.status import INVALID, SUSPENDED
from banyan.wire.sdjwt.statustoken import Place, TooOld, place_of, verify_list

ABOUT: Final = frozenset(("iss", "iat", "nbf", "exp", "vct", "cnf", "status"))
"""Claims about the credential itself: told beside what was shown."""


class Issuer(msgspec.Struct, frozen=True):
    """A pinned issuer: what its `/.well-known/jwt-vc-issuer` said when it was trusted."""

    issuer: str
    keys: tuple[Mapping[str, Any], ...]


class Bound(msgspec.Struct, frozen=True):
    """For whom and when the holder proved to hold the key."""

    audience: str
    nonce: str
    at: int


class Report(msgspec.Struct, frozen=True):
    """A credential that holds. `status_at` is when the status list that says it is good was signed; None: no list was
    at hand, so it may have been revoked."""

    issuer: str
    type: str
    shown: Mapping[str, Json]
    expires: float | None
    bound: Bound | None
    place: Place | None
    status_at: float | None


class _Document(msgspec.Struct, frozen=True):
    """JWT VC issuer metadata (SD-JWT VC s4.2), keys by value."""

    issuer: str
    jwks: Mapping[str, tuple[dict[str, Any], ...]]


def read_issuer(document: bytes) -> Issuer:
    """Raises BadCredential."""
    try:
        read = msgspec.json.decode(document, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCredential("no JWT VC issuer metadata with keys in it") from error
    return Issuer(read.issuer, read.jwks.get("keys", ()))


def check(
    text: str, pinned: Sequence[Issuer], *, lists: Sequence[str] = (), now: int, audience: str = "", nonce: str = ""
) -> Report:
    """Check a credential as it was shown. Without `audience` and `nonce` the key binding's own are reported, not
    compared. Raises BadCredential, also for a revoked or suspended one."""
    parts = parse(text.strip())
    said = unverified(parts.key_binding)[1] if parts.key_binding else {}
    for_whom, question = audience or _word(said, "aud"), nonce or _word(said, "nonce")
    if not parts.key_binding and (audience or nonce):
        raise BadCredential("a key binding is missing")
    issuer = _issuer(unverified(parts.jwt)[1], pinned)

    def find(header: Mapping[str, Any], _: Mapping[str, Json]) -> Key:
        return key_of(issuer, header.get("kid"))

    proven = verify(text.strip(), find, now=now, audience=for_whom if parts.key_binding else "", nonce=question)
    claims = proven.claims
    at = said.get("iat")
    assert not proven.is_bound or isinstance(at, int), "verify saw the binding's time"
    place = place_of(claims)
    return Report(
        issuer=issuer.issuer,
        type=_word(claims, "vct"),
        shown={name: value for name, value in claims.items() if name not in ABOUT},
        expires=_moment(claims.get("exp")),
        bound=Bound(for_whom, question, at) if proven.is_bound and isinstance(at, int) else None,
        place=place,
        status_at=_good_since(place, lists, find, now) if place is not None else None,
    )


def _good_since(place: Place, lists: Sequence[str], find: FindKey, now: int) -> float | None:
    """When the list that says it is good was signed. Raises BadCredential for a revoked or suspended one."""
    for token in lists:
        _, payload = unverified(token.strip())
        if payload.get("sub") != place.uri:
            continue
        try:
            value = verify_list(token.strip(), find, uri=place.uri, now=now)[place.index]
        except TooOld:
            continue
        if value == INVALID:
            raise BadCredential("the credential was revoked")
        if value == SUSPENDED:
            raise BadCredential("the credential is suspended")
        if value:
            raise BadCredential(f"the credential has the status {value}")
        return _moment(payload.get("iat"))
    return None


def _issuer(payload: Mapping[str, Json], pinned: Sequence[Issuer]) -> Issuer:
    """The pinned issuer a credential names. Its status lists too are signed by its keys and nobody else's."""
    name = _word(payload, "iss")
    for issuer in pinned:
        if name == issuer.issuer:
            return issuer
    raise BadCredential("its issuer is none of the pinned ones")


def key_of(issuer: Issuer, kid: object) -> Key:
    """A pinned key by its id, or the first for a token that names none. Raises BadCredential."""
    for jwk in issuer.keys:
        if kid is None or jwk.get("kid") == kid:
            try:
                return ECKey.import_key({name: str(jwk[name]) for name in KEY_MEMBERS & jwk.keys()})
            except (JoseError, ValueError, KeyError) as error:
                raise BadCredential("a pinned key cannot be read") from error
    raise BadCredential("its issuer's pinned keys are others: get them anew")


def _word(claims: Mapping[str, Json], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _moment(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
