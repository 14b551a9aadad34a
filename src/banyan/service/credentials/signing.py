"""The issuer's keys: each signs for a while and stays published until everything it signed has expired.

Another life than the provider's keys have: those are dropped after days, a credential is checked for months.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from joserfc.jwk import ECKey

from banyan.kernel.identity.openid import keys as key_rules
from banyan.kernel.identity.openid.keys import Key
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.storage.store import Store, Tx
from banyan.limits_mydata import CREDENTIAL_KEY_S, CREDENTIAL_S
from banyan.service.credentials.records import SQL


class Signer(msgspec.Struct, frozen=True):
    """The key that signs now."""

    kid: str
    key: ECKey


async def issuer_keys(store: Store, provider: Provider) -> list[Key]:
    """The keys to publish, the newest first; the next is made when it is due, those that nothing needs are dropped."""
    now = provider.clock()
    found = await store.read(_read)
    is_due = all(key.made_at + CREDENTIAL_KEY_S <= now for key in found)
    gone = [key.kid for key in found if key.made_at + CREDENTIAL_KEY_S + CREDENTIAL_S + CREDENTIAL_KEY_S <= now]
    if not is_due and not gone:
        return found
    made = await asyncio.to_thread(key_rules.make_key, "ES256", provider.secrets, random=provider.random, at=now)

    def job(tx: Tx) -> list[Key]:
        if all(key.made_at + CREDENTIAL_KEY_S <= now for key in _read(tx)):  # unless another process was first
            public = msgspec.json.encode(made.public)
            tx.run(SQL["add_issuer_key"], kid=made.kid, wrapped=made.wrapped, public_jwk=public, made_at=now)
        for kid in gone:
            tx.run(SQL["drop_issuer_key"], kid=kid)
        return _read(tx)

    return await store.write(job)


async def signer(store: Store, provider: Provider) -> Signer:
    """The newest key that has been published for a day, so that verifiers who keep yesterday's know it."""
    key = key_rules.signing_key(await issuer_keys(store, provider), "ES256", provider.clock())
    private = msgspec.json.decode(provider.secrets.unwrapped(key.wrapped, key.kid), type=dict[str, Any])
    return Signer(key.kid, ECKey.import_key(private))


async def jwks(store: Store, provider: Provider) -> Sequence[Mapping[str, Any]]:
    return [key.public for key in await issuer_keys(store, provider)]


def _read(tx: Tx) -> list[Key]:
    found = []
    for kid, wrapped, public, made_at in tx.rows(SQL["issuer_keys"]):
        assert isinstance(wrapped, bytes), "a wrapped key is bytes"
        assert isinstance(public, bytes), "a JWK is kept as bytes"
        jwk = msgspec.json.decode(public, type=dict[str, Any])
        found.append(Key(str(kid), "ES256", wrapped, jwk, float(str(made_at))))
    return found
