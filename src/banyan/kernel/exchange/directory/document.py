"""The snapshot: who takes part, by which keys, gateways and services. Canonical JSON (RFC 8785), whole, never patched.

Times are epoch seconds. Names of keys are made from the key (`key_name`), so that no document can give one name to two.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from banyan.limits_road import (
    DIRECTORY_ADDRESSES,
    DIRECTORY_CERTIFICATES,
    DIRECTORY_DOCUMENT_BYTES,
    DIRECTORY_ENDPOINTS,
    DIRECTORY_GATEWAYS,
    DIRECTORY_GROUPS,
    DIRECTORY_HOST_CHARACTERS,
    DIRECTORY_KEY_BYTES,
    DIRECTORY_KEYS,
    DIRECTORY_MEMBERS,
    DIRECTORY_NAME_CHARACTERS,
    DIRECTORY_REVOCATIONS,
    DIRECTORY_ROOTS,
    DIRECTORY_SERVED,
    DIRECTORY_SERVICES,
    DIRECTORY_SUBSYSTEMS,
)
from banyan.wire import jcs
from banyan.wire.httpsig.keys import PublicKey, Verifier, verifier_of
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded
from banyan.wire.xroad.methods import ServiceType

_FINGERPRINT_DIGITS: Final = 32
_LATEST: Final = 2**53 - 1
Part = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Words = Annotated[str, msgspec.Meta(max_length=DIRECTORY_NAME_CHARACTERS)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
Sha256 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Public = Annotated[bytes, msgspec.Meta(max_length=DIRECTORY_KEY_BYTES)]
RevokedKind = Literal["member", "key", "gateway", "certificate"]


class BadDocument(ValueError):
    """A snapshot that is none; the text says where and what."""


class Name(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    zh: Words = ""
    en: Words = ""


class Key(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A member's signing key, DER (SubjectPublicKeyInfo). With `second`, an ML-DSA key, both sign each message."""

    public: Public
    since: Moment
    until: Moment
    second: Public = b""


class Certificate(msgspec.Struct, frozen=True, gc=False):
    """What a gateway shows in TLS, by the SHA-256 of its DER."""

    sha256: Sha256
    since: Moment
    until: Moment


class Address(msgspec.Struct, frozen=True, gc=False):
    """Where peers call; the first is the best."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=DIRECTORY_HOST_CHARACTERS)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Served(msgspec.Struct, frozen=True, gc=False):
    """A subsystem of another member, hosted here by that member's wish."""

    member_class: Part
    member: Part
    subsystem: Part


class Gateway(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A gateway of a member. It serves all the member's subsystems and those `hosted`. With a `notice` it is in
    maintenance: no call is sent to it."""

    server: Part
    addresses: Annotated[tuple[Address, ...], msgspec.Meta(min_length=1, max_length=DIRECTORY_ADDRESSES)]
    certificates: Annotated[tuple[Certificate, ...], msgspec.Meta(max_length=DIRECTORY_CERTIFICATES)] = ()
    hosted: Annotated[tuple[Served, ...], msgspec.Meta(max_length=DIRECTORY_SERVED)] = ()
    notice: Words = ""
    changed: Moment = 0
    """When the member made the newest change of `addresses` or `notice` that counts."""


class Service(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    code: Part
    type: ServiceType = "REST"
    endpoints: Annotated[tuple[Endpoint, ...], msgspec.Meta(max_length=DIRECTORY_ENDPOINTS)] = ()


class Subsystem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    code: Part
    name: Name = Name()
    services: Annotated[tuple[Service, ...], msgspec.Meta(max_length=DIRECTORY_SERVICES)] = ()


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An agency. `since`: when it was let in; a revocation of the member from before that no longer counts. `changed`:
    when it made the newest change that officers approved, or left a host."""

    member_class: Part
    code: Part
    name: Name
    since: Moment
    keys: Annotated[tuple[Key, ...], msgspec.Meta(max_length=DIRECTORY_KEYS)] = ()
    subsystems: Annotated[tuple[Subsystem, ...], msgspec.Meta(max_length=DIRECTORY_SUBSYSTEMS)] = ()
    gateways: Annotated[tuple[Gateway, ...], msgspec.Meta(max_length=DIRECTORY_GATEWAYS)] = ()
    changed: Moment = 0


class Group(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Members and subsystems that a grant may name together, as `CLASS/CODE[/SUBSYSTEM]` percent-encoded."""

    code: Part
    name: Name = Name()
    members: Annotated[tuple[str, ...], msgspec.Meta(max_length=DIRECTORY_MEMBERS)] = ()


class Revoked(msgspec.Struct, frozen=True, gc=False, order=True):
    """What no longer counts, since when. `subject`: a member or gateway by its encoded identifier, a key by its name,
    a certificate by its SHA-256 in hexadecimal."""

    kind: RevokedKind
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]
    at: Moment


class Snapshot(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The whole directory. `version` only grows; `roots` are DER certificates of the CAs that TLS trusts;
    `home` is the centre's own gateway, which gossip asks first."""

    instance: Part
    version: Annotated[int, msgspec.Meta(ge=1, le=_LATEST)]
    issued: Moment
    members: Annotated[tuple[Member, ...], msgspec.Meta(max_length=DIRECTORY_MEMBERS)] = ()
    groups: Annotated[tuple[Group, ...], msgspec.Meta(max_length=DIRECTORY_GROUPS)] = ()
    roots: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=DIRECTORY_ROOTS)] = ()
    revoked: Annotated[tuple[Revoked, ...], msgspec.Meta(max_length=DIRECTORY_REVOCATIONS)] = ()
    home: tuple[str, str, str] | None = None
    """Class, member and server code."""


