"""Passkeys: registering and signing in with one. User verification is required, so one touch is two factors (aal2).

A challenge is ours, stateless, and of one use: an HMAC over its random part, its end, what it is for and in which
browser. Source: WebAuthn Level 3 s7.1, s7.2; `webauthn` 3 verifies.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import msgspec
import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.jose import decoded
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.records import SQL
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_BODY_BYTES, OPENID_PASSKEYS

CHALLENGE_S: Final = 300
"""Shorter than one-time values are remembered (`records.see`), so that a challenge cannot come back."""
_RANDOM, _TAG = 16, 32


class Passkey(msgspec.Struct, frozen=True):
    """What is kept beside the key: no model, no name of a device."""

    is_synced: bool


class _ClientData(msgspec.Struct):
    challenge: str


class _Response(msgspec.Struct, rename="camel"):
    client_data_json: str = msgspec.field(name="clientDataJSON")


class _Credential(msgspec.Struct):
    id: str
    response: _Response


def new_challenge(provider: Provider, sent: Sent, what: str) -> bytes:
    """For `what` ("sign-in", "register"), in this browser."""
    head = provider.random(_RANDOM) + int(provider.clock() + CHALLENGE_S).to_bytes(8, "big")
    return head + _tag(provider, sent, what, head)


def sign_in_options(provider: Provider, sent: Sent) -> str:
    """JSON for `PublicKeyCredential.parseRequestOptionsFromJSON`; no list of keys, so it tells of no account."""
    options = webauthn.generate_authentication_options(
        rp_id=rp_id(sent.issuer),
        challenge=new_challenge(provider, sent, "sign-in"),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def registration_options(provider: Provider, sent: Sent, account: Account, *, rp_name: str) -> str:
    """JSON for `parseCreationOptionsFromJSON`: a discoverable key; those the account has are excluded."""
    had = await provider.store.read(lambda tx: _ids(tx, account.id))
    options = webauthn.generate_registration_options(
        rp_id=rp_id(sent.issuer),
        rp_name=rp_name,
        user_name=account.name,
        user_id=account.id.encode(),
        challenge=new_challenge(provider, sent, "register"),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in had],
    )
    return webauthn.options_to_json(options)


async def register(provider: Provider, sent: Sent, account: Account, credential: str) -> bool:
    """Keep a new passkey; False when it does not verify, is somebody's already, or the account has too many."""
    challenge = await _challenge_of(provider, sent, "register", credential)
    if challenge is None:
        return False
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(sent.issuer),
            expected_origin=sent.issuer,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return False
    now = provider.clock()
    document = msgspec.json.encode(Passkey(verified.credential_backed_up))

    def job(tx: Tx) -> bool:
        if len(_ids(tx, account.id)) >= OPENID_PASSKEYS:
            return False
        kept = tx.row(
            SQL["add_passkey"],
            id=verified.credential_id,
            account=account.id,
            public_key=verified.credential_public_key,
            counter=verified.sign_count,
            document=document,
            at=now,
        )
        return kept is not None

    return await provider.store.write(job)


async def holder(provider: Provider, sent: Sent, credential: str) -> Account | None:
    """Whose passkey signed the challenge; None for every failure alike."""
    challenge = await _challenge_of(provider, sent, "sign-in", credential)
    if challenge is None:
        return None
    id = decoded(msgspec.json.decode(credential, type=_Credential).id)
    row = await provider.store.read(lambda tx: tx.row(SQL["passkey"], id=id))
    if row is None:
        return None
    account_id, public_key, counter = str(row[0]), row[1], int(str(row[2]))
    assert isinstance(public_key, bytes), "a key is bytes"
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=rp_id(sent.issuer),
            expected_origin=sent.issuer,
            credential_public_key=public_key,
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError):
        return None

    def job(tx: Tx) -> Account | None:
        tx.run(SQL["count_passkey"], id=id, counter=verified.new_sign_count)
        return records.account_by_id(tx, account_id)

    return await provider.store.write(job)


def rp_id(issuer: str) -> str:
    return urlsplit(issuer).hostname or ""


async def _challenge_of(provider: Provider, sent: Sent, what: str, credential: str) -> bytes | None:
    """The challenge the browser answered, when it is ours, for this, in this browser, in time, for the first time."""
    if len(credential) > OPENID_BODY_BYTES:
        return None
    try:
        client_data = decoded(msgspec.json.decode(credential, type=_Credential).response.client_data_json)
        challenge = decoded(msgspec.json.decode(client_data, type=_ClientData).challenge)
    except (msgspec.DecodeError, ValueError):
        return None
    head, tag = challenge[: _RANDOM + 8], challenge[_RANDOM + 8 :]
    now = provider.clock()
    if not hmac.compare_digest(_tag(provider, sent, what, head), tag) or int.from_bytes(head[_RANDOM:], "big") <= now:
        return None
    is_first = await provider.store.write(
        lambda tx: records.see(tx, [sha256(b"challenge\0" + challenge).digest()], now)
    )
    return challenge if is_first else None


def _tag(provider: Provider, sent: Sent, what: str, head: bytes) -> bytes:
    return hmac.digest(provider.secrets.forms, f"challenge\0{what}\0{sent.browser}\0".encode() + head, sha256)[:_TAG]


def _ids(tx: Tx, account: str) -> list[bytes]:
    rows = tx.rows(SQL["passkeys_of"], account=account, limit=OPENID_PASSKEYS)
    return [row[0] for row in rows if isinstance(row[0], bytes)]
