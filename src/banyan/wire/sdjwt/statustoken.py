"""The status list as its issuer signs it (`statuslist+jwt`), and what a credential says of its place in one.

Times are POSIX seconds. Source: draft-ietf-oauth-status-list s5.1 (token), s6.2 (reference), s8.3 (validation).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from joserfc import jws
from joserfc.jwk import OKPKey

from banyan.wire.sdjwt.credential import ALGORITHMS, FindKey, Key, check_signature, unverified
from banyan.wire.sdjwt.disclosures import BadCredential, Json
from banyan.wire.sdjwt.status import StatusList, parse_claim

TYPE: Final = "statuslist+jwt"
MEDIA_TYPE: Final = "application/statuslist+jwt"


class TooOld(BadCredential):
    """A status list whose time is over: it says nothing any more, neither good nor bad."""


class Place(msgspec.Struct, frozen=True):
    """Where a credential's status stands: entry `index` of the list at `uri`."""

    uri: str
    index: int

    def claim(self) -> dict[str, dict[str, int | str]]:
        """The value of the `status` claim."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


def place_of(claims: Mapping[str, Json]) -> Place | None:
    """Where a credential's status stands; None when it says nothing of one. Raises BadCredential for half a place."""
    status = claims.get("status")
    if status is None:
        return None
    found = status.get("status_list") if isinstance(status, dict) else None
    uri, index = (found.get("uri"), found.get("idx")) if isinstance(found, dict) else (None, None)
    if not isinstance(uri, str) or isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise BadCredential("status is no place in a status list")
    return Place(uri, index)


def sign_list(
    statuses: StatusList, uri: str, key: Key, *, now: int, lives_s: int, ttl_s: int, header: Mapping[str, str]
) -> str:
    """A status list token. `header` adds to `alg` and `typ` (`kid`)."""
    payload = {"sub": uri, "iat": now, "exp": now + lives_s, "ttl": ttl_s, "status_list": statuses.claim()}
    algorithm = "Ed25519" if isinstance(key, OKPKey) else "ES256"
    protected = {"alg": algorithm, "typ": TYPE, **header}
    return jws.serialize_compact(protected, msgspec.json.encode(payload), key, [*ALGORITHMS])


def verify_list(token: str, find: FindKey, *, uri: str, now: int) -> StatusList:
    """The list that a token holds, when it is of `uri` and still in time. Raises BadCredential."""
    header, payload = unverified(token)
    if header.get("typ") != TYPE:
        raise BadCredential("not a status list by its typ")
    check_signature(token, find(header, payload))
    issued, expires = payload.get("iat"), payload.get("exp")
    if payload.get("sub") != uri:
        raise BadCredential("the status list is another one")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise BadCredential("the status list says no time")
    if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int | float)):
        raise BadCredential("the status list says no time")
    if expires is not None and now >= expires:
        raise TooOld("the status list is too old")
    claim = payload.get("status_list")
    if not isinstance(claim, dict):
        raise BadCredential("the token holds no status list")
    return parse_claim(claim.get("bits"), claim.get("lst"))
