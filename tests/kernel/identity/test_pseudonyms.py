"""Pseudonyms: the key derivation against RFC 5869's own vectors, the names against plain HMAC."""

from __future__ import annotations

import hmac
from hashlib import sha256
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.identity.pseudonyms import pseudonym, pseudonym_key

MASTER = bytes(range(32))
VECTORS = {
    "A.1": (
        b"\x0b" * 22,
        bytes(range(0x00, 0x0D)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    "A.2": (
        bytes(range(0x00, 0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    "A.3": (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
}


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 s2.2 and s2.3 word for word."""
    pseudorandom = hmac.new(salt or bytes(32), secret, sha256).digest()
    found, block = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.new(pseudorandom, block + info + bytes([number]), sha256).digest()
        found += block
    return found[:length]


@pytest.mark.parametrize("name", VECTORS)
def test_the_derivations_give_the_vectors_of_rfc_5869(name: str) -> None:
    secret, salt, info, expected = VECTORS[name]
    length = len(expected) // 2
    assert hkdf(secret, salt, info, length).hex() == expected
    assert HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret).hex() == expected


@given(st.binary(min_size=32, max_size=64), st.sampled_from(["031", "088"]), st.text("AB/", max_size=9), st.integers(0))
def test_a_key_is_the_derivation_of_its_purpose_recipient_and_epoch(
    master: bytes, purpose: str, recipient: str, epoch: int
) -> None:
    info = f"banyan pseudonym|{purpose}|{recipient}|{epoch}".encode()
    assert pseudonym_key(master, purpose, recipient, epoch=epoch) == hkdf(master, b"", info, 32)


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=200))
def test_a_name_is_hmac_of_the_person(key: bytes, person: bytes) -> None:
    expected = hmac.new(key, person, sha256).digest()
    assert pseudonym(key, person) == expected
    assert pseudonym(key, person) == expected, "the second use of a key gives another name"


def test_no_two_of_purpose_recipient_and_epoch_share_a_key() -> None:
    keys = [
        pseudonym_key(MASTER, *who, epoch=epoch)
        for who in (("031", "A"), ("031", "B"), ("088", "A"))
        for epoch in (0, 1)
    ]
    assert all(one != other for one, other in combinations(keys, 2))


@pytest.mark.parametrize(("purpose", "recipient"), [("a|b", "c"), ("a", "b|c")])
def test_a_bar_in_a_name_is_refused(purpose: str, recipient: str) -> None:
    with pytest.raises(AssertionError, match="bar"):
        pseudonym_key(MASTER, purpose, recipient)


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(AssertionError, match="256"):
        pseudonym_key(bytes(31), "a", "b")
