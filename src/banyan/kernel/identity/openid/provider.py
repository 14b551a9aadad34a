"""The provider of one node: its records, secrets, keys and clock; the first value of the protocol's functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from banyan.kernel.events.clock import Clock
from banyan.kernel.identity.openid import keys as key_rules
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.alarms import Alarm, Alarms
from banyan.kernel.identity.openid.client_auth import authenticate, claimed_client
from banyan.kernel.identity.openid.details import DetailTypes
from banyan.kernel.identity.openid.dpop import NONCE_HEADER, Nonces, Proof, check
from banyan.kernel.identity.openid.fault import Fault, invalid_client
from banyan.kernel.identity.openid.jose import encoded
from banyan.kernel.identity.openid.keys import Alg, Key, Secrets
from banyan.kernel.identity.openid.model import Client
from banyan.kernel.identity.openid.sent import Answer, Sent
from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key
from banyan.kernel.storage.store import Store, Tx

Random = Callable[[int], bytes]


class Provider:
    """`types` are the registered authorization_details types; `random` gives bytes fit for secrets."""

    def __init__(
        self,
        store: Store,
        secrets: Secrets,
        *,
        clock: Clock,
        random: Random,
        types: DetailTypes | None = None,
        alarms: Alarms | None = None,
    ) -> None:
        self.store, self.secrets, self.clock, self.random = store, secrets, clock, random
        self.types: DetailTypes = types or {}
        self.nonces = Nonces(secrets.nonces)
        self.alarms = alarms or Alarms()

    def secret(self) -> str:
        """A new secret of 256 bits for a URL, a cookie or a token."""
        return encoded(self.random(32))

    async def keys(self) -> list[Key]:
        """The keys as they stand; the next one is made when it is due, lapsed ones are dropped."""
        now = self.clock()
        found = await self.store.read(key_rules.read_keys)
        due = [alg for alg in key_rules.ALGS if key_rules.is_due(found, alg, now)]
        gone = key_rules.lapsed(found, now)
        if not due and not gone:
            return found
        made = [
            await asyncio.to_thread(key_rules.make_key, alg, self.secrets, random=self.random, at=now) for alg in due
        ]
        return await self.store.write(lambda tx: _turned(tx, made, gone, now))

    async def sign(self, claims: Mapping[str, Any], alg: Alg, *, kind: str = "JWT") -> str:
        key = key_rules.signing_key(await self.keys(), alg, self.clock())
        return key_rules.signed(key, self.secrets, claims, kind=kind)

    def subject(self, account: str, client: Client) -> str:
        """The pairwise `sub`: one person is another for each sector (OpenID Connect Core s8.1)."""
        key = pseudonym_key(self.secrets.master, "sub", client.sector or client.id)
        return encoded(pseudonym(key, account.encode()))

    def proof(self, sent: Sent, *, access_token: str = "") -> Proof | None:
        """The DPoP proof that came, checked; None when none came. Its jti is not remembered yet."""
        if not sent.dpop:
            return None
        return check(
            sent.dpop,
            method=sent.method,
            url=sent.url,
            now=self.clock(),
            nonces=self.nonces,
            access_token=access_token,
        )

    def answered(self, sent: Sent, answer: Answer) -> Answer:
        """The answer with the nonce of the next DPoP proof, for who sent one (RFC 9449 s8.2)."""
        if not sent.dpop or NONCE_HEADER in dict(answer.headers):
            return answer
        fresh = (NONCE_HEADER, self.nonces.current(self.clock()))
        return msgspec.structs.replace(answer, headers=(*answer.headers, fresh))

    async def note(self, sent: Sent, kind: str, *, endpoint: str, client: str = "") -> None:
        """Record a refusal. `client` is what the message claims: only a registered app's id is written down."""
        known = await self.store.read(lambda tx: records.client_by_id(tx, client)) if client else None
        name = known.id if known is not None else ""
        self.alarms.add(Alarm(round(self.clock(), 3), kind, endpoint, name, sent.trace))

    async def authenticated(self, sent: Sent, *, needs_proof: bool = False) -> tuple[Client, str]:
        """The app that sent this, and the thumbprint of the key its DPoP proof shows (or empty).

        `needs_proof`: a fapi2 app's tokens are bound to a key, so without a proof it is refused. Raises Fault.
        """
        now, claimed = self.clock(), claimed_client(sent)
        client = await self.store.read(lambda tx: records.client_by_id(tx, claimed))
        proven = authenticate(sent, client, now)
        if needs_proof and not sent.dpop and proven.client.profile == "fapi2":
            raise Fault("invalid_dpop_proof", "send a DPoP proof")
        proof = self.proof(sent)
        once = [key for key in (proven.replay_key, proof.replay_key if proof else None) if key is not None]
        if once and not await self.store.write(lambda tx: records.see(tx, once, now)):
            if proof is None:
                raise invalid_client("assertion_replay")
            raise Fault("invalid_dpop_proof", "an assertion or proof came twice", alarm="proof_replay")
        return proven.client, proof.jkt if proof else ""


def _turned(tx: Tx, made: Sequence[Key], gone: Sequence[Key], now: float) -> list[Key]:
    """Keep the new keys, unless another process made them first; drop the lapsed."""
    there = key_rules.read_keys(tx)
    for key in made:
        if key_rules.is_due(there, key.alg, now):
            key_rules.add_key(tx, key)
    for key in gone:
        tx.run(key_rules.SQL["drop_key"], kid=key.kid)
    return key_rules.read_keys(tx)
