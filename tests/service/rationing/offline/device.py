"""A terminal of another maker: it knows docs/offline-sale.md and a JOSE library, and nothing of the node's code."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

from joserfc import jwe, jws
from joserfc.jwk import ECKey

PADDED = 128


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public(key: ECKey) -> dict[str, str]:
    jwk = key.as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims


class Device:
    """`now` is its clock, in POSIX seconds; whoever holds the device may set it."""

    def __init__(self, now: float) -> None:
        self.sign_key, self.agree_key = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
        self.now = now
        self.counter = 0
        self.prev = self.sign_key.thumbprint()
        self.receipts: list[str] = []
        self.seal_jwk: dict[str, str] = {}
        self.node_jwk: dict[str, str] = {}
        self.member = ""

    @property
    def terminal(self) -> str:
        return unb64(self.sign_key.thumbprint())[:8].hex()

    @staticmethod
    def public(key: ECKey) -> dict[str, str]:
        return {name: public(key)[name] for name in ("x", "y")}

    def read_lease(self, token: str) -> dict[str, Any]:
        """A lease for this terminal, signed by the node that it was enrolled at."""
        key = ECKey.import_key({name: self.node_jwk[name] for name in ("kty", "crv", "x", "y")})
        read = jws.deserialize_compact(token, key, algorithms=["ES256"])
        assert read.headers()["typ"] == "stock-lease+jwt"
        claims: dict[str, Any] = json.loads(read.payload)
        assert claims["sub"] == self.terminal
        return claims

    def clone(self) -> Device:
        """A copy of everything, as a thief with the disk has it."""
        other = Device(self.now)
        other.__dict__.update(self.__dict__ | {"receipts": list(self.receipts)})
        return other

    def signed(self, kind: str, claims: dict[str, Any]) -> str:
        header = {"alg": "ES256", "typ": kind, "kid": self.sign_key.thumbprint()}
        return jws.serialize_compact(header, json.dumps(claims, separators=(",", ":")).encode(), self.sign_key)

    def asking(self, member: str, jti: str, **want: int) -> str:
        wanted = [{"item": item, "qty": qty} for item, qty in want.items()]
        claims = {"trm": self.terminal, "aud": member, "iat": int(self.now), "jti": jti, "want": wanted}
        return self.signed("offline-asking+jwt", claims)

    def sealed(self, card: dict[str, str]) -> str:
        plain = json.dumps(card, separators=(",", ":")).encode().ljust(PADDED)
        header = {"alg": "ECDH-ES", "enc": "A256GCM"}
        key = ECKey.import_key({name: self.seal_jwk[name] for name in ("kty", "crv", "x", "y")})
        return jwe.encrypt_compact(header, plain, key, algorithms=["ECDH-ES", "A256GCM"])

    def chained(self, claims: dict[str, Any]) -> str:
        self.counter += 1
        whole = {"trm": self.terminal, "ctr": self.counter, "prev": self.prev, "at": int(self.now), **claims}
        token = self.signed("offline-receipt+jwt", whole)
        self.prev = b64(sha256(token.rpartition(".")[0].encode()).digest())
        self.receipts.append(token)
        return token

    def sell(self, lease: str, item: str, qty: int, number: str, **more: Any) -> str:
        who = self.sealed({"n": number, **more.pop("card", {})})
        return self.chained({"kind": "sale", "lease": lease, "item": item, "qty": qty, "who": who, **more})

    def close(self, lease: str, sold: int) -> str:
        return self.chained({"kind": "close", "lease": lease, "sold": sold})

    def key_from(self, snapshot: dict[str, Any], name: str) -> bytes:
        """Unwrap one of a snapshot's keys."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        own, theirs = self.agree_key.private_key, ECKey.import_key(snapshot["epk"]).public_key
        assert isinstance(own, ec.EllipticCurvePrivateKey)
        assert isinstance(theirs, ec.EllipticCurvePublicKey)
        shared = own.exchange(ec.ECDH(), theirs)
        derived = HKDF(SHA256(), 32, b"", f"banyan quota-snapshot {snapshot['jti']}".encode()).derive(shared)
        raw = unb64(snapshot["keys"][name])
        return AESGCM(derived).decrypt(raw[:12], raw[12:], name.encode())

    def is_served(self, pack: dict[str, Any], item: str, number: str) -> bool:
        """May the person be at the limit? Never wrong when the answer is no."""
        snapshot = claims_of(pack["snapshot"])
        filled = unb64(pack["filters"][item])
        told = next(one for one in snapshot["items"] if one["item"] == item)
        assert b64(sha256(filled).digest()) == told["sha256"]
        own = self.key_from(snapshot, "snapshot")
        for name in snapshot["keys"]:
            if name == "snapshot":
                continue
            mark = hmac.digest(self.key_from(snapshot, name), number.encode(), "sha256")[:16]
            digest = hmac.digest(own, mark, "sha256")
            places = [int.from_bytes(digest[at : at + 4], "big") % told["bits"] for at in range(0, 28, 4)]
            if all(filled[place // 8] >> place % 8 & 1 for place in places):
                return True
        return False
