"""Beacons of drand's quicknet, checked without a network: real rounds hold, everything else is refused."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from banyan.craft.draw.beacon import (
    BadBeacon,
    Beacon,
    in_folder,
    randomness_of,
    randomness_of_numbers,
    read_beacon,
    round_at,
    time_of,
)

REAL = {
    123: "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
    1_000: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
    657_413: "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
}
"""Published rounds: drand's and drand-verify's own documents."""


@pytest.mark.parametrize("round", REAL)
def test_real_rounds_hold(round: int) -> None:
    expected = sha256(bytes.fromhex(REAL[round])).digest()
    assert randomness_of(Beacon(round, REAL[round]), round=round) == expected
    assert randomness_of(Beacon(round, REAL[round], expected.hex()), round=round) == expected


def test_the_documented_vector() -> None:
    found = randomness_of(Beacon(657_413, REAL[657_413]), round=657_413)
    assert found.hex() == "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587"


@pytest.mark.parametrize(
    ("beacon", "round", "why"),
    [
        (Beacon(657_413, REAL[657_413]), 657_414, "round 657414 was named"),
        (Beacon(657_414, REAL[657_413]), 657_414, "did not sign"),
        (Beacon(123, REAL[1_000]), 123, "did not sign"),
        (Beacon(123, "zz" * 48), 123, "hexadecimal"),
        (Beacon(123, REAL[123].upper()), 123, "hexadecimal"),
        (Beacon(123, REAL[123][:-2]), 123, "hexadecimal"),
        (Beacon(123, ""), 123, "hexadecimal"),
        (Beacon(123, "00" * 48), 123, "did not sign"),
        (Beacon(123, "c0" + "00" * 47), 123, "did not sign"),
        (Beacon(123, REAL[123], "00" * 32), 123, "not that of the signature"),
        (Beacon(0, REAL[123]), 0, "no round"),
        (Beacon(-5, REAL[123]), -5, "no round"),
        (Beacon(2**70, REAL[123]), 2**70, "no round"),
    ],
)
def test_anything_else_is_refused(beacon: Beacon, round: int, why: str) -> None:
    with pytest.raises(BadBeacon, match=why):
        randomness_of(beacon, round=round)


def test_one_bit_of_the_signature_is_enough() -> None:
    sound = bytes.fromhex(REAL[123])
    for bit in range(0, 384, 37):
        bent = bytearray(sound)
        bent[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadBeacon):
            randomness_of(Beacon(123, bent.hex()), round=123)


def test_drands_own_answer_is_read() -> None:
    answer = msgspec.json.encode({"round": 123, "randomness": "", "signature": REAL[123], "previous_signature": ""})
    assert read_beacon(answer) == Beacon(123, REAL[123])
    for bad in (b"", b"[]", b'{"round": "123"}', b"\xff", b"[" * 4_000, b" " * 5_000):
        with pytest.raises(BadBeacon):
            read_beacon(bad)


def test_rounds_and_their_times() -> None:
    assert time_of(1) == 1_692_803_367
    assert time_of(657_413) == 1_694_775_603
    for at in (1_692_803_367, 1_694_775_601, 1_694_775_603, 1_694_775_603.5):
        assert time_of(round_at(at) - 1) < at <= time_of(round_at(at)) or round_at(at) == 1
    assert round_at(0) == 1


def test_numbers_drawn_in_public_count_with_their_source_and_order() -> None:
    assert randomness_of_numbers("draw 7", "3 11 19") == sha256(b"draw 7\n3 11 19").digest()
    assert randomness_of_numbers("draw 7", "11 3 19") != randomness_of_numbers("draw 7", "3 11 19")
    assert randomness_of_numbers("draw 8", "3 11 19") != randomness_of_numbers("draw 7", "3 11 19")
    for bad in ("", "3,11", " 3", "3  4", "three"):
        with pytest.raises(BadBeacon):
            randomness_of_numbers("draw 7", bad)


def test_beacons_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "123.json").write_bytes(b'{"round": 123, "signature": "' + REAL[123].encode() + b'"}')
    found = asyncio.run(_asked(tmp_path, 123))
    assert found is not None
    assert randomness_of(read_beacon(found), round=123)
    assert asyncio.run(_asked(tmp_path, 124)) is None


async def _asked(folder: Path, round: int) -> bytes | None:
    return await in_folder(folder)(round)