_DECODER: Final = msgspec.json.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """Its one spelling: its names are ASCII and its values texts and whole numbers, so sorting is all that it takes."""
    return msgspec.json.encode(snapshot, order="sorted")


def decode(data: bytes) -> Snapshot:
    """A snapshot, checked in itself. Members that a newer release added to the format are passed over. Raises
    BadDocument."""
    if len(data) > DIRECTORY_DOCUMENT_BYTES:
        raise BadDocument(f"a snapshot has at most {DIRECTORY_DOCUMENT_BYTES} bytes")
    try:
        snapshot = _DECODER.decode(data)
        if encode(snapshot) != data:  # another spelling, or members of a later release: looked at the long way
            jcs.check(data)
    except (jcs.NotCanonical, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadDocument(f"the snapshot cannot be read: {error}") from error
    check(snapshot)
    return snapshot


def check(snapshot: Snapshot) -> None:
    """Raise BadDocument where two things have one name, or something names what is not there."""
    members: set[object] = set()
    subsystems: set[object] = set()
    keys: set[object] = set()
    certificates: set[object] = set()
    for member in snapshot.members:
        _new((member.member_class, member.code), members, "member")
        for subsystem in member.subsystems:
            _new((member.member_class, member.code, subsystem.code), subsystems, "subsystem")
            _distinct([one.code for one in subsystem.services], "service")
        _distinct([one.server for one in member.gateways], "gateway")
        for key in member.keys:
            _new(key.public, keys, "key")
            if key.since >= key.until:
                raise BadDocument(f"a key of {member.code} ends before it begins")
        for gateway in member.gateways:
            for certificate in gateway.certificates:
                _new(certificate.sha256, certificates, "certificate")
    _distinct([one.code for one in snapshot.groups], "group")
    for member in snapshot.members:
        for gateway in member.gateways:
            for one in gateway.hosted:
                if (one.member_class, one.member, one.subsystem) not in subsystems:
                    raise BadDocument(f"gateway {gateway.server} of {member.code} hosts what is no subsystem")


def member_id(instance: str, member: Member) -> ClientId:
    return ClientId(instance, member.member_class, member.code)


def server_id(instance: str, member: Member, gateway: Gateway) -> ServerId:
    return ServerId(instance, member.member_class, member.code, gateway.server)


def fingerprint(public: bytes) -> str:
    """Of a key in DER, as officers compare it: 32 hexadecimal digits."""
    return sha256(public).hexdigest()[:_FINGERPRINT_DIGITS]


def key_name(member: ClientId, public: bytes) -> str:
    """The `keyid` by which messages name a member's key: whose it is, and which."""
    return f"{encoded(member.owner)}#{fingerprint(public)}"


def load_verifier(keyid: str, public: bytes) -> Verifier:
    """The verifier of a key in DER. Raises BadDocument: not a key, or of another kind than the road's."""
    try:
        found = serialization.load_der_public_key(public)
        if not isinstance(found, PublicKey):
            raise BadDocument("keys of the road are on P-256, Ed25519 or ML-DSA")
        return verifier_of(keyid, found)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadDocument(f"key {keyid} is none: {error}") from error


def _new(name: object, seen: set[object], what: str) -> None:
    """Raise BadDocument when `name` was seen, else keep it."""
    if name in seen:
        raise BadDocument(f"two of one {what}: {name!r}")
    seen.add(name)


def _distinct(names: list[str], what: str) -> None:
    if len(set(names)) != len(names):
        raise BadDocument(f"two of one {what}")
