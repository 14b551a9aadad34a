"""What the authority says, entry by entry of its log: signed notes (c2sp.org/signed-note) of a few lines each.

    banyan-directory/1
    KIND
    INSTANCE
    …

`authority` SERIAL AT VKEY VKEY names the authority's keys: the first such entry signs itself, each later one is signed
by the old key and the new. `snapshot` VERSION AT SHA-256 SIZE names a document. `revoke` KIND SUBJECT AT ends
something. Entries of other kinds are for later releases and passed over, but must be signed like these.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import msgspec

from banyan.kernel.exchange.directory.document import Revoked, fingerprint, key_name, load_verifier
from banyan.limits_road import DIRECTORY_DOCUMENT_BYTES, DIRECTORY_NOTE_BYTES
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import COSIGNATURE_ML_DSA_44, parse_size, verifier_of
from banyan.wire.tlog.note import BadNote, Note, Signature, Verifier
from banyan.wire.xroad.identifiers import ClientId

HEAD: Final = "banyan-directory/1"
_OWN_KEY: Final = 0xFF
"""The signature type for keys that notes have no number for (c2sp.org/signed-note)."""


class AuthorityKeys(msgspec.Struct, frozen=True):
    """The public keys of the authority: Ed25519 signs entries and checkpoints; ML-DSA-44 signs checkpoints with their
    time, and holds against a quantum computer. `serial` counts from 1."""

    serial: int
    vkeys: tuple[str, str]

    @property
    def entry_key(self) -> Verifier:
        return verifier_of(self.vkeys[0])

    @property
    def verifiers(self) -> tuple[Verifier, Verifier]:
        return verifier_of(self.vkeys[0]), verifier_of(self.vkeys[1])


class Succession(msgspec.Struct, frozen=True):
    """The authority's keys from here on."""

    keys: AuthorityKeys
    at: int


class Announced(msgspec.Struct, frozen=True):
    """A snapshot: the SHA-256 and size of its bytes."""

    version: int
    at: int
    sha256: bytes
    size: int


class Revocation(msgspec.Struct, frozen=True):
    what: Revoked


class Foreign(msgspec.Struct, frozen=True):
    """An entry of a kind that this release does not know."""

    kind: str


Said = Succession | Announced | Revocation | Foreign


def origin_of(instance: str) -> str:
    """The name of the authority's log and of its keys."""
    return f"{quote(instance, safe='')}/directory"


def text_of(instance: str, said: Succession | Announced | Revocation) -> str:
    match said:
        case Succession(keys, at):
            lines: Sequence[object] = ("authority", quote(instance, safe=""), keys.serial, at, *keys.vkeys)
        case Announced(version, at, digest, size):
            encoded = base64.b64encode(digest).decode()
            lines = ("snapshot", quote(instance, safe=""), version, at, encoded, size)
        case Revocation(what):
            lines = ("revoke", quote(instance, safe=""), what.kind, what.subject, what.at)
    return "".join(f"{line}\n" for line in (HEAD, *lines))


def parse_text(text: str, instance: str) -> Said:
    """Raises BadNote: not of this form, or of another instance."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or lines[0] != HEAD or lines[2] != quote(instance, safe=""):
        raise BadNote(f"an entry of {instance}'s directory starts with {HEAD}, its kind and the instance")
    kind = lines[1]
    match kind, lines[3:]:
        case "authority", [serial, at, first, second]:
            keys = AuthorityKeys(parse_size(serial), (first, second))
            check_vkeys(keys, instance)
            return Succession(keys, parse_size(at))
        case "snapshot", [version, at, encoded, size]:
            announced = Announced(parse_size(version), parse_size(at), note.decoded(encoded), parse_size(size))
            if len(announced.sha256) != 32 or not 0 < announced.size <= DIRECTORY_DOCUMENT_BYTES:
                raise BadNote("a snapshot is named by a SHA-256 and its size within bounds")
            return announced
        case "revoke", [what, subject, at]:
            try:
                said = {"kind": what, "subject": subject, "at": parse_size(at)}
                return Revocation(msgspec.convert(said, Revoked))
            except msgspec.ValidationError as error:
                raise BadNote(f"a revocation: {error}") from error
        case (("authority" | "snapshot" | "revoke"), _):
            raise BadNote(f"an entry of kind {kind} has other lines")
    return Foreign(kind[:60])


def opened(data: bytes, instance: str, keys: AuthorityKeys) -> Said:
    """What an entry says, when `keys` signed it; a succession must be signed by its own new key too. Raises BadNote."""
    parsed = _canonical(data)
    said = parse_text(parsed.text, instance)
    needed = [keys.entry_key]
    if isinstance(said, Succession):
        needed.append(said.keys.entry_key)
    known = {(one.name, one.key_id): one for one in needed}
    good, _ = note.verified(parsed, list(known.values()))
    if len(good) != len(known):
        raise BadNote("the authority's key did not sign the entry")
    return said


def end_of_key(instance: str, owner: ClientId, public: bytes, at: int, sign: Callable[[bytes], bytes]) -> bytes:
    """The note by which a member's key ends itself, signed by that key: when it was stolen and the centre is away."""
    what = Revoked("key", key_name(owner, public), at)
    text = text_of(instance, Revocation(what))
    name = f"key/{fingerprint(public)}"
    line = Signature(name, note.key_id(name, _OWN_KEY, public), sign(text.encode()))
    return note.written(text, (line,))


def is_own_end(data: bytes) -> bool:
    """Whether a revocation that was taken is by the key that it ends."""
    return data.rpartition(b"\n\n")[2].startswith("\u2014 key/".encode())


def opened_end(data: bytes, instance: str, public_of: Callable[[str], bytes | None]) -> Revocation | None:
    """Such a note; None when `public_of` knows no key of that name: then there is nothing to end. Raises BadNote."""
    parsed = _canonical(data)
    said = parse_text(parsed.text, instance)
    if not isinstance(said, Revocation) or said.what.kind != "key" or len(parsed.signatures) != 1:
        raise BadNote("a revocation is not signed by the authority")
    public = public_of(said.what.subject)
    if public is None:
        return None
    line, name = parsed.signatures[0], f"key/{fingerprint(public)}"
    verifier = load_verifier(said.what.subject, public)
    if (line.name, line.key_id) != (name, note.key_id(name, _OWN_KEY, public)):
        raise BadNote("a key is ended by itself or by the authority")
    if not verifier.verify(parsed.text.encode(), line.signature):
        raise BadNote("the key's signature does not fit")
    return said


def peek(data: bytes, instance: str) -> Said:
    """What an entry says, nothing verified. Raises BadNote."""
    return parse_text(note.parse(data).text, instance)


def _canonical(data: bytes) -> Note:
    if len(data) > DIRECTORY_NOTE_BYTES:
        raise BadNote(f"an entry has at most {DIRECTORY_NOTE_BYTES} bytes")
    parsed = note.parse(data)
    if note.written(parsed.text, parsed.signatures) != data:
        raise BadNote("an entry is in its canonical spelling")
    return parsed


def digest_of(document: bytes) -> bytes:
    return sha256(document).digest()


def check_vkeys(keys: AuthorityKeys, instance: str) -> None:
    kinds = [note.parse_verifier_key(vkey)[:2] for vkey in keys.vkeys]
    name = origin_of(instance)
    if kinds != [(name, note.ED25519), (name, COSIGNATURE_ML_DSA_44)]:
        raise BadNote(f"the authority's keys are an Ed25519 and an ML-DSA-44 key named {name}")
    _ = keys.verifiers
