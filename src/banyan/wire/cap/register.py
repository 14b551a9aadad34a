"""The register of senders: whose certificate signs for which CAP `sender`, from when until when. The trust anchor.

A folder holds `senders.toml` and PEM files. The certificate's own period counts unless the entry narrows or moves it,
which it must when a sender signs old alerts anew with a fresh certificate (ninety-day certificates are renewed so):

    [[sender]]
    sender = "info@meteo.gov.sc"     # as in <sender>
    certificate = "meteo.sc.pem"     # one certificate
    since = 2024-05-01T00:00:00Z     # may be left out
    until = 2024-09-30T00:00:00Z     # may be left out
    sha1 = false                     # may be left out: allow RSA-SHA1 of old days

Reading the folder is the caller's; this is what its bytes mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_SENDERS

INDEX: Final = "senders.toml"


class Sender(msgspec.Struct, frozen=True):
    """One pinned certificate. Times are aware."""

    sender: str
    certificate: x509.Certificate
    since: datetime
    until: datetime
    may_sha1: bool = False

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class Register(msgspec.Struct, frozen=True):
    senders: tuple[Sender, ...] = ()

    def of(self, sender: str) -> tuple[Sender, ...]:
        return tuple(each for each in self.senders if each.sender == sender)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sender: str
    certificate: str
    since: datetime | None = None
    until: datetime | None = None
    sha1: bool = False


class _Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sender: tuple[_Entry, ...]


def pin(
    sender: str,
    pem: bytes,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    may_sha1: bool = False,
) -> Sender:
    """The entry of a sender. Raises Invalid when the PEM holds other than one certificate."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise Invalid.at("certificate", f"the PEM of {sender[:80]} holds no certificate") from error
    if len(found) != 1:
        raise Invalid.at("certificate", f"pin one certificate an entry: the PEM of {sender[:80]} holds {len(found)}")
    own = found[0]
    return Sender(
        sender,
        own,
        (since or own.not_valid_before_utc).astimezone(UTC),
        (until or own.not_valid_after_utc).astimezone(UTC),
        may_sha1,
    )


def read(files: Mapping[str, bytes]) -> Register:
    """The register of a folder's files by name. Raises Invalid, naming the entry and the fix."""
    try:
        index = msgspec.toml.decode(files.get(INDEX, b""), type=_Index)
    except msgspec.MsgspecError as error:
        raise Invalid.at(INDEX, f"list each sender as [[sender]] with sender and certificate ({error})") from error
    if len(index.sender) > CAP_SENDERS:
        raise Invalid.at(INDEX, f"list at most {CAP_SENDERS} senders")
    made = []
    for at, entry in enumerate(index.sender, 1):
        pem = files.get(entry.certificate)
        if pem is None:
            raise Invalid.at(f"sender[{at}].certificate", f"there is no file {entry.certificate[:80]} beside {INDEX}")
        since, until = entry.since, entry.until
        if any(each is not None and each.tzinfo is None for each in (since, until)):
            raise Invalid.at(f"sender[{at}]", "write since and until with their offset, such as 2026-01-01T00:00:00Z")
        made.append(pin(entry.sender, pem, since=since, until=until, may_sha1=entry.sha1))
    return Register(tuple(made))
