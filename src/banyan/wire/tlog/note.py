"""Signed notes (c2sp.org/signed-note): a text, an empty line, signature lines `— name base64(key id || signature)`.

Verifier keys are `name+hex key id+base64(type || public key)`. Types here: Ed25519 (0x01), Ed25519 cosignature (0x04),
ML-DSA-44 cosignature (0x06); signatures of other keys are kept and told apart, never an error.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519: Final = 0x01
NOTE_BYTES: Final = 1_000_000
"""Of a whole note: what Go's sumdb/note takes."""
SIGNATURES: Final = 100
_DASH: Final = "\u2014 "


class BadNote(ValueError):
    """Bytes that are no note, or a key that is none; the text says what is wrong."""


class Signature(msgspec.Struct, frozen=True):
    """One line: who signed by which key, and the bytes behind the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


class Note(msgspec.Struct, frozen=True):
    """A parsed note; nothing is verified yet. `text` ends with a newline."""

    text: str
    signatures: tuple[Signature, ...]


class Verifier(Protocol):
    """A public key that can be asked about a note."""

    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> bytes: ...
    def verify(self, text: str, signature: bytes) -> bool:
        """Whether `signature` is this key's over the note text."""


class Ed25519Verifier(msgspec.Struct, frozen=True):
    """Type 0x01: an Ed25519 signature over the text itself."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, ED25519, self.key)

    def verify(self, text: str, signature: bytes) -> bool:
        return verify_ed25519(self.key, signature, text.encode())


class Ed25519Signer:
    """Signs notes as `name`."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.verifier = Ed25519Verifier(checked_name(name), key.public_key().public_bytes_raw())
        self._key = key

    def sign(self, text: str) -> Signature:
        return Signature(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))


def parse(data: bytes) -> Note:
    """Split a note. Raises BadNote."""
    if len(data) > NOTE_BYTES:
        raise BadNote(f"a note is at most {NOTE_BYTES} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote("a note is UTF-8") from error
    if any(ord(mark) < 0x20 and mark != "\n" for mark in whole):
        raise BadNote("a note holds no control characters")
    place = whole.rfind("\n\n")
    if place < 0 or not whole.endswith("\n"):
        raise BadNote("a note has an empty line before its signatures and ends with a newline")
    lines = whole[place + 2 : -1].split("\n")
    if len(lines) > SIGNATURES:
        raise BadNote(f"a note has at most {SIGNATURES} signatures")
    return Note(whole[: place + 1], tuple(parse_line(line) for line in lines))


def parse_line(line: str) -> Signature:
    """A signature line without its newline. Raises BadNote."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not _is_name(name):
        raise BadNote("a signature line is '— name base64'")
    raw = decoded(encoded, strictly=False)  # as Go reads it: a witness must answer 403, not 400
    if len(raw) < 5:
        raise BadNote("a signature is a key id of 4 bytes and at least one more")
    return Signature(name, raw[:4], raw[4:])


def written(text: str, signatures: Sequence[Signature]) -> bytes:
    """The note as bytes."""
    assert text.endswith("\n"), "a note's text ends with a newline"
    return (text + "\n" + "".join(one.line for one in signatures)).encode()


def verified(note: Note, known: Sequence[Verifier]) -> tuple[list[Signature], list[Signature]]:
    """The signatures of known keys, each key once, and the others. Raises BadNote when a known key's is wrong: such a
    note was tampered with. Source: c2sp.org/signed-note, as Go's note.Open does."""
    keys = {(one.name, one.key_id): one for one in known}
    good: list[Signature] = []
    rest: list[Signature] = []
    seen: set[tuple[str, bytes]] = set()
    for signature in note.signatures:
        at = (signature.name, signature.key_id)
        verifier = keys.get(at)
        if verifier is None:
            rest.append(signature)
        elif at not in seen:
            if not verifier.verify(note.text, signature.signature):
                raise BadNote(f"the signature of {signature.name} does not fit")
            seen.add(at)
            good.append(signature)
    return good, rest


def opened(data: bytes, known: Sequence[Verifier]) -> Note:
    """The note when at least one known key signed it. Raises BadNote."""
    note = parse(data)
    if not verified(note, known)[0]:
        raise BadNote("no known key signed the note")
    return note


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """The 4 bytes that name a key in a signature line."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_key(name: str, kind: int, key: bytes) -> str:
    """The public key as text (vkey)."""
    encoded = base64.b64encode(bytes([kind]) + key).decode()
    return f"{name}+{key_id(name, kind, key).hex()}+{encoded}"


def parse_verifier_key(text: str) -> tuple[str, int, bytes]:
    """(name, type, public key) of a vkey. Raises BadNote when it is malformed or its id is another key's."""
    name, _, rest = text.partition("+")
    known, _, encoded = rest.partition("+")
    raw = decoded(encoded)
    if not _is_name(name) or len(known) != 8 or len(raw) < 2:
        raise BadNote("a verifier key is 'name+id+base64'")
    if key_id(name, raw[0], raw[1:]).hex() != known:
        raise BadNote("the key id is another key's")
    if raw[0] == ED25519 and len(raw) != 33:
        raise BadNote("an Ed25519 key is 32 bytes")
    return name, raw[0], raw[1:]


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def checked_name(name: str) -> str:
    """A key name fit for a note. Raises BadNote."""
    if not _is_name(name):
        raise BadNote("a key name is not empty and holds no space and no plus")
    return name


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(mark.isspace() for mark in name)


def decoded(text: str, *, strictly: bool = True) -> bytes:
    """Base64; `strictly`: only in its one canonical spelling. Raises BadNote."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("not base64") from error
    if strictly and base64.b64encode(raw).decode() != text:
        raise BadNote("not canonical base64")
    return raw
