"""A signed call between two gateways, to be tampered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey

from banyan.wire.httpsig.digest import digest_field
from banyan.wire.httpsig.keys import PrivateKey, Signer, Verifier, signer_of, verifier_of
from banyan.wire.httpsig.message import Request, Response, fields_of
from banyan.wire.httpsig.peer import Keys, sign_request, sign_response
from banyan.wire.httpsig.presented import Parameters

M = TypeVar("M", Request, Response)
NOW = 1_800_000_000
BODY = b'{"travelled": true}'
P256 = ec.derive_private_key(0xBA27A2, ec.SECP256R1())
OTHER = ec.derive_private_key(0xBA27A3, ec.SECP256R1())
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ML_DSA = MLDSA44PrivateKey.from_seed_bytes(bytes(range(2, 34)))
ML_DSA_65 = MLDSA65PrivateKey.from_seed_bytes(bytes(range(3, 35)))
STAMP = Parameters(created=NOW, expires=NOW + 60, nonce="b3k2pp5k7z-50gnwp")
LINES = [
    (b"Host", b"gw.immigration.example"),
    (b"Content-Type", b"application/json"),
    (b"Content-Digest", digest_field(BODY).encode()),
    (b"X-Road-Client", b"TW/GOV/NHI/hospital"),
    (b"X-Road-Service", b"TW/GOV/NIA/border/travel"),
    (b"X-Road-Id", b"TW-1"),
    (b"X-Road-Request-Id", b"7e9c"),
    (b"X-Road-UserId", b"officer"),
    (b"X-Banyan-Purpose", b"epidemic-control"),
    (b"X-Directory-Version", b"12"),
    (b"User-Agent", b"gateway"),
]
REQUEST = Request("POST", "gw.immigration.example", "/r1/TW/GOV/NIA/border/travel/flag?year=2026&q=", fields_of(LINES))
RESPONSE = Response(
    200,
    fields_of(
        [
            (b"Content-Type", b"application/json"),
            (b"Content-Digest", digest_field(BODY).encode()),
            (b"X-Road-Request-Hash", b"abc="),
            (b"X-Road-Id", b"TW-1"),
            (b"Date", b"Fri, 15 Jan 2027 08:00:00 GMT"),
        ]
    ),
)


def signer(key: PrivateKey = P256) -> Signer:
    return signer_of("NHI/2026", key)


def verifier(key: PrivateKey = P256, keyid: str = "NHI/2026") -> Verifier:
    return verifier_of(keyid, key.public_key())


def knows(first: Verifier, second: Verifier | None = None) -> Callable[[str], Keys | None]:
    return lambda keyid: Keys(first, second) if keyid == first.keyid else None


KNOWN = knows(verifier())


def a_request(stamp: Parameters = STAMP, key: PrivateKey = P256) -> Request:
    return sign_request(REQUEST, stamp, signer(key))


def an_answer(request: Request) -> Response:
    return sign_response(RESPONSE, request, Parameters(created=NOW, expires=NOW + 60), first=signer())


def changed(message: M, **fields: list[str] | None) -> M:
    """The same message with other lines; None takes a field away."""
    lines = dict(message.fields) | {name.replace("_", "-"): value for name, value in fields.items()}
    return msgspec.structs.replace(message, fields={name: value for name, value in lines.items() if value is not None})
