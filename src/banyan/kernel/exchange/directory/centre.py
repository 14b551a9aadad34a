"""The centre's folder: the authority's keys, the CA, requests that wait for officers, and the log it writes.

    centre.json  keys/SERIAL/  ca/  directory/  requests/NAME.json  approvals/NAME/OFFICER.note  issued/NAME.json

Several processes may work on it (the centre's gateway, an officer's command): each takes the folder's lock for one act.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.errors import Invalid, Limit, NotFound
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory import approving, authority, ca, changing, document, enrolment, keyfiles, trust
from banyan.kernel.exchange.directory.authority import Authority
from banyan.kernel.exchange.directory.centre_file import CentreFile, LoadKey, Random, locked, open_ca, read_file, root
from banyan.kernel.exchange.directory.document import RevokedKind, Snapshot
from banyan.kernel.exchange.directory.enrolment import Request
from banyan.kernel.exchange.directory.keeper import Keeper, Offer
from banyan.kernel.exchange.directory.standing import Index
from banyan.kernel.exchange.directory.trust import Anchor
from banyan.kernel.storage.durable import flush_folder, make_folders, write_file
from banyan.limits_road import DIRECTORY_REQUEST_AGE_S, DIRECTORY_REQUESTS
from banyan.wire import jcs
from banyan.wire.xroad.identifiers import ClientId, encoded


class Welcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agency gets back: the anchor to pin, its certificate, and the directory to start with (a member has it
    already). All public; the anchor's fingerprint is compared by another way."""

    anchor: Anchor
    certificate: str
    entries: tuple[str, ...] = ()
    checkpoint: str = ""
    handovers: tuple[str, ...] = ()
    snapshot: str = ""

    @property
    def offer(self) -> Offer:
        def raw(texts: tuple[str, ...]) -> list[bytes]:
            return [one.encode() for one in texts]

        return Offer(0, raw(self.entries), self.checkpoint.encode(), raw(self.handovers), self.snapshot.encode())


