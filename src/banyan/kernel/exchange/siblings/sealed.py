"""An act under the signature of a gateway of its member, so that it may be passed on by any other.

Keys end and acts stay: a gateway that passes on an act whose signers' keys no longer count signs it too. What it
cannot vouch for it would not hold.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final

import msgspec

from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.road.model import Directory
from banyan.limits_road import DIRECTORY_KEY_BYTES, DIRECTORY_KEYS
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.identifiers import ClientId

_CONTEXT: Final = b"banyan-member-act/1\n"
"""No other signature of the road begins so."""
Signature = Annotated[bytes, msgspec.Meta(max_length=2 * DIRECTORY_KEY_BYTES)]
"""ML-DSA-87's has 4,627 bytes."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """`second`: by the post-quantum key that the directory has beside the first."""

    keyid: Annotated[str, msgspec.Meta(max_length=1_024)]
    signature: Signature
    second: Signature = b""


class Sealed(msgspec.Struct, frozen=True):
    """What was done, byte for byte as it was signed."""

    content: bytes
    lines: Annotated[tuple[Line, ...], msgspec.Meta(max_length=DIRECTORY_KEYS)]

    @property
    def name(self) -> str:
        return sha256(self.content).hexdigest()

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


_DECODER: Final = msgspec.json.Decoder(Sealed)


def read_sealed(data: bytes) -> Sealed:
    """One of our own store's. Raises msgspec.MsgspecError."""
    return _DECODER.decode(data)


def seal(content: bytes, signing: Signing) -> Sealed:
    return Sealed(content, (_line(content, signing),))


def vouched(sealed: Sealed, signing: Signing, owner: ClientId, directory: Directory) -> Sealed:
    """As it is passed on: signed by this gateway too when no key in it counts any more."""
    if any(_keys(line, owner, directory) is not None for line in sealed.lines):
        return sealed
    return Sealed(sealed.content, (_line(sealed.content, signing),))


def proven(sealed: Sealed, owner: ClientId, directory: Directory) -> Sealed | None:
    """With the signatures that hold: by keys which the directory has of `owner` now. None when none does."""
    good = tuple(line for line in sealed.lines if _holds(line, sealed.content, owner, directory))
    return Sealed(sealed.content, good) if good else None


def _line(content: bytes, signing: Signing) -> Line:
    base = _CONTEXT + content
    second = signing.second.sign(base) if signing.second is not None else b""
    return Line(signing.first.keyid, signing.first.sign(base), second)


def _keys(line: Line, owner: ClientId, directory: Directory) -> Keys | None:
    return directory.keys(line.keyid) if directory.signer(line.keyid) == owner else None


def _holds(line: Line, content: bytes, owner: ClientId, directory: Directory) -> bool:
    keys, base = _keys(line, owner, directory), _CONTEXT + content
    if keys is None or not keys.first.verify(base, line.signature):
        return False
    return keys.second is None or keys.second.verify(base, line.second)
