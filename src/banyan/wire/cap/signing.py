"""Sign an alert, and verify one at the time it was sent against a pinned register of senders.

Enveloped XML-DSig: one signature covers the alert without its signatures. Trust comes from the register alone; the
certificate in the message only says which pinned key to try. What is verified is what is read: the signature must be a
child of the root and cover the whole document (`URI=""`), so nothing can be wrapped around or slipped beside it.
Base64 must be canonical: two of WMO's spoilt vectors differ from the good ones only in bits a lenient decoder drops.

Source: XML-Signature (W3C, 2013) s4, s6; Canonical XML 1.0 and 1.1, exclusive 1.0; RFC 9231 s2.3.6 (ECDSA values).
C14N 1.1 differs from 1.0 only in xml:id and xml:base of parts of a document; a document with those is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from banyan.errors import Invalid, Limit
from banyan.limits_alerts import CAP_BYTES
from banyan.wire.cap.document import Element, parse
from banyan.wire.cap.register import Register, Sender
from banyan.wire.cap.shapes import NAMESPACES, SIGNATURES
from banyan.wire.cap.texts import normal_time
from banyan.wire.cap.values import moment_of

_C10: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_C11: Final = "http://www.w3.org/2006/12/xml-c14n11"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_COMMENTS: Final = "#WithComments"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_RSA_256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_EC_256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_SHA1: Final = "http://www.w3.org/2000/09/xmldsig#sha1"
_RSA_1: Final = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
_C14N: Final = {
    f"{method}{suffix}": (method == _EXCLUSIVE, bool(suffix))
    for method in (_C10, _C11, _EXCLUSIVE)
    for suffix in ("", _COMMENTS)
} | {f"{_EXCLUSIVE}WithComments": (True, True)}
_DS: Final = f"{{{SIGNATURES}}}"
_HAS_XML_MARKS: Final = etree.XPath("boolean(//@xml:id | //@xml:base)")
_SIGNATURES_MOST: Final = 4

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Seal(StrEnum):
    """What a signature is worth. Only GOOD is to be trusted; the others say why not."""

    GOOD = "good"
    NONE = "no-signature"
    UNKNOWN = "unknown-signer"
    """No pinned key of this sender: the register knows neither, or another signed."""
    EXPIRED = "expired"
    """The key was pinned, but its time was over when the alert was sent."""
    EARLY = "not-yet-valid"
    FORGED = "forged"
    """A pinned key is named, and the signature is not its."""
    DIGEST = "digest"
    """The signature is the pinned key's, and the alert was changed afterwards."""
    MALFORMED = "malformed"
    """No signature this profile takes: other algorithms, parts of the document, text that is no base64."""
    WEAK = "weak"
    """SHA-1, which the register does not allow this sender."""


class Sealed(msgspec.Struct, frozen=True):
    """`says` is one sentence; `sender` and `fingerprint` are the pinned key's, when one was found."""

    seal: Seal
    says: str
    sender: str = ""
    fingerprint: str = ""
    is_relaid: bool = False
    """It holds for the alert's words, but white space between elements was changed afterwards."""

    @property
    def is_good(self) -> bool:
        return self.seal is Seal.GOOD


