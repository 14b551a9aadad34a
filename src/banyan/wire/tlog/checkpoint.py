"""Checkpoints (c2sp.org/tlog-checkpoint) and cosignatures over them (c2sp.org/tlog-cosignature).

A log signs with Ed25519 and, against a quantum computer, with an ML-DSA-44 cosignature of its own; witnesses cosign
with either. Times are POSIX seconds.
"""

from __future__ import annotations

import base64
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from banyan.wire.tlog import note
from banyan.wire.tlog.merkle import HASH_BYTES
from banyan.wire.tlog.note import BadNote, Signature

COSIGNATURE_ED25519: Final = 0x04
COSIGNATURE_ML_DSA_44: Final = 0x06
_LABEL: Final = b"subtree/v1\n\0"
_TIME_BYTES: Final = 8
_LATEST: Final = 2**63 - 1


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head: `size` leaves under `root` in the log `origin`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note's text."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_text(text: str) -> Checkpoint:
    """A note's text as a checkpoint. Raises BadNote."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not text.endswith("\n"):
        raise BadNote("a checkpoint has an origin, a size and a root, each on its line")
    size = parse_size(lines[1])
    root = note.decoded(lines[2])
    if len(root) != HASH_BYTES:
        raise BadNote(f"a root is {HASH_BYTES} bytes")
    return Checkpoint(lines[0], size, root, tuple(lines[3:]))


def parse_size(text: str) -> int:
    """A decimal without leading zeroes, below 2**63. Raises BadNote."""
    if not (text.isascii() and text.isdigit() and len(text) < 20) or (len(text) > 1 and text[0] == "0"):
        raise BadNote(f"{text[:30]!r} is no size")
    if int(text) > _LATEST:
        raise BadNote("a size is below 2**63")
    return int(text)


class Ed25519Cosigner(msgspec.Struct, frozen=True):
    """Type 0x04: who verifies an Ed25519 cosignature. `earliest`..`latest` bound its time."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        return note.key_id(self.name, COSIGNATURE_ED25519, self.key)

    def verify(self, text: str, signature: bytes) -> bool:
        if len(signature) != _TIME_BYTES + 64:
            return False
        at = int.from_bytes(signature[:_TIME_BYTES])
        return at <= _LATEST and note.verify_ed25519(self.key, signature[_TIME_BYTES:], ed25519_message(text, at))


class MlDsa44Cosigner(msgspec.Struct, frozen=True):
    """Type 0x06: who verifies an ML-DSA-44 cosignature of a checkpoint."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        return note.key_id(self.name, COSIGNATURE_ML_DSA_44, self.key)

    def verify(self, text: str, signature: bytes) -> bool:
        at = int.from_bytes(signature[:_TIME_BYTES])
        if len(signature) != _TIME_BYTES + 2_420 or at > _LATEST:
            return False
        try:
            message = ml_dsa_44_message(self.name, parse_text(text), at)
            MLDSA44PublicKey.from_public_bytes(self.key).verify(signature[_TIME_BYTES:], message)
        except (InvalidSignature, BadNote, ValueError):
            return False
        return True


def cosign_ed25519(name: str, key: Ed25519PrivateKey, text: str, at: int) -> Signature:
    """An Ed25519 cosignature of a checkpoint's text, made at `at`."""
    public = key.public_key().public_bytes_raw()
    signature = at.to_bytes(_TIME_BYTES) + key.sign(ed25519_message(text, at))
    return Signature(note.checked_name(name), note.key_id(name, COSIGNATURE_ED25519, public), signature)


def cosign_ml_dsa_44(name: str, key: MLDSA44PrivateKey, text: str, at: int) -> Signature:
    """An ML-DSA-44 cosignature of a checkpoint's text, made at `at`."""
    public = key.public_key().public_bytes_raw()
    signature = at.to_bytes(_TIME_BYTES) + key.sign(ml_dsa_44_message(name, parse_text(text), at))
    return Signature(note.checked_name(name), note.key_id(name, COSIGNATURE_ML_DSA_44, public), signature)


def ed25519_message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def ml_dsa_44_message(name: str, checkpoint: Checkpoint, at: int) -> bytes:
    """`cosigned_message` of a whole tree: start 0, end its size."""
    return b"".join(
        (
            _LABEL,
            _opaque(name),
            at.to_bytes(8),
            _opaque(checkpoint.origin),
            (0).to_bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def signed_at(signature: Signature) -> int:
    """The time a cosignature states."""
    return int.from_bytes(signature.signature[:_TIME_BYTES])


def verifier_of(vkey: str) -> note.Verifier:
    """The verifier of a vkey of a type known here. Raises BadNote."""
    name, kind, key = note.parse_verifier_key(vkey)
    if kind == note.ED25519:
        return note.Ed25519Verifier(name, key)
    if kind == COSIGNATURE_ED25519 and len(key) == 32:
        return Ed25519Cosigner(name, key)
    if kind == COSIGNATURE_ML_DSA_44 and len(key) == 1_312:
        return MlDsa44Cosigner(name, key)
    raise BadNote(f"no key type 0x{kind:02x} of {len(key)} bytes is known here")


def _opaque(text: str) -> bytes:
    raw = text.encode()
    if not 1 <= len(raw) <= 255:
        raise BadNote("a name is 1 to 255 bytes")
    return bytes([len(raw)]) + raw
