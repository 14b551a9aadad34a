"""Signatures at the time an alert was sent, against pinned senders: WMO's and Canada's, ours, and every forgery."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from tests.make import shared_data
from tests.wire.cap.make import SENT, an_alert

from banyan.errors import Invalid
from banyan.wire.cap import register, signing, writing
from banyan.wire.cap.register import Register, pin
from banyan.wire.cap.signing import Seal

WMO = {"sc": "info@meteo.gov.sc", "tg": ""}
DS = b"http://www.w3.org/2000/09/xmldsig#"


def saved(name: str) -> bytes:
    return shared_data(f"alerts/{name}").read_bytes()


def sender_of(document: bytes) -> str:
    found = re.search(rb"<sender>([^<]+)</sender>", document)
    assert found is not None
    return found[1].decode()


def shown(document: bytes) -> bytes:
    """The certificate an original shows, as an operator would pin it after asking the sender."""
    found = re.search(rb"X509Certificate>([^<]+)<", document)
    assert found is not None
    return x509.load_der_x509_certificate(base64.b64decode(found[1])).public_bytes(Encoding.PEM)


def seals(document: bytes, pinned: Register) -> list[Seal]:
    return [each.seal for each in signing.verify(document, pinned)]


@pytest.mark.parametrize("country", ["sc", "tg"])
def test_wmo_vectors_are_judged_right_at_the_time_they_were_sent(country: str) -> None:
    """Both were signed anew with the next ninety-day certificate, weeks after `sent`: the entry says since when."""
    valid = saved(f"signed/wmo_{country}_valid.xml")
    sender, pem = sender_of(valid), shown(valid)
    pinned = Register((pin(sender, pem, since=datetime(2024, 5, 1, tzinfo=UTC)),))
    assert [(each.seal, each.is_relaid) for each in signing.verify(valid, pinned)] == [(Seal.GOOD, True)]
    assert seals(valid, Register((pin(sender, pem),))) == [Seal.EARLY]
    over = Register((pin(sender, pem, since=datetime(2024, 1, 1, tzinfo=UTC), until=datetime(2024, 5, 2, tzinfo=UTC)),))
    assert seals(valid, over) == [Seal.EXPIRED]
    assert seals(valid, Register()) == [Seal.UNKNOWN]
    assert seals(valid, Register((pin("other@example.org", pem),))) == [Seal.UNKNOWN]
    assert seals(saved(f"signed/wmo_{country}_no_signature.xml"), pinned) == [Seal.NONE]
    for what in ("certificate", "digest", "signature"):
        spoilt = signing.verify(saved(f"signed/wmo_{country}_invalid_{what}.xml"), pinned)
        assert [each.seal for each in spoilt] == [Seal.MALFORMED]
        assert what[:5].lower() in spoilt[0].says.lower()
    assert Seal.GOOD not in seals(saved(f"signed/wmo_{country}_invalid_schema.xml"), pinned)


def test_the_alert_changed_after_signing_is_told_from_a_forged_signature() -> None:
    valid = saved("signed/wmo_sc_valid.xml")
    sender, pem = sender_of(valid), shown(valid)
    pinned = Register((pin(sender, pem, since=datetime(2024, 5, 1, tzinfo=UTC)),))
    assert seals(valid.replace(b"<severity>", b"<severity> "), pinned) == [Seal.DIGEST]
    assert seals(valid.replace(b"Aldabra area", b"Mahe area"), pinned) == [Seal.DIGEST]
    spoilt = bytearray(valid)
    at = valid.index(b"SignatureValue>") + 20
    spoilt[at] = ord("A") if spoilt[at] != ord("A") else ord("B")
    assert seals(bytes(spoilt), pinned) == [Seal.FORGED]


def test_canadas_two_signatures_are_good_by_its_two_certificates() -> None:
    document = saved("cap/canada_signed.cap")
    names = ("naads_x509_cert", "environment_canada_x509_cert")
    pems = [saved(f"signed/{name}.pem") for name in names]
    allowed = Register(tuple(pin("cap-pac@ec.gc.ca", pem, may_sha1=True) for pem in pems))
    assert seals(document, allowed) == [Seal.GOOD, Seal.GOOD]
    strict = Register(tuple(pin("cap-pac@ec.gc.ca", pem) for pem in pems))
    assert seals(document, strict) == [Seal.WEAK, Seal.WEAK]
    one = Register((pin("cap-pac@ec.gc.ca", pems[1], may_sha1=True),))
    assert seals(document, one) == [Seal.UNKNOWN, Seal.GOOD]
    assert seals(document.replace(b"snowfall", b"sunshine"), allowed) == [Seal.DIGEST, Seal.DIGEST]


Keys = tuple[signing.Key, x509.Certificate]


def keys_of(name: str, key: signing.Key) -> Keys:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(SENT - timedelta(days=30))
        .not_valid_after(SENT + timedelta(days=60))
    )
    return key, builder.sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def ours() -> Keys:
    return keys_of("Alerts", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def pinned(ours: Keys) -> Register:
    return Register((pin("alerts@example.tw", ours[1].public_bytes(Encoding.PEM)),))


@pytest.fixture(scope="module")
def signed(ours: Keys) -> bytes:
    return signing.sign(writing.write(an_alert()), *ours)


def test_what_we_sign_verifies_and_its_own_bytes_stay(signed: bytes, pinned: Register) -> None:
    assert seals(signed, pinned) == [Seal.GOOD]
    assert signed.startswith(writing.write(an_alert()).removesuffix(b"</alert>\n"))
    key = rsa.generate_private_key(65537, 2048)
    keys = keys_of("Alerts", key)
    other = signing.sign(writing.write(an_alert()), *keys)
    assert seals(other, Register((pin("alerts@example.tw", keys[1].public_bytes(Encoding.PEM)),))) == [Seal.GOOD]
    with pytest.raises(Invalid, match="unsigned"):
        signing.sign(signed, *keys)


def test_a_forgery_signed_anew_is_refused(pinned: Register) -> None:
    """The attack on capvalidator's way: a certificate of one's own, put into the message, is believed."""
    forger = keys_of("Alerts", ec.generate_private_key(ec.SECP256R1()))
    forged = signing.sign(writing.write(an_alert(note="evacuate")), *forger)
    assert seals(forged, pinned) == [Seal.UNKNOWN]
    shown_der = base64.b64encode(pinned.senders[0].certificate.public_bytes(Encoding.DER))
    claimed = re.sub(rb"(<ds:X509Certificate>)[^<]+", rb"\1" + shown_der, forged)
    assert seals(claimed, pinned) == [Seal.FORGED]
    nameless = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", forged)
    assert seals(nameless, pinned) == [Seal.FORGED]


def test_a_sender_cannot_sign_as_another(ours: Keys, pinned: Register) -> None:
    signed = signing.sign(writing.write(an_alert(sender="president@example.tw")), *ours)
    assert seals(signed, pinned) == [Seal.UNKNOWN]


def test_a_key_is_good_only_for_alerts_sent_in_its_time(ours: Keys, pinned: Register) -> None:
    for days, expected in ((-31, Seal.EARLY), (0, Seal.GOOD), (61, Seal.EXPIRED)):
        at = (SENT + timedelta(days=days)).isoformat()
        assert seals(signing.sign(writing.write(an_alert(sent=at)), *ours), pinned) == [expected]


SIGNATURE = re.compile(rb"<ds:Signature .*</ds:Signature>", re.DOTALL)


def test_nothing_can_be_wrapped_around_a_signature(signed: bytes, pinned: Register) -> None:
    found = SIGNATURE.search(signed)
    assert found is not None
    seal, bare = found[0], SIGNATURE.sub(b"", signed)
    evil = bare.replace("豪雨特報".encode(), b"Evacuate to the sea")
    head = evil[: evil.index(b"</alert>")]
    inner = signed[signed.index(b"<alert") :]
    wrapped = [
        head + inner + b"</alert>",
        head + b"<info>" + seal + b"</info></alert>",
        head + seal.replace(b"</ds:Signature>", b"<ds:Object>" + inner + b"</ds:Object></ds:Signature>") + b"</alert>",
        head + b"<ds:Object xmlns:ds='" + DS + b"'>" + inner + b"</ds:Object>" + seal + b"</alert>",
        head + seal.replace(b'URI=""', b'URI="#a"') + b"</alert>",
        head + seal.replace(b'URI=""', b'URI="#xpointer(id(1))"') + b"</alert>",
        head + seal + seal + b"</alert>",
        head + seal * 5 + b"</alert>",
        signed.replace(b"</ds:Transforms>", b'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms>'),
        signed.replace(b"<alert ", b'<alert xml:base="http://x.example/" '),
        signed.replace(b"<sender>", b"<sender>x</sender><sender>"),
        signed.replace(b"ecdsa-sha256", b"hmac-sha256"),
        b"<feed>" + inner + b"</feed>",
        b"not xml",
    ]  # fmt: skip
    for document in wrapped:
        assert Seal.GOOD not in seals(document, pinned), document.decode()


def test_an_unsigned_word_beside_the_signature_breaks_the_digest(signed: bytes, pinned: Register) -> None:
    for changed in (
        signed.replace(b"</alert>", b"<code>x</code></alert>"),
        signed.replace(b"</info>", b"</info><info/>"),
        signed.replace(b"<alert ", b"<?xml-stylesheet href='x'?><alert "),
    ):
        assert seals(changed, pinned) == [Seal.DIGEST]
    assert seals(signed.replace(b"<scope>", b"<!-- a comment is no word of the alert --><scope>"), pinned) == [
        Seal.GOOD
    ]


def test_a_register_is_read_from_its_folder_and_says_what_is_wrong(ours: Keys) -> None:
    pem = ours[1].public_bytes(Encoding.PEM)
    index = b"""[[sender]]
sender = "alerts@example.tw"
certificate = "ours.pem"
until = 2026-12-01T00:00:00Z
"""
    found = register.read({"senders.toml": index, "ours.pem": pem})
    assert found.of("alerts@example.tw")[0].until == datetime(2026, 12, 1, tzinfo=UTC)
    assert found.of("alerts@example.tw")[0].since == ours[1].not_valid_before_utc
    for files, says in (
        ({}, "senders.toml"),
        ({"senders.toml": b"x = 1"}, "senders.toml"),
        ({"senders.toml": index}, "no file"),
        ({"senders.toml": index, "ours.pem": b"x"}, "no certificate"),
        ({"senders.toml": index, "ours.pem": pem * 2}, "holds 2"),
        ({"senders.toml": index.replace(b"00Z", b"00"), "ours.pem": pem}, "offset"),
    ):
        with pytest.raises(Invalid, match=says):
            register.read(files)
