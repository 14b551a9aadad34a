"""The pre-authorised code: a person who is signed in prepares something for their wallet, which redeems it once.

The code goes by link or QR code; the number (`tx_code`) is typed in by the person, so that who only saw the code has
nothing. The token that comes of it fetches that offer's credentials and is good for nothing else: it has no account,
no scope, and a kind of its own. Source: OpenID for Verifiable Credential Issuance 1.0 s4.1.1, s6.1, s6.3, s8.2 (nonce).
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.jose import decoded, encoded
from banyan.kernel.identity.openid.model import Authority, Token
from banyan.kernel.identity.openid.presenting import presented
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.records import SQL, hashed
from banyan.kernel.identity.openid.sent import Answer, Sent, json_answer
from banyan.kernel.identity.pseudonyms import pseudonym_key
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_ACCESS_S, OPENID_TEXT
from banyan.limits_mydata import CREDENTIAL_NONCE_S, CREDENTIAL_OFFER_S, CREDENTIAL_TX_TRIES

PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
TX_DIGITS: Final = 6
_NO_STORE: Final = (("Cache-Control", "no-store"),)
_RANDOM, _TIME, _TAG = 16, 4, 16


class Prepared(msgspec.Struct, frozen=True):
    """What the wallet is given (`code`) and what the person types (`tx_code`); neither is kept."""

    code: str
    tx_code: str
    expires: float


class Known(msgspec.Struct, frozen=True):
    """A code in the records."""

    offer: str
    tx_hash: bytes
    tries: int
    state: Literal["offered", "redeemed"]
    expires: float


async def prepare(provider: Provider, offer: str) -> Prepared:
    """A code for `offer`, kept by its hash."""
    now, code = provider.clock(), provider.secret()
    tx_code = f"{int.from_bytes(provider.random(8)) % 10**TX_DIGITS:0{TX_DIGITS}}"
    expires = now + CREDENTIAL_OFFER_S

    def job(tx: Tx) -> None:
        tx.run(SQL["sweep_pre_authorized"], now=now - OPENID_ACCESS_S)  # kept while its token lives: a replay ends it
        tx.run(
            SQL["add_pre_authorized"],
            hash=hashed(code),
            offer=offer,
            tx_hash=_tx_hash(code, tx_code),
            tries=CREDENTIAL_TX_TRIES,
            expires=expires,
        )

    await provider.store.write(job)
    return Prepared(code, tx_code, expires)


async def end(provider: Provider, offer: str) -> None:
    """The person took the offer back: its code and its tokens hold no more."""

    def job(tx: Tx) -> None:
        tx.run(SQL["end_pre_authorized"], offer=offer)
        records.end_family(tx, offer)

    await provider.store.write(job)


async def of_pre_authorized(provider: Provider, sent: Sent) -> Answer:
    """`POST /openid/token` with this grant. A wallet needs no registration; one that proves itself must be allowed."""
    client, jkt = await _who(provider, sent)
    now, code, tx_code = provider.clock(), sent.get("pre-authorized_code"), sent.get("tx_code")
    if not code:
        raise Fault("invalid_request", "send pre-authorized_code")
    if not tx_code:
        raise Fault("invalid_request", "send tx_code: the number shown beside the offer")
    if len(code) > OPENID_TEXT or len(tx_code) > OPENID_TEXT:
        raise _wrong()
    access = provider.secret()

    def job(tx: Tx) -> str:
        known = _known(tx, code)
        if known is None:
            return "offer_unknown"
        if known.tries < 1 or not hmac.compare_digest(known.tx_hash, _tx_hash(code, tx_code)):
            tx.run(SQL["try_pre_authorized"], hash=hashed(code))
            return "offer_guessed"
        if known.state != "offered":  # somebody has both the code and the number, and it was given already
            records.end_family(tx, known.offer)
            return "offer_replay"
        if now >= known.expires:
            return "offer_late"
        tx.run(SQL["redeem_pre_authorized"], hash=hashed(code))
        authority = Authority(
            client=client,
            family=known.offer,
            granted="",
            account="",
            scope=(),
            audience=(sent.issuer,),
            jkt=jkt,
            issued_at=now,
            ends_at=now + OPENID_ACCESS_S,
        )
        records.add_token(tx, access, "credential", authority, expires=authority.ends_at, now=now)
        return ""

    alarm = await provider.store.write(job)
    if alarm:
        raise _wrong(alarm)
    said = {"access_token": access, "token_type": "DPoP" if jkt else "Bearer", "expires_in": int(OPENID_ACCESS_S)}
    return json_answer(said, headers=_NO_STORE)


def _wrong(alarm: str = "") -> Fault:
    """One answer for whatever a code lacks (RFC 6749 s5.2); the record of alarms is told which."""
    why = "the code is not valid, was used, has expired, or its tx_code is another"
    return Fault("invalid_grant", why, alarm=alarm)


async def _who(provider: Provider, sent: Sent) -> tuple[str, str]:
    """The wallet's client id (empty when it proves none) and the thumbprint of its DPoP key (or empty)."""
    if sent.authorization or sent.get("client_assertion") or sent.get("client_secret"):
        client, jkt = await provider.authenticated(sent)
        if PRE_AUTHORIZED not in client.grants:
            raise Fault("unauthorized_client", "this client may not use this grant_type")
        return client.id, jkt
    proof = provider.proof(sent)
    if proof is None:
        return "", ""
    if not await provider.store.write(lambda tx: records.see(tx, [proof.replay_key], provider.clock())):
        raise Fault("invalid_dpop_proof", "a proof came twice")
    return "", proof.jkt


async def redeemed(provider: Provider, sent: Sent) -> Token:
    """The token of a redeemed code in `Authorization`; `authority.family` is its offer. Raises Fault 401."""
    return await presented(provider, sent, find=_live)


def _live(tx: Tx, value: str, now: float) -> Token | None:
    token = records.token_of(tx, value)
    is_good = token is not None and token.kind == "credential" and token.state == "active" and now < token.expires
    return token if is_good else None


def _known(tx: Tx, code: str) -> Known | None:
    row = tx.row(SQL["pre_authorized"], hash=hashed(code))
    return msgspec.convert(dict(zip(Known.__struct_fields__, row, strict=True)), Known, strict=False) if row else None


def _tx_hash(code: str, tx_code: str) -> bytes:
    """Six digits are guessed at once; with the code in front nobody guesses who only reads the records."""
    return sha256(f"{code}\0{tx_code}".encode()).digest()


class ChallengeNonces:
    """`c_nonce`s: random, dated and tagged by the node's key, so that making one writes nothing; each is used once."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._key = pseudonym_key(provider.secrets.master, "openid", "credential-nonce")

    def fresh(self) -> str:
        body = self._provider.random(_RANDOM) + int(self._provider.clock()).to_bytes(_TIME)
        return encoded(body + self._tag(body))

    async def spend(self, nonce: str) -> bool:
        """Whether it is ours, of now, and was not used before; from then on it was."""
        try:
            raw = decoded(nonce) if len(nonce) <= OPENID_TEXT else b""
        except ValueError:
            return False
        body, tag = raw[:-_TAG], raw[-_TAG:]
        if len(body) != _RANDOM + _TIME or not hmac.compare_digest(self._tag(body), tag):
            return False
        now = self._provider.clock()
        if not 0 <= now - int.from_bytes(body[_RANDOM:]) < CREDENTIAL_NONCE_S:
            return False
        key = sha256(b"c_nonce\0" + body).digest()
        return await self._provider.store.write(lambda tx: records.see(tx, [key], now))

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, sha256)[:_TAG]
