"""An agency's own folder: its keys, its certificate, what it asks of the centre, and its copy of the directory.

    agency.json  keys/sign.pem [keys/second.pem]  tls/current.pem [tls/next.pem tls/asked.pem]  request.json
    anchor.json  directory/  [change.json]

`tls/*.pem` hold key and certificate in one file, so that one rename changes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.errors import Conflict, Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory import ca, changing, document, enrolment, keyfiles, notes, trust
from banyan.kernel.exchange.directory.centre import Welcome
from banyan.kernel.exchange.directory.centre_file import LoadKey
from banyan.kernel.exchange.directory.document import Address, Name, Part, Subsystem
from banyan.kernel.exchange.directory.enrolment import Request, Wanted
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.trust import Anchor
from banyan.kernel.storage.durable import make_folders, write_file
from banyan.limits_road import DIRECTORY_ADDRESSES, DIRECTORY_SUBSYSTEMS
from banyan.wire import jcs
from banyan.wire.httpsig.keys import PrivateKey, Signer, signer_of
from banyan.wire.tlog.note import BadNote
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded

SECOND: Final = "ml-dsa-65"
CHANGE: Final = "change.json"
"""The newest request to change something, which dates the next."""
ENDED: Final = "ended"
"""The folder of notes by which keys of this agency ended themselves, until the gateway has taken them."""


class AgencyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """agency.json. `sign_key`: a `pkcs11:` address in place of keys/sign.pem; `next_sign_key`: the one asked for, until
    it is in force. `algorithm` of a key made here.
    `certificate`: a PEM file of the gateway's TLS key and its certificate by an outside CA, renewed there by whoever
    has it of that CA; empty: the centre's own CA."""

    instance: Part
    member_class: Part
    member: Part
    server: Part
    addresses: Annotated[tuple[Address, ...], msgspec.Meta(min_length=1, max_length=DIRECTORY_ADDRESSES)]
    name: Name = Name()
    subsystems: Annotated[tuple[Subsystem, ...], msgspec.Meta(max_length=DIRECTORY_SUBSYSTEMS)] = ()
    algorithm: Literal["p256", "ed25519"] = "p256"
    has_second: bool = False
    sign_key: str = ""
    certificate: str = ""
    next_sign_key: str = ""

    @property
    def owner(self) -> ClientId:
        return ClientId(self.instance, self.member_class, self.member)

    @property
    def gateway(self) -> ServerId:
        return ServerId(self.instance, self.member_class, self.member, self.server)


