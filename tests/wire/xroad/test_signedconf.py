"""The signed directory of configuration files: as PR-GCONF has it, found by the field's collectors, and back."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from banyan.errors import Invalid
from banyan.wire.xroad import signedconf
from banyan.wire.xroad.signedconf import Directory, File

FILES = [
    File(signedconf.SHARED, "TW", "/V5/17/shared-params.xml", hashlib.sha512(b"tw").digest()),
    File(signedconf.SHARED, "榕", "/V5/17/2/shared-params.xml", hashlib.sha512(b"b").digest()),
]
DIRECTORY = Directory(datetime(2026, 12, 26, 12, 0, tzinfo=UTC), 5, FILES)
EXAMPLE = (
    b"--envelopeboundary\r\nContent-Type: multipart/mixed; charset=UTF-8; boundary=innerboundary\r\n\r\n"
    b"--innerboundary\r\nExpire-date: 2014-05-20T17:42:55Z\r\n\r\n"
    b"--innerboundary\r\nContent-type: application/octet-stream\r\nContent-transfer-encoding: base64\r\n"
    b'Content-identifier: SHARED-PARAMETERS; instance="EE"\r\nContent-location: /shared-parameters.xml\r\n'
    b"Hash-algorithm-id: http://www.w3.org/2001/04/xmlenc#sha512\r\n\r\nAAAA\r\n--innerboundary--\r\n"
    b"--envelopeboundary\r\nContent-type: application/octet-stream\r\nContent-transfer-encoding: base64\r\n"
    b"Signature-algorithm-id: http://www.w3.org/2001/04/xmldsig-more#rsa-sha512\r\nVerification-certificate-hash: "
    b'BBBB; hash-algorithm-id="http://www.w3.org/2001/04/xmlenc#sha512"\r\n\r\nCCCC\r\n--envelopeboundary--'
)
"""PR-GCONF Annex A.2, without its private part and with whole base64."""


def body_of(directory: Directory = DIRECTORY, told: list[bytes] | None = None) -> bytes:
    def sign(text: bytes) -> bytes:
        (told if told is not None else []).append(text)
        return hashlib.sha256(text).digest()

    return signedconf.encode(directory, sign, signedconf.ED25519, b"certificate")


def test_the_directory_comes_back() -> None:
    told: list[bytes] = []
    body = body_of(told=told)
    found = signedconf.parse(body, signedconf.media_type(body))
    assert found.directory == DIRECTORY
    assert found.signed == told[0]
    assert found.signature == hashlib.sha256(told[0]).digest()
    assert found.certificate_hash == hashlib.sha512(b"certificate").digest()
    assert body == body_of()


def test_the_collectors_find_the_parameters() -> None:
    """The two expressions that X-Road-Metrics and xrdinfo search by."""
    text = body_of().decode("utf-8")
    found = re.search(r"Content-location: (/V\d+/\d+/shared-params.xml)", text)
    assert found
    assert found[1] == "/V5/17/shared-params.xml"
    assert re.search("Content-location: (/.+/shared-params.xml)", text, re.IGNORECASE)


def test_another_mime_reader_sees_the_same_parts() -> None:
    body = body_of()
    head = f"Content-Type: {signedconf.media_type(body)}\r\n\r\n".encode()
    outer = message_from_bytes(head + body)
    directory, signature = outer.get_payload()  # type: ignore[misc]
    parts = directory.get_payload()
    assert parts[0]["Expire-date"] == "2026-12-26T12:00:00Z"
    assert parts[0]["Version"] == "5"
    assert [part.get_payload(decode=True) for part in parts[1:]] == [file.digest for file in FILES]
    assert parts[1]["Content-identifier"] == "SHARED-PARAMETERS; instance='TW'"
    assert signature["Signature-algorithm-id"] == signedconf.ED25519


def test_the_protocols_own_example_is_read() -> None:
    found = signedconf.parse(EXAMPLE, "multipart/related; charset=UTF-8; boundary=envelopeboundary")
    assert found.directory.expires == datetime(2014, 5, 20, 17, 42, 55, tzinfo=UTC)
    assert found.directory.version == 2
    assert [(one.instance, one.location) for one in found.directory.files] == [("EE", "/shared-parameters.xml")]
    assert found.signed.startswith(b"--innerboundary\r\nExpire-date")
    assert found.signed.endswith(b"--innerboundary--")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Expire-date", b"Expires"),
        (b"2014-05-20", b"May"),
        (b"#sha512\r\n\r\nAAAA", b"#sha1\r\n\r\nAAAA"),
        (b"AAAA", b"A"),
        (b"--envelopeboundary--", b""),
        (b"boundary=innerboundary", b"boundary=other"),
    ],
)
def test_what_is_no_signed_directory_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(Invalid):
        signedconf.parse(EXAMPLE.replace(old, new), "multipart/related; boundary=envelopeboundary")


def test_a_type_without_a_boundary_is_refused() -> None:
    with pytest.raises(Invalid):
        signedconf.parse(EXAMPLE, "multipart/related")
