"""The log's keys: Ed25519 for every reader of today, ML-DSA-44 for those who fear a quantum computer. Files of 0600."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from banyan.kernel.storage.durable import flush_folder, make_folders
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, cosign_ed25519, cosign_ml_dsa_44
from banyan.wire.tlog.note import Ed25519Signer, Signature

SEED_BYTES = 32


class LedgerKeys:
    """Signs checkpoints of `origin`; and others' as the witness of that name, with a key of its own."""

    def __init__(self, origin: str, *, ed25519: bytes, ml_dsa_44: bytes, witness: bytes) -> None:
        self.origin = note.checked_name(origin)
        self._ed25519 = Ed25519Signer(origin, Ed25519PrivateKey.from_private_bytes(ed25519))
        self._ml_dsa_44 = MLDSA44PrivateKey.from_seed_bytes(ml_dsa_44)
        self._witness = Ed25519PrivateKey.from_private_bytes(witness)

    def sign(self, text: str, at: int) -> bytes:
        """A checkpoint's text as a note with both signatures. `at` in POSIX seconds."""
        return note.written(text, (self._ed25519.sign(text), cosign_ml_dsa_44(self.origin, self._ml_dsa_44, text, at)))

    def cosign(self, text: str, at: int) -> Signature:
        """Another log's checkpoint, cosigned as a witness."""
        return cosign_ed25519(self.witness_name, self._witness, text, at)

    @property
    def witness_name(self) -> str:
        return f"{self.origin}/witness"

    @property
    def vkeys(self) -> tuple[str, str]:
        """The log's public keys."""
        return (
            note.verifier_key(self.origin, note.ED25519, self._ed25519.verifier.key),
            note.verifier_key(self.origin, COSIGNATURE_ML_DSA_44, self._ml_dsa_44.public_key().public_bytes_raw()),
        )

    @property
    def witness_vkey(self) -> str:
        return note.verifier_key(self.witness_name, COSIGNATURE_ED25519, self._witness.public_key().public_bytes_raw())


def load_keys(folder: Path, origin: str, *, random: Callable[[int], bytes]) -> LedgerKeys:
    """The keys kept in `folder`, made at the first start. Losing them ends the log: its readers trust no other."""
    make_folders(folder)
    seeds = {name: _kept(folder / f"{name}.key", random) for name in ("ed25519", "ml_dsa_44", "witness")}
    return LedgerKeys(origin, **seeds)


def _kept(path: Path, random: Callable[[int], bytes]) -> bytes:
    if not path.exists():
        staged = path.with_suffix(".new")
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(random(SEED_BYTES))
            file.flush()
            os.fsync(file.fileno())
        staged.rename(path)
        flush_folder(path.parent)
    return path.read_bytes()
