"""The signed container: one message of an exchange, its RFC 9421 signature, and the proof that the log has it.

It is shaped as ETSI's ASiC-E (mimetype first and stored, a manifest with digests) and holds, instead of XAdES and a
timestamp token, what any RFC 9421 and any C2SP tool checks:

    mimetype                        application/vnd.etsi.asic-e+zip
    message.http                    the message as it was signed, with its body if it was kept
    request.http                    of an answer: the head of the request that its signature covers
    META-INF/signature.txt          Signature-Input and Signature
    META-INF/signature-base.txt     the bytes that the first signature is over (RFC 9421 s2.5)
    META-INF/keys.json              the public keys that signed, by name
    META-INF/entry.json             the leaf: it has SHA-256 of the message's Signature
    META-INF/receipt.tlog-proof     C2SP tlog-proof of the leaf
    META-INF/checkpoint             the checkpoint in it
    META-INF/manifest.xml, META-INF/ASiCManifest.xml

Source: ETSI EN 319 162-1 s4.4; RFC 9421; c2sp.org/tlog-proof. Equal exchanges are equal bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from banyan.errors import UNREADABLE, Invalid
from banyan.kernel.exchange.road.edges import zipped
from banyan.kernel.exchange.road.edges.seams import Archived
from banyan.kernel.exchange.road.model import Body, Signed
from banyan.limits_road import EDGES_BODY_BYTES, EDGES_CONTAINER_BYTES
from banyan.wire import xmltext
from banyan.wire.httpsig.keys import Ed25519Verifier, MlDsaVerifier, Verifier
from banyan.wire.httpsig.message import Message, Request, Response, fields_of
from banyan.wire.httpsig.p256 import P256Verifier
from banyan.wire.httpsig.peer import LABEL, KeyOf
from banyan.wire.httpsig.presented import presented, signature_base
from banyan.wire.tlog.proof import parse_receipt

MEDIA_TYPE: Final = "application/vnd.etsi.asic-e+zip"
SUFFIX: Final = ".asice"
Which = Literal["request", "response"]
MIMETYPE: Final = "mimetype"
MESSAGE: Final = "message.http"
REQUEST: Final = "request.http"
SIGNATURE: Final = "META-INF/signature.txt"
BASE: Final = "META-INF/signature-base.txt"
KEYS: Final = "META-INF/keys.json"
ENTRY: Final = "META-INF/entry.json"
RECEIPT: Final = "META-INF/receipt.tlog-proof"
CHECKPOINT: Final = "META-INF/checkpoint"
MANIFEST: Final = "META-INF/manifest.xml"
DIGESTS: Final = "META-INF/ASiCManifest.xml"
_TYPES: Final = {
    MESSAGE: "application/http",
    REQUEST: "application/http",
    SIGNATURE: "text/plain",
    BASE: "text/plain",
    KEYS: "application/json",
    ENTRY: "application/json",
    RECEIPT: "text/plain",
    CHECKPOINT: "text/plain",
}
_KNOWN: Final = frozenset({MIMETYPE, MANIFEST, DIGESTS, *_TYPES})
_NAMED: Final = frozenset({b"signature", b"signature-input"})
_FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})
"""Of one hop, and never signed: written anew for the message as it stands here."""
_ASIC: Final = "http://uri.etsi.org/02918/v1.2.1#"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_ODF: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


class KeptKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """Public keys in DER (SubjectPublicKeyInfo), base64 in JSON."""

    keyid: str
    public: bytes
    second_keyid: str = ""
    second: bytes = b""


class Opened(msgspec.Struct, frozen=True):
    """A container that was read; nothing is verified but its digests."""

    message: Message
    body: bytes | None
    request: Request | None
    """Of an answer."""
    keys: Sequence[KeptKey]
    entry: bytes
    receipt: bytes


def is_provable(archived: Archived, which: Which) -> bool:
    """Whether there is a signed message of this kind; a call that the road refused may have none."""
    message = archived.request if which == "request" else archived.answer
    if message is None or (which == "response" and archived.request is None):
        return False
    return {name.lower() for name, _ in message.fields} >= _NAMED


def encode(archived: Archived, which: Which, key_of: KeyOf) -> bytes:
    """The container of a provable message whose receipt is there. `key_of`: public keys that are still known."""
    assert is_provable(archived, which), "only a signed message has a container"
    assert archived.receipt, "a checkpoint covers it"
    signed = archived.request if which == "request" else archived.answer
    body = archived.request_body if which == "request" else archived.answer_body
    assert signed is not None, "it is provable"
    receipt = msgspec.structs.replace(parse_receipt(archived.receipt), extra=b"")
    members = {MESSAGE: _http(signed, body)}
    asked = archived.request if which == "response" else None
    if asked is not None:
        members[REQUEST] = _http(asked, None)
    members[SIGNATURE] = b"".join(b"%b: %b\r\n" % one for one in signed.fields if one[0].lower() in _NAMED)
    members[BASE] = _base(message_of(signed), None if asked is None else message_of(asked))
    members[KEYS] = msgspec.json.encode(_keys(message_of(signed), key_of))
    members[ENTRY] = archived.entry
    members[RECEIPT], members[CHECKPOINT] = receipt.encode(), receipt.checkpoint
    return zipped.pack(
        [
            (MIMETYPE, MEDIA_TYPE.encode()),
            *members.items(),
            (MANIFEST, _manifest(members)),
            (DIGESTS, _digests(members)),
        ]
    )


def decode(data: bytes) -> Opened:
    """Raises Invalid naming the member: not a container of ours, or a digest that does not fit."""
    members = zipped.unpack(data, _KNOWN, EDGES_CONTAINER_BYTES)
    if next(iter(members), "") != MIMETYPE or members[MIMETYPE] != MEDIA_TYPE.encode():
        raise Invalid.at(MIMETYPE, f"It comes first and is {MEDIA_TYPE}.")
    own = {name: content for name, content in members.items() if name in _TYPES}
    if missing := {*_TYPES} - own.keys() - {REQUEST}:
        raise Invalid.at(min(missing), "It belongs to every container.")
    if members.get(DIGESTS) != _digests(own) or members.get(MANIFEST) != _manifest(own):
        raise Invalid.at(DIGESTS, "A member is another one than the manifest says.")
    message, body = _parsed(own[MESSAGE], MESSAGE)
    request = None
    if REQUEST in own:
        request, _ = _parsed(own[REQUEST], REQUEST)
    if isinstance(request, Response) or isinstance(message, Response) != (request is not None):
        raise Invalid.at(REQUEST, "An answer comes with the request that it answers, a request alone.")
    try:
        keys = msgspec.json.decode(own[KEYS], type=list[KeptKey])
    except UNREADABLE as error:
        raise Invalid.at(KEYS, "It lists keyid and public.") from error
    if own[CHECKPOINT] != own[RECEIPT].partition(b"\n\n")[2]:
        raise Invalid.at(CHECKPOINT, "It is the one in the receipt.")
    _check_copies(own, message, request)
    return Opened(message, body, request, keys, own[ENTRY], own[RECEIPT])


def message_of(signed: Signed) -> Message:
    """A logged message as its signature is over it."""
    first, second = signed.line.split(b"\r\n")
    if first.isdigit():
        return Response(int(first), fields_of(signed.fields))
    target = second.decode("ascii")
    return Request(first.decode("ascii"), signed.authority, target, fields_of(signed.fields), signed.scheme)


def public_of(verifier: Verifier) -> bytes:
    """DER of the key; empty for a kind of key that the road does not use."""
    if isinstance(verifier, P256Verifier | Ed25519Verifier | MlDsaVerifier):
        return verifier.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b""


def _http(signed: Signed, body: Body | None) -> bytes:
    first, second = signed.line.split(b"\r\n")
    if first.isdigit():
        lines = [b"HTTP/1.1 %b %b" % (first, second)]
    else:
        lines = [b"%b %b HTTP/1.1" % (first, second), b"host: " + signed.authority.encode("ascii")]
    lines += [b"%b: %b" % field for field in signed.fields if field[0].lower() not in _FRAMING]
    content = b""
    if body is not None and body.size <= EDGES_BODY_BYTES:
        content = body.whole(EDGES_BODY_BYTES)
        lines.append(b"content-length: %d" % len(content))
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


def _parsed(data: bytes, member: str) -> tuple[Message, bytes | None]:
    head, gap, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    pairs = [line.partition(b": ")[::2] for line in lines[1:]]
    start = lines[0].split(b" ", 2)
    try:
        if not gap or len(start) != 3:
            raise ValueError("no head")
        fields = fields_of(pairs)
        host, size = fields.pop("host", [""]), fields.pop("content-length", None)
        if start[0] == b"HTTP/1.1":
            message: Message = Response(int(start[1]), fields)
        elif start[2] == b"HTTP/1.1":
            message = Request(start[0].decode("ascii"), host[0], start[1].decode("ascii"), fields)
        else:
            raise ValueError("no start line")
        if (size is None and body) or (size is not None and [str(len(body))] != list(size)):
            raise ValueError("its length is not its body's")
    except ValueError as error:
        raise Invalid.at(member, f"It is an HTTP message: {error}.") from error
    return message, None if size is None else body


def _check_copies(own: Mapping[str, bytes], message: Message, request: Request | None) -> None:
    """What stands twice, for tools that read one of them, says the same."""
    lines = [one.partition(": ") for one in own[SIGNATURE].decode("latin-1").split("\r\n") if one]
    told = {name: [line] for name, _, line in lines}
    if told != {
        name: list(message.fields[name]) for name in ("signature-input", "signature") if name in message.fields
    }:
        raise Invalid.at(SIGNATURE, "It has the fields of the message.")
    if own[BASE] != _base(message, request):
        raise Invalid.at(BASE, "It is what the signature covers.")


def _base(message: Message, request: Message | None) -> bytes:
    """Raises Invalid: no signature under our label."""
    assert request is None or isinstance(request, Request), "an answer answers a request"
    try:
        one = presented(message.fields)[LABEL]
        return signature_base(one.told.covered, one.told.text, message, request=request)
    except (KeyError, ValueError) as error:
        raise Invalid.at(MESSAGE, f"It is signed under the label {LABEL}.") from error


def _keys(message: Message, key_of: KeyOf) -> list[KeptKey]:
    keyid = presented(message.fields)[LABEL].parameters.keyid or ""
    keys = key_of(keyid)
    if keys is None or not (public := public_of(keys.first)):
        return []
    second = keys.second
    return [KeptKey(keyid, public) if second is None else KeptKey(keyid, public, second.keyid, public_of(second))]


def _manifest(members: Mapping[str, bytes]) -> bytes:
    entry = "manifest:file-entry"
    inner = xmltext.element(entry, attributes={"manifest:media-type": MEDIA_TYPE, "manifest:full-path": "/"})
    for name in members:
        if not name.startswith("META-INF/"):
            inner += xmltext.element(
                entry, attributes={"manifest:media-type": _TYPES[name], "manifest:full-path": name}
            )
    names = {"xmlns:manifest": _ODF, "manifest:version": "1.2"}
    return _document(xmltext.element("manifest:manifest", attributes=names, inner=inner))


def _digests(members: Mapping[str, bytes]) -> bytes:
    inner = xmltext.element("asic:SigReference", attributes={"URI": SIGNATURE, "MimeType": "text/plain"})
    for name, content in members.items():
        digest = base64.b64encode(sha256(content).digest()).decode("ascii")
        told = xmltext.element("ds:DigestMethod", attributes={"Algorithm": _SHA256})
        told += xmltext.element("ds:DigestValue", digest)
        about = {"URI": name, "MimeType": _TYPES[name]}
        inner += xmltext.element("asic:DataObjectReference", attributes=about, inner=told)
    return _document(
        xmltext.element("asic:ASiCManifest", attributes={"xmlns:asic": _ASIC, "xmlns:ds": _DS}, inner=inner)
    )


def _document(root: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + root + "\n").encode()