class Centre:
    """Opened by `founded` or `opened`; every act inside `turn`."""

    def __init__(self, folder: Path, file: CentreFile, *, clock: Clock, random: Random, load_key: LoadKey) -> None:
        self.folder, self.file, self._clock, self._random = folder, file, clock, random
        self._seen: tuple[int, int] = (0, 0)
        self.ca = open_ca(folder, file, now=clock(), random=random, load_key=load_key)
        self.keeper = Keeper(folder / "directory", self._first(), clock=clock)
        roots = (ca.der(self.ca.certificate), *(root(folder / name) for name in file.roots))
        self.authority = authority.found(
            self.keeper, self._signer(), clock=clock, first=Snapshot(file.instance, 1, 0, roots=roots)
        )
        if self.authority.snapshot.roots != roots:
            self.authority.change(lambda snapshot: msgspec.structs.replace(snapshot, roots=roots))
        self._forget_spent()
        self._seen = self._stamp()

    def _first(self) -> Anchor:
        """The keys that the directory was founded with; their private half is gone once they were handed over."""
        path = self.folder / "anchor.json"
        if not path.exists():
            keys = keyfiles.authority_signer(self.folder / "keys/1", self.file.instance, 1, random=self._random).keys
            write_file(path, jcs.encode(Anchor(self.file.instance, keys, self.file.pages)))
        return trust.read_anchor(path.read_bytes())

    @property
    def anchor(self) -> Anchor:
        """To be pinned by who joins now: with the keys of today."""
        return Anchor(self.file.instance, self.keeper.held.facts.chain[-1], self.file.pages)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One act on the folder; what another process did before is taken up first."""
        with locked(self.folder):
            if self._stamp() != self._seen:
                self.keeper.reload()
                self.renew_signer()
            try:
                yield
            finally:
                self._seen = self._stamp()

    def renew_signer(self) -> None:
        """Sign by the keys that the log names last."""
        self.authority = Authority(self.keeper, self._signer(), clock=self._clock)
        self._forget_spent()

    def submit(self, data: bytes) -> Request:
        """Take in a request to join; it waits for officers. Sent again without the signature that vouches for it, it
        stays as it was. Raises Invalid, or Limit when too many wait."""
        request = enrolment.read(data, now=self._clock())
        if not self.needs_officers(request) or request.wanted.instance != self.file.instance:
            raise Invalid.at("request", f"Send a request to join {self.file.instance}, or a change for officers.")
        self._forget_old()
        if request.name in self.waiting():
            held = self.request(request.name)
            if len(held.proofs) >= len(request.proofs):
                return held
        if request.wanted.kind == "change":
            self._check_change(request)
        elif self.is_further(request):
            self._check_vouched(request)
        if len(self.waiting()) >= DIRECTORY_REQUESTS:
            raise Limit(f"{DIRECTORY_REQUESTS} requests wait already.", remedy="Officers approve or remove some first.")
        write_file(self._made("requests") / f"{request.name}.json", data)
        return request

    def _forget_old(self) -> None:
        """Requests that nobody could approve any more."""
        for path in self._made("requests").glob("*.json"):
            if self._clock() - path.stat().st_mtime > DIRECTORY_REQUEST_AGE_S:
                path.unlink()

    def waiting(self) -> list[str]:
        return sorted(path.stem for path in self._made("requests").glob("*.json"))

    def request(self, name: str) -> Request:
        """Raises NotFound, or Invalid when it has become too old."""
        path = self._made("requests") / f"{name}.json"
        if not name.isalnum() or not path.exists():
            raise NotFound(f"No request {name[:40]} waits.", remedy="See `agency list`.")
        return enrolment.read(path.read_bytes(), now=self._clock())

    def vote(self, request: Request, statement: bytes) -> int:
        """Keep an officer's approval; how many more it needs. Raises Invalid: not an officer's, or not of this."""
        officer = approving.check(statement, request, self.file.officers)
        folder = self._made(f"approvals/{request.name}")
        write_file(folder / f"{officer.name}.note", statement)
        return max(0, self.file.needs - len(self._votes(request)))

    def statement(self, request: Request, key: Ed25519PrivateKey) -> bytes:
        """The approval by whoever holds this key. Raises Invalid: no officer of the centre does."""
        for officer in self.file.officers:
            if approving.officer_of(officer.name, key) == officer:
                return approving.state(request, approving.signer_of(officer.name, key))
        raise Invalid.at("officer", "No officer named in centre.json has this key.")

    def knows(self, kind: RevokedKind, subject: str) -> bool:
        """Whether the directory has what is to be revoked."""
        index = Index(self.authority.snapshot)
        match kind:
            case "member":
                return subject in {encoded(one) for one in index.since}
            case "gateway":
                return subject in {encoded(one) for one in index.serving}
            case "key":
                return subject in index.keys
        return subject in {one.hex() for one in index.certificates}

    def admit(self, request: Request, *, is_home: bool = False) -> Welcome:
        """Let an agency in, or a further gateway of one. `is_home`: it is the centre's own gateway, all ask it. Raises
        Invalid while officers have yet to approve."""
        wanted = request.wanted
        self._check_approved(request)
        is_further = self.is_further(request)
        if is_further:
            self._check_vouched(request)
        now = int(self._clock())
        issued = self._certificate(request)
        pinned = ca.pinned(issued)

        def change(snapshot: Snapshot) -> Snapshot:
            if is_further:
                new = enrolment.with_gateway(wanted, pinned, snapshot, now=now)
            else:  # or it was revoked, or its keys were: it comes again with others
                new = enrolment.admitted(wanted, pinned, enrolment.without(wanted.owner, snapshot), now=now)
            if self.welcome(request.name, is_new=False) is not None:
                raise Invalid.at("request", "It was answered already; whoever asks again makes another.")
            home = (wanted.member_class, wanted.member, wanted.server)
            return msgspec.structs.replace(new, home=home) if is_home else new

        self.authority.change(change)
        return self._welcome(request, ca.pem(issued))

    def adopt(self, request: Request) -> Welcome:
        """Put a member's change in force. Raises Invalid while officers have yet to approve, or naming its field."""
        if changing.is_at_once(request.wanted):
            return self.renew(request.encode())
        self._check_approved(request)
        self._check_change(request)
        self.authority.change(lambda snapshot: changing.applied(request.wanted, snapshot))
        return self._welcome(request, b"")

    def _check_approved(self, request: Request) -> None:
        missing = self.file.needs - len(self._votes(request))
        if missing > 0:
            raise Invalid.at(
                "officers", f"{missing} more must approve: `agency approve {request.name} --officer FILE`."
            )

    def _check_change(self, request: Request) -> None:
        """Raises Invalid: it cannot be, or who must has not signed it by a key of today."""
        _ = enrolment.signed_by_member(request, self.keeper.standing)
        _ = changing.applied(request.wanted, self.authority.snapshot)
        for owner in changing.consenting(request.wanted):
            _ = enrolment.signed_by_member(request, self.keeper.standing, owner)

    def needs_officers(self, request: Request) -> bool:
        wanted = request.wanted
        return wanted.kind == "join" or (wanted.kind == "change" and not changing.is_at_once(wanted))

    def refuse(self, name: str) -> None:
        """Do without a request. Raises NotFound."""
        path = self._made("requests") / f"{name}.json"
        if not name.isalnum() or not path.exists():
            raise NotFound(f"No request {name[:40]} waits.", remedy="See `agency list`.")
        path.unlink()

    def is_further(self, request: Request) -> bool:
        """Whether it asks for a further gateway of a member; else for a new member, or one that comes again."""
        return self._can_sign(request.wanted.owner)

    def _check_vouched(self, request: Request) -> None:
        """Raises Invalid: no key of the member that counts today signed for the further gateway."""
        wanted, standing = request.wanted, self.keeper.standing
        try:
            _ = enrolment.signed_by_member(request, standing)
        except Invalid as error:
            fix = (
                f"{wanted.member} is a member already: for a further gateway take request.json to the first, "
                "say `agency vouch FILE` there, and let the centre have what comes of it."
            )
            raise Invalid.at("member", fix) from error
        if ("gateway", encoded(wanted.gateway)) in standing.revoked:
            raise Invalid.at("server", f"{wanted.server} was revoked; choose another --server.")
        own = document.key_name(wanted.owner, wanted.key)
        if standing.past_keys(own) is not None and standing.keys(own) is None:
            raise Invalid.at("key", "The signing key was revoked or has ended; make the agency's folder anew.")

    def _can_sign(self, owner: ClientId) -> bool:
        """Whether a member has a key that counts."""
        standing, members = self.keeper.standing, self.authority.snapshot.members
        keys = [key for one in members if (one.member_class, one.code) == owner.parts[1:] for key in one.keys]
        return any(standing.keys(document.key_name(owner, key.public)) is not None for key in keys)

    def renew(self, data: bytes) -> Welcome:
        """Give a member its next certificate, or put its next key, address or notice in force: it signed by the key of
        today. Asked twice the same, it answers the same."""
        request = enrolment.read(data, now=self._clock())
        given = self.welcome(request.name, is_new=False)
        if given is not None:
            return given
        now = int(self._clock())
        _ = enrolment.signed_by_member(request, self.keeper.standing)
        wanted, proven = request.wanted, {one.public for one in request.proofs}
        if wanted.kind == "key":
            self.authority.change(lambda snapshot: enrolment.with_key(wanted, proven, snapshot, now=now))
            return self._welcome(request, b"")
        if wanted.kind == "change" and changing.is_at_once(wanted):
            self.authority.change(lambda snapshot: changing.applied(wanted, snapshot))
            return self._welcome(request, b"")
        if wanted.kind != "certificate":
            raise Invalid.at("kind", "Officers of the centre approve this; send it as a request, not as a renewal.")
        issued = self._certificate(request)
        pinned = ca.pinned(issued)
        self.authority.change(lambda snapshot: enrolment.with_certificate(wanted, pinned, snapshot, now=now))
        return self._welcome(request, ca.pem(issued))

    def welcome(self, name: str, *, is_new: bool = True) -> Welcome | None:
        """What was given for a request, with the directory of today for who `is_new`; None when nothing was."""
        path = self._made("issued") / f"{name}.pem"
        if not name.isalnum() or not path.exists():
            return None
        if not is_new:
            return Welcome(self.anchor, path.read_text("ascii"))
        offer = self.keeper.offer()
        texts = [tuple(one.decode() for one in some) for some in (offer.entries, offer.handovers)]
        parts = (offer.checkpoint.decode(), texts[1], offer.snapshot.decode())
        return Welcome(self.anchor, path.read_text("ascii"), texts[0], *parts)

    def rotate(self) -> int:
        """Hand over to new keys of the authority; their serial. The old private keys are removed: nobody needs them."""
        serial = self.keeper.held.facts.chain[-1].serial
        folder = self.folder / "keys" / str(serial + 1)
        following = keyfiles.authority_signer(folder, self.file.instance, serial + 1, random=self._random)
        self.authority.rotate(following)
        self._forget_spent()
        return serial + 1

    def _forget_spent(self) -> None:
        """Remove the private keys that were handed over; at the next act, when a crash came between."""
        for serial in range(1, self.keeper.held.facts.chain[-1].serial):
            spent = list((self.folder / "keys" / str(serial)).glob("*.key"))
            for path in spent:
                path.unlink()
            if spent:
                flush_folder(spent[0].parent)

    def _signer(self) -> keyfiles.FileSigner:
        chain = self.keeper.held.facts.chain
        serial = chain[-1].serial if chain else 1
        folder = self.folder / "keys" / str(serial)
        found = keyfiles.authority_signer(folder, self.file.instance, serial, random=self._random)
        if chain and found.keys != chain[-1]:
            raise Invalid.at(str(folder), "These are not the authority's keys that the log names; restore them.")
        return found

    def _certificate(self, request: Request) -> x509.Certificate:
        wanted = request.wanted
        if wanted.certificate:
            outside = ca.read_certificate(wanted.certificate)
            ca.check_issued(outside, self.authority.snapshot.roots, now=self._clock())
            return outside
        key = ca.read_request(wanted.csr)
        hosts = enrolment.hosts_of(wanted.addresses or self._addresses(wanted))
        return ca.issue(self.ca, key, wanted.gateway, hosts, now=self._clock(), random=self._random)

    def _addresses(self, wanted: enrolment.Wanted) -> tuple[document.Address, ...]:
        """Those that the directory has: a renewal moves nobody."""
        for member in self.authority.snapshot.members:
            for gateway in member.gateways:
                if document.server_id(self.file.instance, member, gateway) == wanted.gateway:
                    return gateway.addresses
        raise Invalid.at("server", f"{wanted.member} has no gateway {wanted.server}.")

    def _welcome(self, request: Request, certificate: bytes) -> Welcome:
        write_file(self._made("issued") / f"{request.name}.pem", certificate)
        (self._made("requests") / f"{request.name}.json").unlink(missing_ok=True)
        given = self.welcome(request.name, is_new=request.wanted.kind == "join")
        assert given is not None, "it was written just now"
        return given

    def _votes(self, request: Request) -> set[str]:
        """Of the officers of now: what one who left has signed counts no more, and stands in nobody's way."""
        folder = self._made(f"approvals/{request.name}")
        found = set()
        for path in folder.glob("*.note"):
            with suppress(Invalid):
                found.add(approving.check(path.read_bytes(), request, self.file.officers).name)
        return found

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        make_folders(folder)
        return folder

    def _stamp(self) -> tuple[int, int]:
        found = (self.folder / "directory" / "head.json").stat()
        return found.st_ino, found.st_mtime_ns


def founded(folder: Path, file: CentreFile, *, clock: Clock, random: Random, load_key: LoadKey) -> Centre:
    """Found a centre, or open the one that is there. Raises Invalid when it is another instance's."""
    make_folders(folder)
    with locked(folder):
        path = folder / "centre.json"
        if path.exists() and read_file(folder).instance != file.instance:
            raise Invalid.at("instance", f"The centre in {folder} is of {read_file(folder).instance}.")
        if not path.exists():
            write_file(path, msgspec.json.format(msgspec.json.encode(file), indent=2))
        return Centre(folder, read_file(folder), clock=clock, random=random, load_key=load_key)


def opened(folder: Path, *, clock: Clock, random: Random, load_key: LoadKey) -> Centre:
    """Raises Invalid when there is none."""
    with locked(folder):
        return Centre(folder, read_file(folder), clock=clock, random=random, load_key=load_key)
