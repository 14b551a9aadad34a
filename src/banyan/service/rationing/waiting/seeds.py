"""The seeds that order each window of arrivals: a chain of hashes, its end published first.

`anchor` = SHA-256 of window 0's seed, and each window's seed is the SHA-256 of the next window's. Once a window is over
its seed is published: anybody sees by hashing that it was settled before the room opened, and orders the window anew.
"""

from __future__ import annotations

from hashlib import sha256


def chain(secret: bytes, windows: int) -> list[bytes]:
    """The seeds of windows 0..`windows`-1; the last is the secret itself. 0.4 us each."""
    seeds = [secret]
    for _ in range(windows - 1):
        seeds.append(sha256(seeds[-1]).digest())
    return seeds[::-1]


def anchor(seeds: list[bytes]) -> bytes:
    """What is published before the room opens."""
    return sha256(seeds[0]).digest()


def follows(seed: bytes, window: int, anchor: bytes) -> bool:
    """Whether a seed is that of a window of the chain that ends in `anchor`."""
    for _ in range(window + 1):
        seed = sha256(seed).digest()
    return seed == anchor
