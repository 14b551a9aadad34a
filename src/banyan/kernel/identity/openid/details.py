"""`authorization_details` (RFC 9396): what an app wants to read or do, by registered types; the unknown is refused.

A type is registered by who owns its meaning (the consent service its own); the provider knows only which fields it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.model import Client, Detail
from banyan.limits_identity import OPENID_DETAIL_BYTES, OPENID_DETAILS

COMMON: Final = frozenset(("type", "locations", "actions", "datatypes", "identifier", "privileges"))
CONSENT: Final = "mydata_consent"
"""The type by which an app asks for a declared `purpose`. `identifier` (the consent) and `datatypes` (its fields) are
the person's and the provider's to say, never the app's."""
DetailTypes = Mapping[str, frozenset[str]]
"""The fields a type has besides the common ones."""


def read_details(text: str, client: Client, types: DetailTypes) -> tuple[Detail, ...]:
    """The checked details; empty for an empty text. Raises Fault `invalid_authorization_details`."""
    if not text:
        return ()
    if len(text) > OPENID_DETAIL_BYTES:
        raise _wrong(f"over {OPENID_DETAIL_BYTES} bytes")
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise _wrong("not JSON") from None
    if not isinstance(found, list) or not 1 <= len(found) <= OPENID_DETAILS:
        raise _wrong(f"an array of 1 to {OPENID_DETAILS} objects")
    if client.profile != "fapi2":
        raise _wrong("an app of the basic profile may not ask for data")
    return tuple(_checked(one, client, types) for one in found)


def _checked(one: Any, client: Client, types: DetailTypes) -> Detail:
    if not isinstance(one, dict):
        raise _wrong("each is an object")
    kind = one.get("type")
    if not isinstance(kind, str) or kind not in types or kind not in client.details:
        raise _wrong("type is not registered for this client")
    unknown = sorted(one.keys() - COMMON - types[kind])
    if unknown:
        raise _wrong(f"{kind} has no field {unknown[0][:40]}")
    if kind == CONSENT and ("identifier" in one or "datatypes" in one or not isinstance(one.get("purpose"), str)):
        raise _wrong(f"{kind} names a purpose; consent and fields are the person's to say")
    for name in ("locations", "actions", "datatypes", "privileges"):
        value = one.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(f"{name} is a list of texts")
    return one


def consents_in(details: tuple[Detail, ...]) -> tuple[str, ...]:
    """The consents that granted details carry."""
    return tuple(str(one["identifier"]) for one in details if one.get("type") == CONSENT and "identifier" in one)


def within(asked: tuple[Detail, ...], had: tuple[Detail, ...]) -> bool:
    """Whether every detail asked for is one that was granted; a narrower one must be spelt as granted."""
    return all(one in had for one in asked)


def _wrong(why: str) -> Fault:
    return Fault("invalid_authorization_details", f"authorization_details: {why}")
