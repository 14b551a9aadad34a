"""Receipts: a signed word of a member that it has a message, or that this is its provider's answer.

A JWS in compact form (RFC 7515), so that the client's own programs can check it with any JOSE library and keep it for
ever; what goes between two gateways is signed by RFC 9421 besides. Algorithms: ES256, Ed25519 (RFC 9864), ML-DSA.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from banyan.errors import Invalid
from banyan.limits_road import DELIVERY_RECEIPT_CHARACTERS
from banyan.wire.httpsig.keys import ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87, Signer, Verifier
from banyan.wire.httpsig.p256 import ECDSA_P256

TYPE: Final = "banyan-receipt+jws"
_ALGORITHMS: Final = {
    ECDSA_P256: "ES256",
    ED25519: "Ed25519",
    ML_DSA_44: "ML-DSA-44",
    ML_DSA_65: "ML-DSA-65",
    ML_DSA_87: "ML-DSA-87",
}
Says = Literal["kept", "taken", "answered"]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`says`: the client's gateway has kept the message, the provider's has taken it, the provider has answered.

    `request` and `answer` are SHA-256 in hexadecimal: of what was asked (`envelope.fingerprint`) and of the answer's
    frame (`framing.py`). Times are epoch seconds."""

    says: Says
    client: str
    service: str
    message_id: str
    request: str
    at: int
    until: int = 0
    status: int = 0
    answer: str = ""


class _Head(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    typ: str


def signed(receipt: Receipt, signer: Signer) -> str:
    head = msgspec.json.encode(_Head(_ALGORITHMS[signer.alg], signer.keyid, TYPE))
    over = f"{_base64(head)}.{_base64(msgspec.json.encode(receipt))}"
    return f"{over}.{_base64(signer.sign(over.encode('ascii')))}"


def checked(text: str, key_of: Callable[[str], Verifier | None]) -> tuple[Receipt, str]:
    """The receipt and the name of the key that signed it. Raises Invalid: not a receipt, or not signed so."""
    parts = text.split(".")
    if len(text) > DELIVERY_RECEIPT_CHARACTERS or len(parts) != 3:
        raise _wrong("Send a JWS in compact form.")
    try:
        head_bytes, payload, signature = (_from_base64(part) for part in parts)
        head = msgspec.json.decode(head_bytes, type=_Head)
        receipt = msgspec.json.decode(payload, type=Receipt)
    except (msgspec.MsgspecError, ValueError) as error:  # not JSON, not base64, not UTF-8
        raise _wrong("Send a receipt of the road.") from error
    key = key_of(head.kid)
    if key is None or head.typ != TYPE or head.alg != _ALGORITHMS.get(key.alg):
        raise _wrong("It is not signed by a key of the directory.")
    if not key.verify(text.rpartition(".")[0].encode("ascii"), signature):
        raise _wrong("Its signature does not hold.")
    return receipt, head.kid


def own(text: str) -> Receipt:
    """One that this gateway signed itself and kept."""
    return msgspec.json.decode(_from_base64(text.split(".")[1]), type=Receipt)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    content = base64.b64decode(padded, altchars=b"-_", validate=True)
    if _base64(content) != text:  # one spelling only
        raise binascii.Error("not the canonical form")
    return content


def _wrong(fix: str) -> Invalid:
    return Invalid.at("receipt", fix)
