"""Private keys in files of 0600: made where they are used, and never sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from banyan.errors import Invalid
from banyan.kernel.exchange.directory.notes import AuthorityKeys, origin_of
from banyan.kernel.storage.durable import flush_folder, make_folders
from banyan.wire.httpsig.keys import PrivateKey
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import COSIGNATURE_ML_DSA_44, cosign_ml_dsa_44
from banyan.wire.tlog.note import Ed25519Signer, Signature

SEED_BYTES: Final = 32
Random = Callable[[int], bytes]


class FileSigner:
    """The authority's keys, from seeds."""

    def __init__(self, instance: str, serial: int, *, ed25519: bytes, ml_dsa_44: bytes) -> None:
        name = origin_of(instance)
        self._ed25519 = Ed25519Signer(name, Ed25519PrivateKey.from_private_bytes(ed25519))
        self._ml_dsa_44 = MLDSA44PrivateKey.from_seed_bytes(ml_dsa_44)
        second = self._ml_dsa_44.public_key().public_bytes_raw()
        self.keys = AuthorityKeys(
            serial,
            (
                note.verifier_key(name, note.ED25519, self._ed25519.verifier.key),
                note.verifier_key(name, COSIGNATURE_ML_DSA_44, second),
            ),
        )

    def sign(self, text: str) -> Signature:
        return self._ed25519.sign(text)

    def sign_checkpoint(self, text: str, at: int) -> bytes:
        second = cosign_ml_dsa_44(self._ed25519.verifier.name, self._ml_dsa_44, text, at)
        return note.written(text, (self._ed25519.sign(text), second))


def authority_signer(folder: Path, instance: str, serial: int, *, random: Random) -> FileSigner:
    """The keys kept in `folder`, made when they are not there."""
    make_folders(folder)
    seeds = {}
    for name in ("ed25519", "ml_dsa_44"):
        path = folder / f"{name}.key"
        if not path.exists():
            write_secret(path, random(SEED_BYTES))
        seeds[name] = read_secret(path)
    return FileSigner(instance, serial, **seeds)


def new_signing_key(algorithm: str) -> PrivateKey:
    """`p256`, `ed25519` or `ml-dsa-65`. Raises Invalid."""
    match algorithm:
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ed25519":
            return Ed25519PrivateKey.generate()
        case "ml-dsa-65":
            return mldsa.MLDSA65PrivateKey.generate()
    raise Invalid.at("algorithm", "Use p256 or ed25519; ml-dsa-65 for a second signature.")


def public_der(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def save_key(path: Path, key: PrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_secret(path, pem)


def save_new(path: Path, algorithm: str) -> PrivateKey:
    """A new key, kept at `path`; the one there when there is one."""
    if not path.exists():
        save_key(path, new_signing_key(algorithm))
    return load_key(path)


def load_key(path: Path) -> PrivateKey:
    """Raises Invalid naming the file: not there, not a key, or readable by others."""
    try:
        found = serialization.load_pem_private_key(read_secret(path), None)
    except (ValueError, TypeError) as error:
        raise Invalid.at(str(path), "This file is no private key in PEM.") from error
    if not isinstance(found, PrivateKey):
        raise Invalid.at(str(path), "Keys of the road are on P-256, Ed25519 or ML-DSA.")
    return found


def write_secret(path: Path, content: bytes) -> None:
    """Put a secret in place whole, never readable by others. Raises FileExistsError: no key is ever written over."""
    if path.exists():
        raise FileExistsError(path)
    make_folders(path.parent)
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
    flush_folder(path.parent)


def read_secret(path: Path) -> bytes:
    """Raises Invalid naming the file when it is not there or others may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise Invalid.at(str(path), "Others can read this key; say chmod 600 and ask whether it must be replaced.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Invalid.at(str(path), "This key is not there.") from error
