"""A Bloom filter of those who can buy nothing now: never misses one, and takes about 1 % of the others for one.

Seven places, each 32 bits of one HMAC-SHA256, modulo the filter's bits; at 10 bits a person. A false positive costs a
question online or a unit of the reserve, a miss would cost a breach. Source: Bloom, CACM 13(7), 1970; why no binary
fuse filter: docs/decisions/0116.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

import numpy as np

PLACES: Final = 7
BITS_EACH: Final = 10
LEAST_BITS: Final = 8_192
"""Of an empty area's: a filter's length must not tell that three people live there."""
DIGEST: Final = 32


def bits_for(persons: int, most: int) -> int:
    """How long a filter of so many is: a multiple of 8, at most `most`; past that it takes more for served."""
    return min(most, max(LEAST_BITS, -(-persons * BITS_EACH // LEAST_BITS) * LEAST_BITS))


def entry(key: bytes, name: bytes) -> bytes:
    """A person's entry under a snapshot's key."""
    return hmac.digest(key, name, "sha256")


def built(entries: Iterable[bytes], bits: int) -> bytes:
    """The filter; bit b is bit `b % 8` (of the value 1 << b % 8) of byte `b // 8`."""
    assert 8 <= bits < 2**32, "places are 32 bits"
    assert bits % 8 == 0, "whole bytes"
    raw = b"".join(entries)
    words = np.frombuffer(raw, dtype=">u4").reshape(-1, DIGEST // 4)[:, :PLACES]
    places = (words.astype(np.uint32) % np.uint32(bits)).ravel()
    filled = np.zeros(bits, dtype=np.uint8)
    filled[places] = 1
    return np.packbits(filled, bitorder="little").tobytes()


def holds(filled: bytes, digest: bytes) -> bool:
    """Is it (probably) there?"""
    bits = len(filled) * 8
    for at in range(0, PLACES * 4, 4):
        place = int.from_bytes(digest[at : at + 4], "big") % bits
        if not filled[place // 8] >> place % 8 & 1:
            return False
    return True


def false_positives(filled: bytes) -> float:
    """The share of others that it takes for served, from its own fill."""
    ones = int(np.unpackbits(np.frombuffer(filled, dtype=np.uint8)).sum())
    return float((ones / (len(filled) * 8)) ** PLACES)
