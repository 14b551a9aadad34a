"""Numbers of phones as sealed blocks: AES-256 of one block holding the number. Why: docs/decisions/0123.

One block cipher call is a permutation, so under one key a number always gives the same 16 octets: they are the seal and
the unique key at once, and nobody without the key can tell or try a number. Each campaign has its own key, so the same
person's blocks of two campaigns have nothing in common. Eight octets of zeros in the block tell a changed one.
Source: FIPS 197; NIST SP 800-38D for texts (AES-GCM).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.errors import Unavailable

KEY_BYTES: Final = 32
BLOCK: Final = 16
NONCE_BYTES: Final = 12
_ZEROS: Final = bytes(8)


class Seals:
    """The seals of one campaign. `random` gives nonces."""

    def __init__(self, key: bytes, *, random: Callable[[int], bytes]) -> None:
        assert len(key) == KEY_BYTES, "a campaign's key is 256 bits"
        parts = [hmac.digest(key, use, "sha256") for use in (b"number", b"text", b"mark")]
        # Each block is a whole message of its own: this is the permutation itself, no ECB of texts.
        self._blocks = Cipher(algorithms.AES256(parts[0]), modes.ECB())  # noqa: S305
        self._texts, self._mark, self._random = AESGCM(parts[1]), parts[2], random

    def numbers(self, numbers: Sequence[str]) -> list[bytes]:
        """A block for each E.164 number."""
        plain = b"".join(int(number[1:]).to_bytes(8, "big") + _ZEROS for number in numbers)
        sealed = self._blocks.encryptor().update(plain)
        return [sealed[at : at + BLOCK] for at in range(0, len(sealed), BLOCK)]

    def opened(self, blocks: Sequence[bytes]) -> list[str]:
        """The numbers of blocks. Raises Unavailable when one was changed."""
        plain = self._blocks.decryptor().update(b"".join(blocks))
        found = []
        for at in range(0, len(plain), BLOCK):
            if plain[at + 8 : at + BLOCK] != _ZEROS:
                raise _changed()
            found.append(f"+{int.from_bytes(plain[at : at + 8], 'big')}")
        return found

    def mark(self, text: str) -> bytes:
        """By which a text is found again."""
        return hmac.digest(self._mark, text.encode(), "sha256")[:BLOCK]

    def seal(self, text: str) -> bytes:
        nonce = self._random(NONCE_BYTES)
        return nonce + self._texts.encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Raises Unavailable when it was changed."""
        try:
            return self._texts.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except InvalidTag as error:
            raise _changed() from error


def _changed() -> Unavailable:
    return Unavailable("what was sealed for a campaign was changed", remedy="restore the records from a backup")