def sign(document: bytes, key: Key, certificate: x509.Certificate) -> bytes:
    """The document with an enveloped signature (SHA-256, exclusive C14N) before its last tag, its own bytes untouched.

    Raises Invalid when it is no CAP 1.2 alert or signed already.
    """
    root = parse(document, at_most=CAP_BYTES, is_exact=True)
    if root.tag != f"{{{NAMESPACES['1.2']}}}alert" or root.find(f"{_DS}Signature") is not None:
        raise Invalid("only an unsigned CAP 1.2 alert is signed", remedy="Sign what `writing.write` gave.")
    end = document.rstrip().removesuffix(b"</alert>")
    digest = _text(hashlib.sha256(_canonical(root, _EXCLUSIVE)).digest())
    method = _EC_256 if isinstance(key, ec.EllipticCurvePrivateKey) else _RSA_256
    info = (
        f'<ds:SignedInfo xmlns:ds="{SIGNATURES}">'
        f'<ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>'
        f'<ds:Transform Algorithm="{_ENVELOPED}"></ds:Transform><ds:Transform Algorithm="{_EXCLUSIVE}"></ds:Transform>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    value = _text(_signed(info.encode(), key))
    shown = _text(certificate.public_bytes(Encoding.DER))
    inner = info.replace(f' xmlns:ds="{SIGNATURES}"', "", 1)
    seal = (
        f'<ds:Signature xmlns:ds="{SIGNATURES}">{inner}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
        f"<ds:X509Data><ds:X509Certificate>{shown}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    return end + seal.encode() + b"</alert>\n"


def verify(document: bytes, register: Register) -> tuple[Sealed, ...]:
    """What each signature of the alert is worth at its `sent` time; one NONE when there is none. Never raises."""
    try:
        root = parse(document, at_most=CAP_BYTES, is_exact=True)
    except (Invalid, Limit) as problem:
        return (Sealed(Seal.MALFORMED, f"the document cannot be read: {problem.title[:120]}"),)
    space = etree.QName(root).namespace
    if etree.QName(root).localname != "alert" or space not in NAMESPACES.values():
        return (Sealed(Seal.MALFORMED, "the document is no CAP alert"),)
    signatures = root.findall(f"{_DS}Signature")
    everywhere = sum(1 for _ in root.iter(f"{_DS}Signature"))
    if not everywhere:
        return (Sealed(Seal.NONE, "the alert is not signed"),)
    if everywhere != len(signatures) or len(signatures) > _SIGNATURES_MOST:
        return (Sealed(Seal.MALFORMED, "a signature may stand only at the end of the alert, a few at most"),)
    if _HAS_XML_MARKS(root):
        return (Sealed(Seal.MALFORMED, "an alert with xml:id or xml:base is not verified"),)
    sender = (root.findtext(f"{{{space}}}sender") or "").strip()
    sent = normal_time(root.findtext(f"{{{space}}}sent") or "")
    senders, times = root.findall(f"{{{space}}}sender"), root.findall(f"{{{space}}}sent")
    if len(senders) != 1 or len(times) != 1 or not sender or not sent:
        return (Sealed(Seal.MALFORMED, "the alert does not say once who sent it and when"),)
    at = moment_of(sent).astimezone(UTC)
    return tuple(_verify_laid(root, place, (sender, at), register) for place in range(len(signatures)))


class _Malformed(Exception):
    """A signature outside the profile; its text is the sentence."""


class _Signature(msgspec.Struct, frozen=True):
    canonical_info: bytes
    method: str
    transforms: tuple[str, ...]
    digest_method: str
    digest: bytes
    value: bytes
    certificate: x509.Certificate | None


def _verify_laid(root: Element, place: int, claim: tuple[str, datetime], register: Register) -> Sealed:
    """As the document is, and if that fails, as it was before somebody laid it out with white space between elements.

    White space there is no word of an alert, and neither is an instruction before the root; WMO's own good vectors were
    signed compact and laid out afterwards, so that the letter of XML-DSig refuses them. That is told in `is_relaid`.
    """
    strict = _verify(root, place, claim, register)
    if strict.seal not in (Seal.FORGED, Seal.DIGEST):
        return strict
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    compact = _verify(etree.fromstring(etree.tostring(root), parser), place, claim, register)
    if compact.seal in (Seal.FORGED, Seal.MALFORMED):
        return strict
    says = f"{compact.says} (laid out with white space after it was signed)"
    return msgspec.structs.replace(compact, says=says, is_relaid=True)


def _verify(root: Element, place: int, claim: tuple[str, datetime], register: Register) -> Sealed:
    try:
        signature = _read(root.findall(f"{_DS}Signature")[place])
    except _Malformed as fault:
        return Sealed(Seal.MALFORMED, str(fault))
    named, at = claim
    pinned = register.of(named)
    shown = signature.certificate
    if shown is not None:
        pinned = tuple(each for each in pinned if each.certificate == shown)
    if not pinned:
        return Sealed(Seal.UNKNOWN, f"no key in the register signs for {named[:80]}")
    holds = next((each for each in pinned if _holds(signature, each)), None)
    if holds is None:
        return _sealed(Seal.FORGED, "the signature was not made with the pinned key", pinned[0])
    is_weak = signature.method == _RSA_1 or signature.digest_method == _SHA1
    if is_weak and not holds.may_sha1:
        return _sealed(Seal.WEAK, "it is signed over SHA-1, which the register does not allow this sender", holds)
    if not _covers(root, place, signature):
        return _sealed(Seal.DIGEST, "the alert was changed after it was signed", holds)
    if at < holds.since:
        return _sealed(Seal.EARLY, f"it was sent before the key was valid ({holds.since:%Y-%m-%d})", holds)
    if at > holds.until:
        return _sealed(Seal.EXPIRED, f"it was sent after the key had expired ({holds.until:%Y-%m-%d})", holds)
    return _sealed(Seal.GOOD, f"signed by {holds.sender}", holds)


def _sealed(seal: Seal, says: str, pinned: Sender) -> Sealed:
    return Sealed(seal, says, pinned.sender, pinned.fingerprint)


def _read(node: Element) -> _Signature:
    """The signature of this profile. Raises _Malformed."""
    info = _only(node, "SignedInfo")
    method = _only(info, "CanonicalizationMethod").get("Algorithm")
    if method not in _C14N:
        raise _Malformed("another canonicalisation than C14N 1.0, 1.1 or exclusive")
    reference = _only(info, "Reference")
    if reference.get("URI") != "":
        raise _Malformed("the signature does not cover the whole alert")
    transforms = tuple(each.get("Algorithm") or "" for each in _only(reference, "Transforms"))
    if transforms[:1] != (_ENVELOPED,) or any(each not in _C14N for each in transforms[1:]) or len(transforms) > 2:
        raise _Malformed("other transforms than the enveloped signature and one canonicalisation")
    if any(len(each) for each in (*_only(reference, "Transforms"), _only(info, "CanonicalizationMethod"))):
        raise _Malformed("a transform with parameters of its own")
    return _Signature(
        canonical_info=_canonical(info, method),
        method=_only(info, "SignatureMethod").get("Algorithm") or "",
        transforms=transforms,
        digest_method=_only(reference, "DigestMethod").get("Algorithm") or "",
        digest=_bytes(_only(reference, "DigestValue")),
        value=_bytes(_only(node, "SignatureValue")),
        certificate=_certificate(node),
    )


def _certificate(node: Element) -> x509.Certificate | None:
    """The certificate the message shows first: a hint, never trusted. Raises _Malformed when it is none."""
    for shown in node.iterfind(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate"):
        try:
            return x509.load_der_x509_certificate(_bytes(shown))
        except ValueError as error:
            raise _Malformed("the certificate in the message cannot be read") from error
    return None


def _holds(signature: _Signature, pinned: Sender) -> bool:
    """Was SignedInfo signed with the pinned key, by an algorithm of that key's kind?"""
    key = pinned.certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and signature.method == _EC_256:
            half = (key.key_size + 7) // 8
            if len(signature.value) != 2 * half:
                return False
            parts = (int.from_bytes(signature.value[:half]), int.from_bytes(signature.value[half:]))
            key.verify(utils.encode_dss_signature(*parts), signature.canonical_info, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey) and signature.method in (_RSA_256, _RSA_1):
            digest = hashes.SHA256() if signature.method == _RSA_256 else hashes.SHA1()  # noqa: S303
            key.verify(signature.value, signature.canonical_info, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _covers(root: Element, place: int, signature: _Signature) -> bool:
    """Is the digest that of the alert without this signature, or without any?

    Several parties sign one alert one after the other, each over the bare alert (Canada's NAADS); what is left out is
    signatures only, never a word of the alert.
    """
    hashing = {_SHA256: hashlib.sha256, _SHA1: hashlib.sha1}.get(signature.digest_method)
    if hashing is None:
        return False
    method = signature.transforms[1] if len(signature.transforms) > 1 else _C10
    count = len(root.findall(f"{_DS}Signature"))
    for gone in ({place}, set(range(count))) if count > 1 else ({place},):
        bare = _without(root, gone)
        if hmac.compare_digest(hashing(_canonical(bare, method)).digest(), signature.digest):
            return True
    return False


def _without(root: Element, gone: set[int]) -> Element:
    """A copy of the document without those signatures; the white space behind each stays."""
    copy = etree.fromstring(
        etree.tostring(root.getroottree()), etree.XMLParser(resolve_entities=False, no_network=True)
    )
    for place, node in enumerate(copy.findall(f"{_DS}Signature")):
        if place not in gone:
            continue
        before, tail = node.getprevious(), node.tail or ""
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            copy.text = (copy.text or "") + tail
        copy.remove(node)
    return copy


def _canonical(node: Element, method: str) -> bytes:
    """Of the document when the node is its root, else of the part with the namespaces it stands in.

    The part is read anew first: lxml, given a part, writes `xmlns=""` where the part took its namespace from above.
    """
    is_exclusive, has_comments = _C14N[method]
    if node.getparent() is not None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        node = etree.fromstring(etree.tostring(node, with_tail=False), parser)
    made: bytes = etree.tostring(node.getroottree(), method="c14n", exclusive=is_exclusive, with_comments=has_comments)
    return made


def _only(node: Element, name: str) -> Element:
    found = node.findall(f"{_DS}{name}")
    if len(found) != 1:
        raise _Malformed(f"{len(found)} {name} instead of one")
    return found[0]


def _bytes(node: Element) -> bytes:
    """The base64 of an element, decoded strictly: a second text for the same bytes is no base64 (RFC 4648 s3.5)."""
    text = "".join((node.text or "").split())
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _Malformed(f"{etree.QName(node).localname} is no base64") from error
    if len(node) or not decoded or base64.b64encode(decoded).decode() != text:
        raise _Malformed(f"{etree.QName(node).localname} is no canonical base64")
    return decoded


def _signed(info: bytes, key: Key) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        half = (key.key_size + 7) // 8
        left, right = utils.decode_dss_signature(key.sign(info, ec.ECDSA(hashes.SHA256())))
        return left.to_bytes(half) + right.to_bytes(half)
    return key.sign(info, padding.PKCS1v15(), hashes.SHA256())


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
