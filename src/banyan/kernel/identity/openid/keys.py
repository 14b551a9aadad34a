"""The provider's signing keys: each is published before it signs and stays until what it signed has lapsed.

Private parts are kept wrapped (AES-256-GCM) under a key of the node's identity secret. Which key signs and which are
served is a pure question of their ages. Source: OpenID Connect Core s10.1.1 (rotation), RFC 7517.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from banyan.errors import Unavailable
from banyan.kernel.identity.pseudonyms import pseudonym_key
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_KEY_LEAD_S, OPENID_KEY_S

SQL: Final = load_statements("banyan.kernel.identity.openid", "openid.sql")
Alg = Literal["ES256", "RS256"]
ALGS: Final[tuple[Alg, ...]] = ("ES256", "RS256")
NONCE_BYTES: Final = 12
Random = Callable[[int], bytes]


class Key(msgspec.Struct, frozen=True):
    """One key: its public JWK, and its private part still wrapped."""

    kid: str
    alg: Alg
    wrapped: bytes
    public: Mapping[str, Any]
    made_at: float


class Secrets:
    """What derives from the node's identity secret: 32 bytes kept by the composition root, never in a store."""

    def __init__(self, master: bytes) -> None:
        self.nonces = pseudonym_key(master, "openid", "dpop-nonce")
        self.forms = pseudonym_key(master, "openid", "form-token")
        self.lookup = pseudonym_key(master, "identity", "person-number")
        self.vault = pseudonym_key(master, "identity", "vault")
        self.master = master
        self._wrap = AESGCM(pseudonym_key(master, "openid", "signing-keys"))

    def wrapped(self, plain: bytes, kid: str, random: Random) -> bytes:
        nonce = random(NONCE_BYTES)
        return nonce + self._wrap.encrypt(nonce, plain, kid.encode())

    def unwrapped(self, sealed: bytes, kid: str) -> bytes:
        """Raises Unavailable when the records belong to another secret."""
        try:
            return self._wrap.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], kid.encode())
        except InvalidTag as error:
            raise Unavailable(
                "the signing keys were made under another identity secret", remedy="restore the file identity.key"
            ) from error


def make_key(alg: Alg, secrets: Secrets, *, random: Random, at: float) -> Key:
    """A new key. An RSA one takes about 0.1 s: outside the event loop."""
    made: ECKey | RSAKey = ECKey.generate_key("P-256") if alg == "ES256" else RSAKey.generate_key(2_048)
    kid = made.thumbprint()
    public = {**made.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"}
    private = msgspec.json.encode(made.as_dict(private=True))
    return Key(kid, alg, secrets.wrapped(private, kid, random), public, at)


def add_key(tx: Tx, key: Key) -> None:
    tx.run(
        SQL["add_key"],
        kid=key.kid,
        alg=key.alg,
        wrapped=key.wrapped,
        public_jwk=msgspec.json.encode(key.public),
        made_at=key.made_at,
    )


def read_keys(tx: Tx) -> list[Key]:
    """The newest first."""
    found = []
    for kid, alg, wrapped, public, made_at in tx.rows(SQL["keys"]):
        assert isinstance(wrapped, bytes), "a wrapped key is bytes"
        assert isinstance(public, bytes), "a JWK is kept as bytes"
        made = Key(
            str(kid),
            "RS256" if alg == "RS256" else "ES256",
            wrapped,
            msgspec.json.decode(public, type=dict[str, Any]),
            float(str(made_at)),
        )
        found.append(made)
    return found


def signing_key(keys: Sequence[Key], alg: Alg, now: float) -> Key:
    """The newest that has been published long enough; the very first signs at once."""
    ours = sorted((key for key in keys if key.alg == alg), key=lambda key: key.made_at)
    assert ours, f"there is always a key for {alg}"
    ripe = [key for key in ours if key.made_at + OPENID_KEY_LEAD_S <= now]
    return ripe[-1] if ripe else ours[0]


def is_due(keys: Sequence[Key], alg: Alg, now: float) -> bool:
    """Whether the next key has to be made."""
    return all(key.made_at + OPENID_KEY_S <= now for key in keys if key.alg == alg)


def lapsed(keys: Sequence[Key], now: float) -> list[Key]:
    """Keys whose successor has signed for so long that nothing of theirs can be valid."""
    gone = []
    for key in keys:
        later = [other for other in keys if other.alg == key.alg and other.made_at > key.made_at]
        if any(other.made_at + 2 * OPENID_KEY_LEAD_S <= now for other in later):
            gone.append(key)
    return gone


def signed(key: Key, secrets: Secrets, claims: Mapping[str, Any], *, kind: str = "JWT") -> str:
    """A compact JWS of the claims."""
    private = msgspec.json.decode(secrets.unwrapped(key.wrapped, key.kid), type=dict[str, Any])
    imported = ECKey.import_key(private) if key.alg == "ES256" else RSAKey.import_key(private)
    header = {"alg": key.alg, "kid": key.kid, "typ": kind}
    return jws.serialize_compact(header, msgspec.json.encode(claims), imported, algorithms=[key.alg])


def verified_hint(token: str, keys: Sequence[Key]) -> Mapping[str, Any] | None:
    """The claims of an ID token of ours, lapsed or not (an `id_token_hint`); None when we did not sign it."""
    from banyan.kernel.identity.openid.jose import Unsigned, peek

    try:
        kid = peek(token).header.get("kid")
    except Unsigned:
        return None
    for key in keys:
        if key.kid == kid:
            public = {name: value for name, value in key.public.items() if name not in ("kid", "alg", "use")}
            imported = ECKey.import_key(public) if key.alg == "ES256" else RSAKey.import_key(public)
            try:
                found = jws.deserialize_compact(token, imported, algorithms=[key.alg])
            except ValueError:
                return None
            claims = msgspec.json.decode(found.payload)
            return claims if isinstance(claims, dict) else None
    return None