class Agency:
    """The folder of one agency's gateway. `load_key` opens keys in devices."""

    def __init__(self, folder: Path, *, clock: Clock, load_key: LoadKey) -> None:
        self.folder, self._clock, self._load_key = folder, clock, load_key
        self.file = _read(folder)
        self._device: tuple[str, PrivateKey] | None = None

    def reread(self) -> None:
        """Hear from agency.json which key in a device signs now; who this gateway is stays as it was at the start."""
        found = _read(self.folder)
        self.file = msgspec.structs.replace(self.file, sign_key=found.sign_key, next_sign_key=found.next_sign_key)

    def signers(self) -> tuple[Signer, Signer | None]:
        """What signs this member's messages: by the key that the directory has, and by its post-quantum one. A key in a
        device is opened once: each opening takes one of the device's sessions."""
        (first, one), *rest = self._messages_key().items()
        second = next(iter(self._private("second").items()), None) if self.file.has_second else None
        assert not rest, "a member signs by one key"
        name = document.key_name(self.file.owner, first)
        if second is None:
            return signer_of(name, one), None
        return signer_of(name, one), signer_of(document.key_name(self.file.owner, second[0]), second[1])

    @property
    def tls(self) -> Path:
        """Key and certificate in one PEM file, for `SSLContext.load_cert_chain`."""
        return self.folder / "tls" / "current.pem"

    @property
    def next_tls(self) -> Path:
        return self.folder / "tls" / "next.pem"

    @property
    def anchor(self) -> Anchor | None:
        path = self.folder / "anchor.json"
        return trust.read_anchor(path.read_bytes()) if path.exists() else None

    def keeper(self) -> Keeper:
        """Its copy of the directory. Raises Conflict before it has joined."""
        anchor = self.anchor
        if anchor is None:
            raise Conflict("This agency has not joined a directory.", remedy="Say `agency join URL|FILE`.")
        return Keeper(self.folder / "directory", anchor, clock=self._clock)

    def request(self) -> Request:
        """The request to join, made once: officers compare its fingerprint."""
        path = self.folder / "request.json"
        if path.exists():
            try:
                return enrolment.read(path.read_bytes(), now=self._clock())
            except Invalid:
                path.unlink()  # too old, or the folder was moved from another clock
        file = self.file
        signing, second = self._publics()
        csr, certificate, also = self._for_tls()
        wanted = Wanted(
            "join", file.instance, file.member_class, file.member, int(self._clock()), file.name, file.subsystems,
            file.server, file.addresses, signing, second, csr, certificate,
        )  # fmt: skip
        request = enrolment.make(wanted, {**self._signing(), **also})
        write_file(path, request.encode())
        return request

    def pin(self, anchor: Anchor) -> None:
        """Trust this directory from now on. Raises Conflict when another is pinned."""
        held = self.anchor
        if held is not None and (held.instance, held.keys) != (anchor.instance, anchor.keys):
            if self.keeper().held.facts.size == 0 or anchor.keys not in self.keeper().held.facts.chain:
                raise Conflict(
                    "Another directory is pinned here.", remedy="Move anchor.json and directory/ aside to start anew."
                )
            return
        if anchor.instance != self.file.instance:
            raise Invalid.at("anchor", f"It is of {anchor.instance}, this agency is of {self.file.instance}.")
        write_file(self.folder / "anchor.json", jcs.encode(anchor))

    def accept(self, welcome: Welcome) -> Keeper:
        """Take the certificate and the directory that came back. Raises Invalid: not for the key that asked."""
        self.pin(welcome.anchor)
        keeper = self.keeper()
        if welcome.entries:
            try:
                keeper.take(welcome.offer)
            except ValueError as error:
                raise Invalid.at("welcome", f"{error}.") from error
        self.accept_certificate(welcome)
        return keeper

    def accept_certificate(self, welcome: Welcome) -> None:
        """Take a certificate that was asked for: in use when there is none yet, else as the next. Raises Invalid."""
        if welcome.certificate:
            self._install(welcome.certificate.encode(), is_first=not self.tls.exists())

    def ask_certificate(self) -> Request:
        """A request for the next certificate, by a key of its own; the same until it is answered."""
        file = self.file
        kept = self.folder / "tls" / "asked.json"
        if kept.exists() and (self.folder / "tls" / "asked.pem").exists():
            try:
                return enrolment.read(kept.read_bytes(), now=self._clock())
            except Invalid:
                kept.unlink()
        csr, certificate, also = self._for_tls()
        wanted = Wanted(
            "certificate",
            file.instance,
            file.member_class,
            file.member,
            int(self._clock()),
            server=file.server,
            csr=csr,
            certificate=certificate,
        )
        request = enrolment.make(wanted, {**self._signing(), **also})
        write_file(kept, request.encode())
        return request

    def ask_key(self, address: str = "") -> Request:
        """A request to put a new signing key in force, signed by the old and the new; `use_new_key` when it is.
        `address`: of the new one in a device, else it is made here. Raises Invalid: a device has the old one alone."""
        address = address or (self.file.next_sign_key if self.file.sign_key else "")
        if self.file.sign_key and address in ("", self.file.sign_key):
            raise Invalid.at("--sign-key", "The key is in a device: make a new one there and give its address.")
        if address:
            _ = self._load_key(address)
        self._write(msgspec.structs.replace(self.file, next_sign_key=address))
        made_here = [] if address else ["sign"]
        for name in (*made_here, "second") if self.file.has_second else made_here:
            path = self.folder / "keys" / f"{name}.new.pem"
            if not path.exists():
                keyfiles.save_key(path, keyfiles.new_signing_key(SECOND if name == "second" else self.file.algorithm))
        signing = {**self._signing(), **self._signing(".new")}
        first, second = self._publics(".new")
        file = self.file
        wanted = Wanted(
            "key", file.instance, file.member_class, file.member, int(self._clock()), key=first, second=second
        )
        return enrolment.make(wanted, signing)

    def ask_change(self, asked: Wanted) -> Request:
        """A request to change what the directory has of this member, made later than the one before. `asked` has the
        fields to change. Raises Invalid naming one."""
        path, file = self.folder / CHANGE, self.file
        snapshot, made_at = self.keeper().standing.snapshot, int(self._clock())
        others = {(one.member_class, one.member) for one in asked.change.left}
        others |= {(one.member_class, one.member) for one in asked.change.hosted}
        for member in snapshot.members if snapshot else ():
            if (member.member_class, member.code) in {(file.member_class, file.member), *others}:
                newest = max(member.changed, *(one.changed for one in member.gateways), 0)
                made_at = max(made_at, newest + 1)
        if path.exists():
            with suppress(Invalid):
                made_at = max(made_at, enrolment.read(path.read_bytes(), now=self._clock()).wanted.made_at + 1)
        request = enrolment.make(msgspec.structs.replace(asked, made_at=made_at), self._signing())
        checked = enrolment.read(request.encode(), now=self._clock())
        write_file(path, request.encode())
        return checked

    def vouch(self, request: Request) -> Request:
        """The request of a further gateway of this member, or of who is to host it, signed by this one's key too.
        Raises Invalid: another member's, or of a gateway that the directory has; Conflict before this has joined."""
        wanted, standing = request.wanted, self.keeper().standing
        of = [wanted.owner] if wanted.kind == "join" else changing.consenting(wanted)
        if self.file.owner not in of:
            others = ", ".join(map(encoded, of)) or "nobody"
            raise Invalid.at("member", f"{others} vouches for this; this gateway is of {encoded(self.file.owner)}.")
        if wanted.kind == "join" and wanted.gateway in standing.servers():
            raise Invalid.at("server", f"{wanted.member} has a gateway {wanted.server}; choose another --server.")
        own = self._signing()
        if standing.keys(document.key_name(self.file.owner, next(iter(own)))) is None:
            raise Invalid.at("key", "This gateway's key was revoked or has ended; vouch at another of the member's.")
        return enrolment.also_signed(request, own)

    def end_key(self) -> bytes:
        """The note that ends this agency's signing key, for its gateway, or any other member's, to hand on."""
        (public, key), *_ = self._private("sign").items()
        signer = signer_of("end", key)
        note = notes.end_of_key(self.file.instance, self.file.owner, public, int(self._clock()), signer.sign)
        make_folders(self.folder / ENDED)
        write_file(self.folder / ENDED / f"{document.fingerprint(public)}.note", note)
        return note

    @property
    def has_asked_key(self) -> bool:
        """Whether a new key waits for its answer."""
        return bool(self.file.next_sign_key) or (self.folder / "keys" / "sign.new.pem").exists()

    def is_asked_key_known(self) -> bool:
        """Whether the directory here has the new key already: another gateway that shares it was first."""
        first, second = self._publics(".new")
        known = self.keeper().standing.keys(document.key_name(self.file.owner, first))
        return known is not None and (known.second is not None) == bool(second)

    def use_new_key(self) -> None:
        """The new key is in the directory: sign by it from now on. The old one is removed, but for a device's."""
        keys, address = self.folder / "keys", self.file.next_sign_key
        if address:
            self._write(msgspec.structs.replace(self.file, sign_key=address, next_sign_key=""))
            for name in ("sign.new.pem", "sign.pem"):
                (keys / name).unlink(missing_ok=True)
        for name in ("second", "sign"):
            path = keys / f"{name}.new.pem"
            if path.exists():
                path.rename(keys / f"{name}.pem")

    def use_next_certificate(self) -> None:
        self.next_tls.rename(self.tls)

    def outside(self) -> x509.Certificate | None:
        """The certificate by an outside CA that lies ready; None without such a CA. Raises Invalid."""
        return self._outside()[1] if self.file.certificate else None

    def _outside(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        path = Path(self.file.certificate)
        content = keyfiles.read_secret(path)
        key = keyfiles.load_key(path)
        certificate = ca.read_certificate(content[max(0, content.find(b"-----BEGIN CERTIFICATE")) :])
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise Invalid.at(str(path), "Put a key on P-256 into this file and, behind it, its certificate.")
        return key, certificate

    def _for_tls(self) -> tuple[bytes, bytes, Mapping[bytes, Signer]]:
        """For a request: a PKCS#10 request, or the certificate by an outside CA and the proof of its key."""
        if not self.file.certificate:
            return self._csr(), b"", {}
        key, certificate = self._outside()
        asked = self.folder / "tls" / "asked.pem"
        asked.unlink(missing_ok=True)
        keyfiles.save_key(asked, key)
        return b"", ca.der(certificate), {keyfiles.public_der(key): signer_of("request", key)}

    def _csr(self) -> bytes:
        path = self.folder / "tls" / "asked.pem"
        if not path.exists():
            keyfiles.save_key(path, ec.generate_private_key(ec.SECP256R1()))
        key = keyfiles.load_key(path)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "a key for TLS is on P-256"
        return ca.request_of(key, self.file.gateway)

    def _install(self, certificate: bytes, *, is_first: bool) -> None:
        path = self.folder / "tls" / "asked.pem"
        if not path.exists():
            return  # it was installed before
        key = keyfiles.load_key(path)
        if ca.read_certificate(certificate).public_key() != key.public_key():
            raise Invalid.at("certificate", "It is not of the key that asked for it.")
        place = self.tls if is_first else self.next_tls
        place.unlink(missing_ok=True)
        keyfiles.write_secret(place, path.read_bytes() + certificate)
        path.unlink()

    def _publics(self, which: str = "") -> tuple[bytes, bytes]:
        first = next(iter(self._private("sign" + which)))
        return first, next(iter(self._private("second" + which))) if self.file.has_second else b""

    def _signing(self, which: str = "") -> Mapping[bytes, Signer]:
        found = dict(self._private("sign" + which))
        if self.file.has_second:
            found.update(self._private("second" + which))
        return {public: signer_of("request", key) for public, key in found.items()}

    def _messages_key(self) -> Mapping[bytes, PrivateKey]:
        address = self.file.sign_key
        if not address:
            return self._private("sign")
        if self._device is None or self._device[0] != address:
            self._device = address, self._load_key(address)
        key = self._device[1]
        return {keyfiles.public_der(key): key}

    def _private(self, name: str) -> Mapping[bytes, PrivateKey]:
        address = {"sign": self.file.sign_key, "sign.new": self.file.next_sign_key}.get(name, "")
        if address:
            key: PrivateKey = self._load_key(address)
        else:
            key = keyfiles.load_key(self.folder / "keys" / f"{name}.pem")
        return {keyfiles.public_der(key): key}

    def _write(self, file: AgencyFile) -> None:
        if file != self.file:
            _write(self.folder, file)
            self.file = file


def made(folder: Path, file: AgencyFile, *, clock: Clock, load_key: LoadKey) -> Agency:
    """Make an agency's folder with its keys. Raises Conflict when there is one."""
    if (folder / "agency.json").exists():
        raise Conflict(f"There is an agency in {folder} already.", remedy="Choose another --folder.")
    make_folders(folder)
    if not file.sign_key:
        _ = keyfiles.save_new(folder / "keys" / "sign.pem", file.algorithm)
    if file.has_second:
        _ = keyfiles.save_new(folder / "keys" / "second.pem", SECOND)
    _write(folder, file)
    agency = Agency(folder, clock=clock, load_key=load_key)
    _ = agency.request()
    return agency


def read_welcome(data: bytes) -> Welcome:
    """Raises Invalid."""
    try:
        welcome = msgspec.json.decode(data, type=Welcome)
        _ = trust.read_anchor(jcs.encode(welcome.anchor))
    except (msgspec.MsgspecError, UnicodeDecodeError, BadNote) as error:
        raise Invalid.at("welcome", f"This is not what a centre gives back: {error}.") from error
    return welcome


def no_devices(address: str) -> ec.EllipticCurvePrivateKey:
    """The `LoadKey` of who has no key in a device."""
    raise Invalid.at("key", f"{address[:60]} is a key in a device, and none is configured here.")


def _read(folder: Path) -> AgencyFile:
    path = folder / "agency.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=AgencyFile)
    except FileNotFoundError as error:
        raise Invalid.at(str(folder), "No agency is kept here; say `agency init`.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid.at(str(path), f"{error}.") from error


def _write(folder: Path, file: AgencyFile) -> None:
    write_file(folder / "agency.json", msgspec.json.format(msgspec.json.encode(file), indent=2))
