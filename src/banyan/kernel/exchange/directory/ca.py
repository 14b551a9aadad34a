"""The built-in CA: TLS certificates of gateways, short-lived, for one machine or a small nation (RFC 5280).

The directory names each certificate by its hash, so the CA vouches for nothing by itself: it only lets TLS stacks that
want a chain have one. An outside CA takes its place by its root in the snapshot.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from banyan.errors import Invalid
from banyan.kernel.exchange.directory.document import Certificate
from banyan.limits_road import DIRECTORY_REQUEST_BYTES, DIRECTORY_ROOT_DAYS, DIRECTORY_TLS_DAYS
from banyan.wire.xroad.identifiers import ServerId, encoded

_BACKDATED_S: Final = 300
"""A certificate begins this much earlier, for clocks behind ours."""
_SERIAL_BYTES: Final = 20
_COMMON_NAME_CHARACTERS: Final = 64
Random = Callable[[int], bytes]


class Ca(msgspec.Struct, frozen=True):
    """`key` may stand in a device (pkcs11.DeviceKey)."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_root(instance: str, key: ec.EllipticCurvePrivateKey, *, now: float, random: Random) -> Ca:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{instance} road CA"[:_COMMON_NAME_CHARACTERS])])
    begins, ends = _life(now, DIRECTORY_ROOT_DAYS)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), _serial(random), begins, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Ca(key, made)


def request_of(key: ec.EllipticCurvePrivateKey, server: ServerId) -> bytes:
    """A PKCS#10 request (RFC 2986) in DER: proof that whoever asks has the key. Names are the directory's to give."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, encoded(server)[:_COMMON_NAME_CHARACTERS])])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def read_request(data: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a request that it signed itself. Raises Invalid."""
    try:
        found = x509.load_der_x509_csr(data[: DIRECTORY_REQUEST_BYTES + 1])
        key = found.public_key()
        is_good = found.is_signature_valid
    except (ValueError, TypeError) as error:
        raise Invalid.at("csr", "This is no PKCS#10 request in DER.") from error
    if not is_good or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Invalid.at("csr", "Sign it with its own key, on P-256.")
    return key


def issue(
    ca: Ca, key: ec.EllipticCurvePublicKey, server: ServerId, hosts: Sequence[str], *, now: float, random: Random
) -> x509.Certificate:
    """A certificate for TLS on both sides of a call, named after the gateway and its hosts."""
    begins, ends = _life(now, DIRECTORY_TLS_DAYS)
    ends = min(ends, ca.certificate.not_valid_after_utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, encoded(server)[:_COMMON_NAME_CHARACTERS])])
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    return (
        x509.CertificateBuilder(ca.certificate.subject, name, key, _serial(random), begins, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_ca=False), critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca.key, hashes.SHA256())
    )


def read_certificate(data: bytes) -> x509.Certificate:
    """A certificate in DER or PEM. Raises Invalid."""
    try:
        if data.startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise Invalid.at("certificate", "This is no certificate in DER or PEM.") from error


def public_of(certificate: bytes) -> bytes:
    """The key of a certificate, in DER. Raises Invalid."""
    key = read_certificate(certificate).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check_issued(certificate: x509.Certificate, roots: Sequence[bytes], *, now: float) -> None:
    """Raise Invalid when none of `roots` (DER) issued it, or its time is over: nobody's TLS would take it."""
    if not certificate.not_valid_before_utc.timestamp() <= now < certificate.not_valid_after_utc.timestamp():
        raise Invalid.at("certificate", "Its time is over, or has not come.")
    for root in roots:
        try:
            certificate.verify_directly_issued_by(read_certificate(root))
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    raise Invalid.at("certificate", "None of the CAs under `roots` in centre.json issued it; name the one that did.")


def pinned(certificate: x509.Certificate) -> Certificate:
    """As the directory names it."""
    return Certificate(
        sha256(der(certificate)).digest(),
        int(certificate.not_valid_before_utc.timestamp()),
        int(certificate.not_valid_after_utc.timestamp()),
    )


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _life(now: float, days: int) -> tuple[datetime, datetime]:
    begins = datetime.fromtimestamp(int(now), UTC)
    return begins - timedelta(seconds=_BACKDATED_S), begins + timedelta(days=days)


def _serial(random: Random) -> int:
    """159 random bits: positive and of at most 20 bytes (RFC 5280 s4.1.2.2)."""
    return (int.from_bytes(random(_SERIAL_BYTES)) >> 1) | 1


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host.encode("idna").decode())
    except (UnicodeError, ValueError) as error:
        raise Invalid.at("host", f"{host[:60]!r} is neither a host's name nor an address.") from error
