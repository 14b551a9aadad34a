"""How an agency asks to be let in, and later for a certificate or another key: a request signed by the keys it names.

The private keys never travel: the signatures prove that whoever asks has them (RFC 4211 s4), and officers compare the
request's fingerprint with the agency by another way before they approve it. A later request is signed by a key that the
directory has, so nobody needs to approve it. A further gateway of a member is both: it makes its own keys and asks as a
new member does, and a key of that member that counts today vouches for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Final, Literal, Protocol

import msgspec

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import ca, document
from banyan.kernel.exchange.directory.document import (
    Address,
    BadDocument,
    Gateway,
    Key,
    Member,
    Name,
    Part,
    Public,
    Served,
    Snapshot,
    Subsystem,
    Words,
)
from banyan.kernel.exchange.directory.standing import Standing
from banyan.limits_road import (
    DIRECTORY_ADDRESSES,
    DIRECTORY_AHEAD_S,
    DIRECTORY_KEY_DAYS,
    DIRECTORY_KEYS,
    DIRECTORY_REQUEST_AGE_S,
    DIRECTORY_REQUEST_BYTES,
    DIRECTORY_SERVED,
    DIRECTORY_SUBSYSTEMS,
)
from banyan.wire import jcs
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServerId, decoded_parts, encoded, encoded_part

_CONTEXT: Final = b"banyan-request/1\n"
_DAY: Final = 86_400
_OVERLAP_S: Final = 7 * _DAY
"""How long a replaced key still counts: messages on their way, and peers that have not heard."""
Kind = Literal["join", "certificate", "key", "change"]


class Signing(Protocol):
    """Of `wire.httpsig.keys.Signer`, what a request needs."""

    def sign(self, base: bytes) -> bytes: ...


class Host(msgspec.Struct, frozen=True, gc=False):
    """A gateway of another member."""

    member_class: Part
    member: Part
    server: Part


class Change(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Beside a request's `server`, `addresses` and new `subsystems`: what is not said stays. An empty `notice` ends
    one. `hosted`: subsystems of other members, whose keys sign too. `is_gone`: the gateway leaves the directory.
    `left`: gateways that host the member that asks, and shall not any more."""

    notice: Words | None = None
    dropped: Annotated[tuple[Part, ...], msgspec.Meta(max_length=DIRECTORY_SUBSYSTEMS)] = ()
    hosted: Annotated[tuple[Served, ...], msgspec.Meta(max_length=DIRECTORY_SERVED)] = ()
    unhosted: Annotated[tuple[Served, ...], msgspec.Meta(max_length=DIRECTORY_SERVED)] = ()
    is_gone: bool = False
    left: Annotated[tuple[Host, ...], msgspec.Meta(max_length=DIRECTORY_SERVED)] = ()


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is asked for. `join`: a gateway; a member's first makes it a member. `certificate`: a gateway's next. `key`:
    the next signing key. `change`: of what the member has in the directory. `csr` is a PKCS#10 request in DER;
    `certificate` comes instead from an outside CA."""

    kind: Kind
    instance: Part
    member_class: Part
    member: Part
    made_at: int
    name: Name = Name()
    subsystems: Annotated[tuple[Subsystem, ...], msgspec.Meta(max_length=DIRECTORY_SUBSYSTEMS)] = ()
    server: str = ""
    addresses: Annotated[tuple[Address, ...], msgspec.Meta(max_length=DIRECTORY_ADDRESSES)] = ()
    key: Public = b""
    second: Public = b""
    csr: bytes = b""
    certificate: bytes = b""
    change: Change = Change()

    @property
    def owner(self) -> ClientId:
        return ClientId(self.instance, self.member_class, self.member)

    @property
    def gateway(self) -> ServerId:
        return ServerId(self.instance, self.member_class, self.member, self.server)


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    public: Public
    signature: bytes


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wanted: Wanted
    proofs: Annotated[tuple[Proof, ...], msgspec.Meta(min_length=1, max_length=6)]

    @property
    def name(self) -> str:
        """Of its file: what it asks for, not how it is signed."""
        return sha256(_base(self.wanted)).hexdigest()[:32]

    @property
    def fingerprint(self) -> str:
        """What two people read to each other."""
        return " ".join(self.name[at : at + 4] for at in range(0, 32, 4))

    def encode(self) -> bytes:
        return jcs.encode(self)


def make(wanted: Wanted, signers: Mapping[bytes, Signing]) -> Request:
    """The request, signed by each of `signers`: public key in DER -> its private one."""
    base = _base(wanted)
    return Request(wanted, tuple(Proof(public, one.sign(base)) for public, one in signers.items()))


def also_signed(request: Request, signers: Mapping[bytes, Signing]) -> Request:
    """The same request with the signatures of `signers` too."""
    signed = {one.public for one in request.proofs}
    more = make(request.wanted, {public: one for public, one in signers.items() if public not in signed})
    return Request(request.wanted, (*request.proofs, *more.proofs))


def read(data: bytes, *, now: float) -> Request:
    """A request whose signatures hold. Raises Invalid naming what is wrong."""
    if len(data) > DIRECTORY_REQUEST_BYTES:
        raise Invalid.at("request", f"It has at most {DIRECTORY_REQUEST_BYTES} bytes.")
    try:
        request = msgspec.json.decode(data, type=Request)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid.at("request", f"This is no request of an agency: {error}.") from error
    wanted = request.wanted
    if not -DIRECTORY_AHEAD_S < now - wanted.made_at < DIRECTORY_REQUEST_AGE_S:
        raise Invalid.at("made_at", "Make the request anew: it is too old, or from the future.")
    _check_names(wanted)
    base = _base(wanted)
    for proof in request.proofs:
        _check_proof(proof, base)
    proven = {proof.public for proof in request.proofs}
    for public in (wanted.key, wanted.second, ca.public_of(wanted.certificate) if wanted.certificate else b""):
        if public and public not in proven:
            raise Invalid.at("proofs", "Each key that is asked for signs the request, that of a certificate too.")
    if wanted.csr:
        ca.read_request(wanted.csr)
    if not (wanted.change.notice or "").isprintable():
        raise Invalid.at("notice", "Write it in one line that can be shown.")
    if not _is_complete(wanted):
        raise Invalid.at(
            "request", "It lacks what it is for: a key, a gateway with its address and certificate, or a change."
        )
    return request


def signed_by_member(request: Request, standing: Standing, owner: ClientId | None = None) -> Member:
    """The member that asks, or `owner`, of whom a key that counts today signed the request. Raises Invalid: none, or
    what was revoked."""
    owner, snapshot = owner or request.wanted.owner, standing.snapshot
    proven = {proof.public for proof in request.proofs}
    for member in snapshot.members if snapshot else ():
        if (member.member_class, member.code) == owner.parts[1:]:
            for key in member.keys:
                both = {key.public, key.second} - {b""}
                if both <= proven and standing.keys(document.key_name(owner, key.public)) is not None:
                    return member
    fix = f"Sign by the key that the directory has of {encoded(owner)}, of its time and not revoked."
    raise Invalid.at("proofs", fix)


def admitted(wanted: Wanted, certificate: document.Certificate, snapshot: Snapshot, *, now: int) -> Snapshot:
    """With the member let in. Raises Invalid: there is such a member."""
    key = _key(wanted, now)
    gateway = Gateway(wanted.server, wanted.addresses, (certificate,))
    new = Member(wanted.member_class, wanted.member, wanted.name, now, (key,), wanted.subsystems, (gateway,))
    if any((one.member_class, one.code) == (new.member_class, new.code) for one in snapshot.members):
        raise Invalid.at("member", f"{wanted.member} is a member already; it asks for a key or a certificate instead.")
    return msgspec.structs.replace(snapshot, members=(*snapshot.members, new))


def with_gateway(wanted: Wanted, certificate: document.Certificate, snapshot: Snapshot, *, now: int) -> Snapshot:
    """With a further gateway of a member, and the key that it signs by. Raises Invalid naming the field."""

    def change(member: Member) -> Member:
        if any(one.server == wanted.server for one in member.gateways):
            fix = f"{wanted.member} is a member already and has a gateway {wanted.server}; choose another --server."
            raise Invalid.at("server", fix)
        new = {one.code for one in wanted.subsystems} - {one.code for one in member.subsystems}
        if new:
            fix = f"{wanted.member} has no {min(new)}: a further gateway serves what the member has; leave it out."
            raise Invalid.at("subsystem", fix)
        if wanted.name not in (Name(), member.name):
            raise Invalid.at("name", f"{wanted.member} has another name in the directory; leave --zh and --en out.")
        return msgspec.structs.replace(
            member,
            keys=_with_own_key(wanted, member, now),
            gateways=(*member.gateways, Gateway(wanted.server, wanted.addresses, (certificate,))),
        )

    return changed(wanted, snapshot, change)


def _with_own_key(wanted: Wanted, member: Member, now: int) -> tuple[Key, ...]:
    """Gateways sign by keys of their own, or share one in a device."""
    held = tuple(one for one in member.keys if one.until > now)
    shared = [one for one in held if one.public == wanted.key]
    if shared:
        if shared[0].second != wanted.second:
            raise Invalid.at("key", "The directory has this key with another post-quantum one; use both, or neither.")
        return held
    if len(held) >= DIRECTORY_KEYS:
        fix = f"{wanted.member} has {DIRECTORY_KEYS} keys in force already; let gateways share one, by --sign-key."
        raise Invalid.at("key", fix)
    return (*held, _key(wanted, now))


def without(owner: ClientId, snapshot: Snapshot) -> Snapshot:
    left = tuple(one for one in snapshot.members if (one.member_class, one.code) != owner.parts[1:])
    return msgspec.structs.replace(snapshot, members=left)


def with_certificate(wanted: Wanted, certificate: document.Certificate, snapshot: Snapshot, *, now: int) -> Snapshot:
    """With the next certificate beside those that still hold; the newest two of them stay."""

    def change(member: Member) -> Member:
        found = [one for one in member.gateways if one.server == wanted.server]
        if not found:
            raise Invalid.at("server", f"{wanted.member} has no gateway {wanted.server}.")
        held = sorted((one for one in found[0].certificates if one.until > now), key=lambda one: one.since)
        new = msgspec.structs.replace(found[0], certificates=(*held[-2:], certificate))
        others = tuple(new if one is found[0] else one for one in member.gateways)
        return msgspec.structs.replace(member, gateways=others)

    return changed(wanted, snapshot, change)


def with_key(wanted: Wanted, replaced: Collection[bytes], snapshot: Snapshot, *, now: int) -> Snapshot:
    """With the new key in force, and for a week yet those of `replaced`, which signed for it. Other gateways of the
    member sign by keys of their own, which stay."""

    def change(member: Member) -> Member:
        ends = now + _OVERLAP_S
        held = tuple(
            msgspec.structs.replace(one, until=min(one.until, ends)) if one.public in replaced else one
            for one in member.keys
            if one.until > now and one.public != wanted.key
        )
        lasting = sorted(held, key=lambda one: one.until)[-(DIRECTORY_KEYS - 1) :]
        return msgspec.structs.replace(member, keys=(*(one for one in held if one in lasting), _key(wanted, now)))

    return changed(wanted, snapshot, change)


def changed(wanted: Wanted, snapshot: Snapshot, change: Callable[[Member], Member]) -> Snapshot:
    members = tuple(
        change(one) if (one.member_class, one.code) == (wanted.member_class, wanted.member) else one
        for one in snapshot.members
    )
    return msgspec.structs.replace(snapshot, members=members)


def _key(wanted: Wanted, now: int) -> Key:
    return Key(wanted.key, now - DIRECTORY_AHEAD_S, now + DIRECTORY_KEY_DAYS * _DAY, wanted.second)


def _base(wanted: Wanted) -> bytes:
    """What is signed; no signature of the road begins so."""
    return _CONTEXT + jcs.encode(wanted)


def _check_proof(proof: Proof, base: bytes) -> None:
    try:
        verifier = document.load_verifier("request", proof.public)
    except BadDocument as error:
        raise Invalid.at("proofs", "Keys of the road are on P-256, Ed25519 or ML-DSA.") from error
    if not verifier.verify(base, proof.signature):
        raise Invalid.at("proofs", "A signature does not fit: the request was changed after it was signed.")


def _check_names(wanted: Wanted) -> None:
    parts = [wanted.instance, wanted.member_class, wanted.member, *(one.code for one in wanted.subsystems)]
    parts += [wanted.server] if wanted.server else []
    for one in (*wanted.change.hosted, *wanted.change.unhosted, *wanted.change.left):
        parts += msgspec.structs.astuple(one)
    try:
        decoded_parts([encoded_part(one) for one in parts], "identifier")
    except Fault as fault:
        raise Invalid.at("request", "A code has characters that cannot be shown safely.") from fault


def _is_complete(wanted: Wanted) -> bool:
    change = wanted.change
    if wanted.kind != "change" and change != Change():
        return False
    match wanted.kind:
        case "join":
            return bool(wanted.key and wanted.server and wanted.addresses and (wanted.csr or wanted.certificate))
        case "certificate":
            return bool(wanted.server and (wanted.csr or wanted.certificate))
        case "change":
            of_gateway = wanted.addresses or change.hosted or change.unhosted or change.is_gone
            is_of_gateway = bool(of_gateway) or change.notice is not None
            has_key = bool(wanted.key or wanted.second or wanted.csr or wanted.certificate or wanted.name != Name())
            is_some = is_of_gateway or bool(wanted.subsystems or change.dropped or change.left)
            return is_some and not has_key and is_of_gateway == bool(wanted.server)
    return bool(wanted.key)


def hosts_of(addresses: Sequence[Address]) -> list[str]:
    return list(dict.fromkeys(one.host for one in addresses))
