"""`GET /internalconf`: where the configuration's files are and what they hash to, signed.

multipart/related of a directory (multipart/mixed: `Expire-date` and `Version`, then a digest for each file) and its
signature over the directory's bytes. Source: X-Road PR-GCONF s2.3-s2.7; header names in the case that its central
server writes, for the field's collector looks for `Content-location:` by letters.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from banyan import limits
from banyan.errors import Invalid

SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ED25519: Final = "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"
SHARED: Final = "SHARED-PARAMETERS"
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"
_BOUNDARY: Final = re.compile(r'boundary="?([A-Za-z0-9_+=/.-]{1,70})"?(?:;|\Z)', re.IGNORECASE)
_SAFE: Final = "!$()+,;=@ /:"
"""What of an instance's name stands as it is; the field's names are of letters, digits and hyphens."""
_FILES: Final = 2 * limits.XROAD_CONF_INSTANCES + 1
_MOST: Final = 1_048_576


class File(msgspec.Struct, frozen=True):
    """A file of the configuration: what it is, whose, where it is fetched, SHA-512 of its bytes."""

    identifier: str
    instance: str
    location: str
    digest: bytes


class Directory(msgspec.Struct, frozen=True):
    expires: datetime
    version: int
    files: Sequence[File]


class SignedConf(msgspec.Struct, frozen=True):
    """A directory as it came, not verified yet. `signed`: the bytes that the signature is over."""

    directory: Directory
    signed: bytes
    algorithm: str
    certificate_hash: bytes
    """SHA-512 of the DER of the signer's certificate."""
    signature: bytes


def encode(directory: Directory, sign: Callable[[bytes], bytes], algorithm: str, certificate: bytes) -> bytes:
    """The body; `media_type(body)` is its type. `sign` gives the signature in the form of `algorithm`; `certificate`
    is the signer's, in DER."""
    lines = [f"Expire-date: {directory.expires.astimezone(UTC).strftime(_STAMP)}", f"Version: {directory.version}", ""]
    parts = ["\r\n".join(lines)]
    for file in directory.files:
        assert file.location.isprintable() and file.location.isascii(), "a location is an address"  # noqa: PT018
        parts.append(
            "\r\n".join(
                (
                    "Content-type: application/octet-stream",
                    "Content-transfer-encoding: base64",
                    f"Content-identifier: {file.identifier}; instance='{quote(file.instance, safe=_SAFE)}'",
                    f"Content-location: {file.location}",
                    f"Hash-algorithm-id: {SHA512}",
                    "",
                    base64.b64encode(file.digest).decode("ascii"),
                )
            )
        )
    inner = _boundary("\r\n".join(parts).encode())
    signed = _multipart(parts, inner)
    head = f"Content-type: multipart/mixed; charset=UTF-8; boundary={inner}\r\n\r\n"
    own = base64.b64encode(hashlib.sha512(certificate).digest()).decode("ascii")
    signature = "\r\n".join(
        (
            "Content-type: application/octet-stream",
            "Content-transfer-encoding: base64",
            f"Signature-algorithm-id: {algorithm}",
            f'Verification-certificate-hash: {own}; hash-algorithm-id="{SHA512}"',
            "",
            base64.b64encode(sign(signed.encode())).decode("ascii"),
        )
    )
    return _multipart([head + signed, signature], f"envelope{inner}").encode()


def media_type(body: bytes) -> str:
    """`multipart/related` with the boundary that `encode` chose."""
    boundary = body[2 : body.index(b"\r\n")].decode("ascii")
    return f"multipart/related; charset=UTF-8; boundary={boundary}"


def parse(body: bytes, content_type: str) -> SignedConf:
    """A configuration source's answer. Raises Invalid: not of this form. Nothing is verified."""
    if len(body) > _MOST:
        raise _wrong(f"has at most {_MOST} bytes")
    outer = _parts(body, _boundary_of(content_type))
    if len(outer) != 2:
        raise _wrong("is a directory and a signature")
    (head, signed), (signature_head, signature) = outer
    inner = _parts(signed, _boundary_of(head.get("content-type", "")))
    if not inner or len(inner) > _FILES:
        raise _wrong("begins with Expire-date")
    own, _, _ = signature_head.get("verification-certificate-hash", "").partition(";")
    try:
        expires = datetime.fromisoformat(inner[0][0]["expire-date"].replace("Z", "+00:00"))
        directory = Directory(expires, int(inner[0][0].get("version", "2")), [_read_file(*one) for one in inner[1:]])
    except (KeyError, ValueError) as error:
        raise _wrong("has Expire-date and Version") from error
    algorithm = signature_head.get("signature-algorithm-id", "")
    return SignedConf(directory, signed, algorithm, _decoded(own.encode()), _decoded(signature))


def _read_file(head: dict[str, str], digest: bytes) -> File:
    identifier, _, rest = head.get("content-identifier", "").partition(";")
    instance = unquote(rest.strip().removeprefix("instance=").strip("'\""))
    location = head.get("content-location", "")
    if head.get("hash-algorithm-id") != SHA512 or not location:
        raise _wrong("gives each file a location and a SHA-512")
    return File(identifier.strip(), instance, location, _decoded(digest))


def _parts(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    mark = b"--" + boundary.encode("ascii")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise _wrong("has parts between its boundaries")
    return [_part(piece.removeprefix(b"\r\n")) for piece in pieces[1:-1]]


def _part(piece: bytes) -> tuple[dict[str, str], bytes]:
    head, _, content = piece.partition(b"\r\n\r\n")
    fields: dict[str, str] = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return fields, content


def _boundary_of(content_type: str) -> str:
    found = _BOUNDARY.search(content_type)
    if not found:
        raise _wrong("names a boundary")
    return found[1]


def _multipart(parts: Sequence[str], boundary: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--"


def _boundary(content: bytes) -> str:
    """Of the content, so that the same directory is the same bytes; base64 and header lines cannot hold it."""
    return hashlib.sha256(content).hexdigest()[:32]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except ValueError as error:
        raise _wrong("has its digests in base64") from error


def _wrong(what: str) -> Invalid:
    return Invalid.at("body", f"A signed configuration {what} (PR-GCONF s2.3).")
