"""Token Status List (draft-ietf-oauth-status-list): one or few bits for each credential, compressed.

Entries are read from the least significant bit of each byte. Values: 0 valid, 1 invalid (revoked), 2 suspended.
"""

from __future__ import annotations

import zlib
from typing import Final, Literal

from banyan.wire.sdjwt.disclosures import BadCredential, b64, unb64

Bits = Literal[1, 2, 4, 8]
VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2
LIST_BYTES: Final = 16 * 1024 * 1024
"""Of an unpacked list: 16 million holders at 8 bits; a larger one is a bomb."""


class StatusList:
    """`size` entries of `bits` bits, all valid at first."""

    def __init__(self, size: int, bits: Bits = 1, raw: bytes | None = None) -> None:
        self.bits: Bits = bits
        self._raw = bytearray(-(-size * bits // 8)) if raw is None else bytearray(raw)

    def __len__(self) -> int:
        return len(self._raw) * 8 // self.bits

    def __getitem__(self, index: int) -> int:
        place, shift = divmod(index * self.bits, 8)
        if not 0 <= place < len(self._raw):
            raise BadCredential("the status list has no such index")
        return self._raw[place] >> shift & ((1 << self.bits) - 1)

    def set(self, index: int, value: int) -> None:
        assert 0 <= value < 1 << self.bits, f"{value} needs more than {self.bits} bits"
        place, shift = divmod(index * self.bits, 8)
        mask = ((1 << self.bits) - 1) << shift
        self._raw[place] = self._raw[place] & ~mask | value << shift

    def claim(self) -> dict[str, int | str]:
        """The `status_list` claim: `bits` and `lst`."""
        return {"bits": self.bits, "lst": b64(zlib.compress(bytes(self._raw), 9))}


def parse_claim(bits: object, lst: object) -> StatusList:
    """A `status_list` claim. Raises BadCredential."""
    if bits not in (1, 2, 4, 8) or not isinstance(lst, str):
        raise BadCredential("a status list has bits 1, 2, 4 or 8 and lst")
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(unb64(lst), LIST_BYTES)
    except zlib.error as error:
        raise BadCredential("lst is not compressed by zlib") from error
    if engine.unconsumed_tail or not engine.eof:
        raise BadCredential(f"a status list is at most {LIST_BYTES} bytes, and whole")
    return StatusList(0, bits, raw)
