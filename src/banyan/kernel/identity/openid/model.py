"""What the provider keeps: apps, accounts, requests, codes, tokens, grants and sessions, as documents.

Sources: RFC 6749, RFC 9126 (PAR), RFC 9396 (RAR), RFC 9449 (DPoP), FAPI 2.0 Security Profile, Grant Management for
OAuth 2.0 (draft 03), OpenID Connect Core 1.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from banyan.kernel.events.clock import EpochS

Profile = Literal["fapi2", "basic"]
ClientAuth = Literal["private_key_jwt", "client_secret_basic", "client_secret_post"]
AccountKind = Literal["citizen", "officer", "representative", "company"]
"""A company signs nobody in: a person acts for it."""
Assurance = Literal["aal1", "aal2", "aal3"]
"""How sure we are that this is the person: `acr`. Levels of NIST SP 800-63B; a passkey that verifies is aal2."""
LEVELS: tuple[Assurance, ...] = ("aal1", "aal2", "aal3")
GrantAction = Literal["", "create", "merge", "replace"]
Detail = Mapping[str, Any]
"""One element of `authorization_details` (RFC 9396): JSON of the app's making, checked in `details.py`."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An app of an agency. Only `fapi2` apps may have `details`, which is what personal data is asked by."""

    id: str
    agency: str
    name: Mapping[str, str]
    profile: Profile = "fapi2"
    auth: ClientAuth = "private_key_jwt"
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    jwks: tuple[Mapping[str, str], ...] = ()
    secret_hash: str = ""
    scopes: tuple[str, ...] = ("openid",)
    details: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code",)
    resources: tuple[str, ...] = ()
    """Audiences it may ask tokens for, besides this node."""
    serves: tuple[str, ...] = ()
    """Audiences it is: tokens for them it may introspect and exchange."""
    sector: str = ""
    """Apps of one sector see one pairwise `sub`; empty: this app alone."""
    id_alg: Literal["ES256", "RS256"] = "ES256"
    access_form: Literal["opaque", "at+jwt"] = "opaque"
    is_closed: bool = False
    is_demo: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who may sign in. `name` is a sign-in name, never a person's number; a representative acts `for_account`."""

    id: str
    name: str
    kind: AccountKind
    shown: Mapping[str, str] = {}
    """What a demo persona or an officer is called on pages; a citizen's real name is not kept here."""
    agency: str = ""
    roles: tuple[str, ...] = ()
    assurance: Assurance = "aal2"
    """The most this account was identified for; a sign-in can give less, never more."""
    for_account: str = ""
    relation: str = ""
    is_closed: bool = False
    is_pending: bool = False
    """Asked for at a counter and not opened yet; closed until then."""
    is_demo: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request whose every parameter was checked."""

    client: str
    redirect_uri: str
    challenge: str
    scope: tuple[str, ...]
    state: str = ""
    nonce: str = ""
    details: tuple[Detail, ...] = ()
    resource: tuple[str, ...] = ()
    jkt: str = ""
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr: tuple[Assurance, ...] = ()
    grant_action: GrantAction = ""
    grant_id: str = ""
    asked_at: float = 0.0
    consents: tuple[str, ...] = ()
    """The consents that were asked for the details of that type, in their order; no app can say them."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in at this provider: by whom, when, how."""

    account: str
    at: EpochS
    acr: Assurance
    amr: tuple[str, ...]
    until: EpochS
    is_enrolment: bool = False
    """Came in by an enrolment code: may register a passkey and nothing else."""
    acts_for: str = ""
    """The representation by which this person acts for another now."""
    visit: str = ""
    """The appearance at a counter: an officer beside a person, or the person at a kiosk."""


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person agreed to for one app. Tokens hang on it; `is_active` false ends them all."""

    id: str
    client: str
    account: str
    scope: tuple[str, ...]
    details: tuple[Detail, ...]
    at: EpochS
    until: EpochS
    is_active: bool = True


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """What a code or a token stands for."""

    client: str
    family: str
    granted: str
    account: str
    scope: tuple[str, ...]
    details: tuple[Detail, ...] = ()
    audience: tuple[str, ...] = ()
    jkt: str = ""
    auth_at: float = 0.0
    acr: Assurance = "aal1"
    amr: tuple[str, ...] = ()
    actor: str = ""
    """The app that acts with a token it exchanged (RFC 8693 `act`)."""
    issued_at: float = 0.0
    ends_at: float = 0.0
    """When the whole family ends, however often it is refreshed."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind an authorization code."""

    authority: Authority
    redirect_uri: str
    challenge: str
    nonce: str
    expires: float


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it stands in the records."""

    kind: Literal["access", "refresh", "credential"]
    """`credential` fetches one offer's credentials (`preauthorized.py`) and is good for nothing else."""
    state: Literal["active", "used", "revoked"]
    authority: Authority
    expires: float
