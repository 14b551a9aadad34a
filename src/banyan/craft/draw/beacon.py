"""The randomness nobody knew when the list was published: a round of drand's quicknet, or numbers drawn in public.

A quicknet beacon is a BLS signature over the round's number by a threshold of the League of Entropy's members; its
randomness is the SHA-256 of it. Checked here without a network, by the network's public key. Where drand cannot be had,
the fallback is two nonces committed by independent bodies and numbers drawn in public (a lottery's, a die's).
Sources: https://docs.drand.love (quicknet, scheme bls-unchained-g1-rfc9380); chain hash
52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Final, Protocol

import msgspec
from drand_verify import verify_bls_unchained_g1_rfc9380

from banyan.errors import UNREADABLE

CHAIN: Final = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
GENESIS: Final = 1_692_803_367
PERIOD_S: Final = 3
PUBLIC_KEY: Final = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc2"
    "2b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
LAST_ROUND: Final = 10_000_000_000
"""In the year 2974; a number beyond it is a slip of the keyboard."""
BEACON_BYTES: Final = 4_096
"""Of a beacon's file: the networks' answers have about 300."""
_SIGNATURE: Final = re.compile(r"[0-9a-f]{96}")
_NUMBERS: Final = re.compile(r"\d+( \d+)*")


class BadBeacon(ValueError):
    """What was given is no beacon of the round; the text says why."""


class Beacon(msgspec.Struct, frozen=True):
    """A round and its signature (96 hexadecimal digits), as drand's own HTTP answers have them."""

    round: int
    signature: str
    randomness: str = ""


class BeaconSource(Protocol):
    """Where beacons come from when an operator does not paste one: a folder, or a program that fetches them."""

    def __call__(self, round: int) -> Awaitable[bytes | None]:
        """The bytes of the round's beacon as drand answered; None while it is not there."""


def round_at(at: float) -> int:
    """The first round whose randomness comes to be at `at` (epoch seconds) or later."""
    return max(1, ceil((at - GENESIS) / PERIOD_S) + 1)


def time_of(round: int) -> int:
    """When the round's randomness comes to be, epoch seconds."""
    return GENESIS + (round - 1) * PERIOD_S


def read_beacon(data: bytes) -> Beacon:
    """A beacon as drand's HTTP interface gives it, or as an operator pasted it. Raises BadBeacon."""
    if len(data) > BEACON_BYTES:
        raise BadBeacon(f"a beacon has at most {BEACON_BYTES} bytes")
    try:
        return msgspec.json.decode(data, type=Beacon)
    except UNREADABLE as error:
        raise BadBeacon('a beacon is JSON such as {"round": 1, "signature": "…"}') from error


def randomness_of(beacon: Beacon, *, round: int) -> bytes:
    """The randomness of the round that was named. Raises BadBeacon for another round, or a signature that the network
    did not make. 1.7 ms."""
    if beacon.round != round:
        raise BadBeacon(f"this beacon is of round {beacon.round}; round {round} was named")
    if not 1 <= round <= LAST_ROUND:
        raise BadBeacon(f"there is no round {round}")
    if not _SIGNATURE.fullmatch(beacon.signature):  # the library panics on what is not hexadecimal
        raise BadBeacon("a signature has 96 lower-case hexadecimal digits")
    try:
        found = str(verify_bls_unchained_g1_rfc9380(round, beacon.signature, PUBLIC_KEY))
    except ValueError as error:
        raise BadBeacon(f"drand's quicknet did not sign this for round {round}") from error
    if beacon.randomness not in ("", found):
        raise BadBeacon("the randomness is not that of the signature")
    return bytes.fromhex(found)


def randomness_of_numbers(source: str, numbers: str) -> bytes:
    """The randomness of numbers drawn in public, in the order in which they were drawn: `3 11 19`. Raises BadBeacon."""
    if not _NUMBERS.fullmatch(numbers) or len(numbers) > BEACON_BYTES:
        raise BadBeacon("write the numbers in the order drawn, with one space between: 3 11 19")
    return sha256(f"{source}\n{numbers}".encode()).digest()


def in_folder(folder: Path) -> BeaconSource:
    """Beacons that somebody puts into a folder as `ROUND.json`."""

    async def read(round: int) -> bytes | None:
        path = folder / f"{round}.json"
        return path.read_bytes() if path.is_file() and path.stat().st_size <= BEACON_BYTES else None

    return read
