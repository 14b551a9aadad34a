"""AWS-LC against OpenSSL: what one signs the other takes, and they refuse alike."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from banyan.wire.httpsig.p256 import P256DeviceSigner, P256Signer, P256Verifier, p256_signer

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EDGES = (0, 1, 127, 128, 255, 256, ORDER - 1, ORDER, ORDER + 1, 2**255, 2**256 - 1)
secrets = st.integers(1, ORDER - 1) | st.sampled_from([1, 2, ORDER - 1])


def private(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def openssl_takes(key: ec.EllipticCurvePublicKey, base: bytes, signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        key.verify(encode_dss_signature(r, s), sha256(base).digest(), ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(secret=secrets, base=st.binary(max_size=300))
def test_each_takes_what_the_other_signs(secret: int, base: bytes) -> None:
    key = private(secret)
    signer = p256_signer("k", key)
    assert isinstance(signer, P256Signer)
    ours, theirs = signer.sign(base), P256DeviceSigner("k", key).sign(base)
    assert len(ours) == len(theirs) == 64
    verifier = P256Verifier("k", key.public_key())
    for signature in (ours, theirs):
        assert verifier.verify(base, signature)
        assert openssl_takes(key.public_key(), base, signature)
        assert not verifier.verify(base + b".", signature)
        assert not verifier.verify(base, signature[:-1])
        assert not verifier.verify(base, signature + b"\0")
        assert not P256Verifier("k", private(secret % (ORDER - 2) + 2).public_key()).verify(base, signature)


@settings(max_examples=200, deadline=None)
@given(secret=secrets, place=st.integers(0, 63), bit=st.integers(0, 7))
def test_one_bit_changed_is_refused(secret: int, place: int, bit: int) -> None:
    key = private(secret)
    signature = bytearray(p256_signer("k", key).sign(b"base"))
    signature[place] ^= 1 << bit
    assert not P256Verifier("k", key.public_key()).verify(b"base", bytes(signature))


@pytest.mark.parametrize("r", EDGES)
@pytest.mark.parametrize("s", EDGES)
def test_numbers_at_the_edges_are_judged_alike(r: int, s: int) -> None:
    key = private(7).public_key()
    signature = r.to_bytes(32) + s.to_bytes(32)
    assert P256Verifier("k", key).verify(b"base", signature) is openssl_takes(key, b"base", signature) is False


@settings(max_examples=60, deadline=None)
@given(secret=secrets)
def test_the_other_s_is_judged_alike(secret: int) -> None:
    """ECDSA takes n - s as well as s; whoever needs one form only must not count on either library."""
    key = private(secret)
    signature = p256_signer("k", key).sign(b"base")
    other = signature[:32] + (ORDER - int.from_bytes(signature[32:])).to_bytes(32)
    assert P256Verifier("k", key.public_key()).verify(b"base", other) is openssl_takes(key.public_key(), b"base", other)
