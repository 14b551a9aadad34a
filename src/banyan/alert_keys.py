"""The key that signs this node's CAP documents, in its data folder beside what it signs; made at the first start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.storage.durable import flush_folder, make_folders, write_secret
from banyan.service.alerts.signer import Signer

KEY: Final = "cap-{}.key"
CERTIFICATE: Final = "cap-{}.pem"
YEARS: Final = 5
RENEWED: Final = timedelta(days=90)
"""Before its end a certificate has a successor: whoever pins it must hear of it in time."""
MOST: Final = 20


def load_signer(folder: Path, member: str, *, clock: Clock) -> Signer:
    """The newest key with all certificates. A key that is gone or near its end is followed by a new one, and the old
    certificate stays. Raises Invalid for a file that is none."""
    make_folders(folder)
    found = _certificates(folder)
    now = datetime.fromtimestamp(int(clock()), UTC)
    path = folder / KEY.format(len(found))
    if not found or not path.exists() or now > found[-1].not_valid_after_utc - RENEWED:
        if len(found) >= MOST:
            raise Invalid(
                f"{folder} holds {MOST} certificates", remedy="Move the oldest away and number the rest anew."
            )
        found = (*found, _made(folder, len(found) + 1, member, now))
        path = folder / KEY.format(len(found))
    return Signer(_key(path, found[-1]), found)


def _certificates(folder: Path) -> tuple[x509.Certificate, ...]:
    """In the order of their numbers, without a gap."""
    found: list[x509.Certificate] = []
    for at in range(1, MOST + 1):
        path = folder / CERTIFICATE.format(at)
        if not path.exists():
            break
        try:
            found.append(x509.load_pem_x509_certificate(path.read_bytes()))
        except ValueError as error:
            raise Invalid(f"{path} is no certificate", remedy="Restore it from the backup.") from error
    return tuple(found)


def _key(path: Path, certificate: x509.Certificate) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise Invalid(f"{path} is no key", remedy="Move it away: the next start makes a new one.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Invalid(f"{path} is not its certificate's key", remedy="Move it away: the next start makes a new one.")
    return key


def _made(folder: Path, at: int, member: str, now: datetime) -> x509.Certificate:
    """A key on P-256 and a certificate that it signs itself: who trusts it pins it (docs/decisions/0120)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{member} public warnings"[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_only_signs(), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_secret(folder / KEY.format(at), secret)
    write_secret(folder / CERTIFICATE.format(at), made.public_bytes(Encoding.PEM))
    flush_folder(folder)
    return made


def _only_signs() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
