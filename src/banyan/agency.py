"""`./banyan agency`: agencies join a road, officers let them in, keys change, and what is known stands in a list.

At the centre: found, officer, approve, revoke, rotate-key --authority, list. At an agency: init, join, rotate-key,
status. Anywhere: evidence. Bad input: exit code 2 and one sentence.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.agency_online import ask_centre, is_address
from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.events.clock import EpochS, iso, system_clock
from banyan.kernel.exchange.directory import (
    approving,
    document,
    enrolment,
    evidence,
    keyfiles,
    membership,
    pkcs11,
    trust,
    upkeep,
)
from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory.centre import Centre, CentreFile, Welcome
from banyan.kernel.exchange.directory.document import Address, Name, RevokedKind, Subsystem
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import ENDED, Agency, AgencyFile
from banyan.kernel.storage.durable import write_file
from banyan.wire import jcs
from banyan.wire.tlog.note import BadNote
from banyan.wire.xroad.identifiers import encoded, parse_client, parse_server

ROOT: Final = Path(__file__).parents[2]
AGENCY: Final = ROOT / "data" / "agency"
CENTRE: Final = ROOT / "data" / "centre"
KINDS: Final[tuple[RevokedKind, ...]] = ("member", "key", "gateway", "certificate")


def add_agency_parser(verbs: Any) -> None:
    agency = verbs.add_parser("agency", help="join a road between agencies, or run its centre")
    acts = agency.add_subparsers(dest="act", required=True, metavar="ACT")
    _add_centre_acts(acts)
    _add_agency_acts(acts)


def _add_centre_acts(acts: Any) -> None:
    found = _act(acts, "found", "found a road: the centre's keys, its CA and the first directory", _found)
    found.add_argument("instance", help="the road's name, first part of every identifier: TW")
    found.add_argument("--page", action="append", default=[], metavar="URL", help="where agencies reach the centre")
    found.add_argument("--officers", type=int, default=0, metavar="N", help="how many must approve an agency")
    found.add_argument("--ca-key", default="", metavar="PKCS11", help="the CA's key in a device: pkcs11:…")
    officer = _act(acts, "officer", "make an officer's key and name the officer at the centre", _officer)
    officer.add_argument("name")
    officer.add_argument("file", type=Path, help="where the officer keeps the key; a removable disk is best")
    approve = _act(acts, "approve", "let an agency in, by its request", _approve)
    approve.add_argument("request", help="a request's file, or its name in `agency list`")
    approve.add_argument("--fingerprint", default="", help="as the agency read it to you by another way")
    approve.add_argument("--officer", type=Path, metavar="FILE", help="your officer's key")
    approve.add_argument("--home", action="store_true", help="it is the centre's own gateway, which all others ask")
    approve.add_argument("--out", type=Path, metavar="FILE", help="write what the agency gets back to a file")
    refuse = _act(acts, "refuse", "do without a request", _refuse)
    refuse.add_argument("request", help="its name in `agency list`")
    revoke = _act(acts, "revoke", "end a member, key, gateway or certificate at once, everywhere", _revoke)
    revoke.add_argument("kind", choices=KINDS)
    revoke.add_argument("subject", help="its identifier, a key's name, or a certificate's SHA-256 in hexadecimal")
    _act(acts, "list", "members, and requests that wait", _list)
    for one in (found, officer, approve, refuse, revoke, acts.choices["list"]):
        one.add_argument("--centre", type=Path, default=CENTRE, metavar="DIR", help="the centre's folder")


def _add_agency_acts(acts: Any) -> None:
    init = _act(acts, "init", "make an agency's folder: its keys and its request", _init)
    init.add_argument("member", help="INSTANCE/CLASS/CODE")
    init.add_argument("--zh", default="", metavar="NAME", help="its name in Chinese")
    init.add_argument("--en", default="", metavar="NAME", help="its name in English")
    init.add_argument("--address", action="append", default=[], metavar="HOST:PORT", help="where peers reach it")
    init.add_argument("--server", default="gw1", metavar="CODE", help="the name of this gateway")
    init.add_argument("--subsystem", action="append", default=[], metavar="CODE")
    init.add_argument("--algorithm", choices=("p256", "ed25519"), default="p256")
    init.add_argument("--post-quantum", action="store_true", help="sign each message by ML-DSA too")
    init.add_argument("--sign-key", default="", metavar="PKCS11", help="the signing key in a device: pkcs11:…")
    join = _act(acts, "join", "send the request to the centre, or take what it gave back", _join)
    join.add_argument("source", help="the centre's address, or a file: its anchor, or what it gave back")
    join.add_argument("--fingerprint", default="", help="of the centre's anchor, read to you by another way")
    rotate = _act(acts, "rotate-key", "put a new signing key in force", _rotate)
    rotate.add_argument("--authority", action="store_true", help="at the centre: the keys that sign the directory")
    rotate.add_argument("--centre", type=Path, default=CENTRE, metavar="DIR", help="the centre's folder")
    rotate.add_argument("--out", type=Path, metavar="FILE", help="write the request to a file; nothing is sent")
    end = _act(acts, "end-key", "end this agency's stolen key everywhere, by peers, also without the centre", _end_key)
    end.add_argument("key", help="its name, as `agency status` says it")
    status = _act(acts, "status", "how this agency stands, and what must be done", _status)
    proof = _act(acts, "evidence", "check a proof that the authority showed two directories", _evidence)
    proof.add_argument("file", type=Path)
    proof.add_argument("--anchor", type=Path, metavar="FILE", help="the anchor; else the one pinned in the folder")
    for one in (init, join, rotate, end, status, proof):
        one.add_argument("--folder", type=Path, default=AGENCY, metavar="DIR", help="the agency's folder")


def _act(acts: Any, name: str, text: str, run: Any) -> Any:
    parser = acts.add_parser(name, help=text)
    parser.set_defaults(run=run)
    return parser


def _found(options: argparse.Namespace) -> int:
    file = CentreFile(options.instance, tuple(options.page), options.officers, ca_key=options.ca_key)
    if parse_client(f"{options.instance}/A/B", "instance", strict=True).parts[1:] != ("A", "B"):
        raise Invalid.at("instance", "Give one part, without a slash.")
    made = centres.founded(
        options.centre, file, clock=system_clock, random=secrets.token_bytes, load_key=pkcs11.load_key
    )
    anchor = options.centre / "anchor.json"
    _say(
        f"The road {options.instance} is founded in {options.centre}.",
        f"Give agencies {anchor}; read them its fingerprint by another way:",
        f"  {made.anchor.fingerprint}",
    )
    return 0


def _officer(options: argparse.Namespace) -> int:
    if options.file.exists():
        raise Conflict(f"{options.file} is there already.", remedy="Name another file.")
    _ = _opened(options.centre)
    key = keyfiles.new_signing_key("ed25519")
    assert isinstance(key, Ed25519PrivateKey), "an officer's key is Ed25519"
    officer = _convert(approving.officer_of, options.name, key)
    centres.name_officer(options.centre, officer)
    keyfiles.save_key(options.file, key)
    _say(f"{options.name} is an officer of the centre; the key is in {options.file}.")
    return 0


def _approve(options: argparse.Namespace) -> int:
    centre = _opened(options.centre)
    with centre.turn():
        request, data = _asked(centre, options.request)
        wanted = request.wanted
        if wanted.kind != "join":
            return _answered(options, centre.renew(data), f"{encoded(wanted.owner)} has its {wanted.kind}.")
        if not _is_same(options.fingerprint, request.fingerprint):
            _say(*_described(request))
            raise Invalid.at(
                "--fingerprint", "Ask the agency by another way (a telephone number you know) and give what it reads."
            )
        if options.officer:
            key = keyfiles.load_key(options.officer)
            if not isinstance(key, Ed25519PrivateKey):
                raise Invalid.at(str(options.officer), "An officer's key is Ed25519; make it by `agency officer`.")
            missing = centre.vote(request, centre.statement(request, key))
            if missing:
                _say(f"Approved; {missing} more must approve {request.name}.")
                return 0
        return _answered(options, centre.admit(request, is_home=options.home), f"{encoded(wanted.owner)} is a member.")


def _refuse(options: argparse.Namespace) -> int:
    centre = _opened(options.centre)
    with centre.turn():
        centre.refuse(options.request)
    _say(f"The request {options.request} is gone.")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    subject = options.subject
    match options.kind:
        case "member":
            subject = encoded(parse_client(subject, "subject").owner)
        case "gateway":
            subject = encoded(parse_server(subject, "subject"))
    centre = _opened(options.centre)
    with centre.turn():
        if not centre.knows(options.kind, subject):
            raise NotFound(f"The directory has no {options.kind} {subject}.", remedy="See `agency list`.")
        centre.authority.revoke(options.kind, subject)
    _say(f"The {options.kind} {subject} no longer counts; peers hear of it within a minute.")
    return 0


def _list(options: argparse.Namespace) -> int:
    centre = _opened(options.centre)
    with centre.turn():
        snapshot = centre.authority.snapshot
        revoked = centre.keeper.standing
        _say(f"{snapshot.instance}, version {snapshot.version}, {len(snapshot.members)} members")
        for member in snapshot.members:
            owner = document.member_id(snapshot.instance, member)
            state = "" if revoked.is_known(owner) else "  REVOKED"
            _say(f"  {encoded(owner)}  {member.name.zh} {member.name.en}{state}")
            for key in member.keys:
                _say(f"    key {document.key_name(owner, key.public)} until {_day(key.until)}")
            for gateway in member.gateways:
                hosts = ", ".join(f"{one.host}:{one.port}" for one in gateway.addresses)
                _say(f"    gateway {gateway.server} at {hosts}")
                for certificate in gateway.certificates:
                    _say(f"      certificate {certificate.sha256.hex()} until {_day(certificate.until)}")
        for name in centre.waiting():
            try:
                _say(*_described(centre.request(name)))
            except Problem as problem:
                _say(f"request {name}: {problem.title}")
        _say(*upkeep.endings(snapshot, snapshot.members, system_clock()))
    return 0


def _init(options: argparse.Namespace) -> int:
    owner = parse_client(options.member, "member", strict=True)
    if owner.subsystem or not options.address:
        raise Invalid.at("member" if owner.subsystem else "--address", "Give INSTANCE/CLASS/CODE and HOST:PORT.")
    file = AgencyFile(
        owner.instance,
        owner.member_class,
        owner.member,
        options.server,
        tuple(_address(one) for one in options.address),
        Name(options.zh, options.en),
        tuple(Subsystem(code) for code in options.subsystem),
        algorithm=options.algorithm,
        has_second=options.post_quantum,
        sign_key=options.sign_key,
    )
    made = membership.made(options.folder, file, clock=system_clock, load_key=pkcs11.load_key)
    _say(
        f"{encoded(owner)} is made in {options.folder}; its keys stay there.",
        f"Send {options.folder / 'request.json'} to the centre, or say `agency join ADDRESS`.",
        f"Read this to its officers by another way: {made.request().fingerprint}",
    )
    return 0


def _join(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    if is_address(options.source):
        return _join_online(options, agency)
    path = Path(options.source)
    if not path.is_file():
        raise Invalid.at("source", f"{path} is neither an address nor a file.")
    data = path.read_bytes()
    try:
        anchor = trust.read_anchor(data)
    except BadNote:
        welcome = membership.read_welcome(data)
        _check_anchor(options, agency, welcome.anchor)
        return _joined(agency.accept(welcome), agency)
    _check_anchor(options, agency, anchor)
    agency.pin(anchor)
    _say(f"Pinned. Send {options.folder / 'request.json'} to the centre.", f"Its fingerprint: {_own(agency)}")
    return 0


def _join_online(options: argparse.Namespace, agency: Agency) -> int:
    anchor = _anchor(ask_centre(options.source, "GET", "anchor"))
    _check_anchor(options, agency, anchor)
    agency.pin(anchor)
    request = agency.request()
    try:
        given = ask_centre(options.source, "GET", f"issued?request={request.name}")
    except NotFound:
        ask_centre(options.source, "POST", "requests", request.encode())
        _say("The request is sent. Say `agency join` again when officers have approved it.")
        _say(f"Read this to them by another way: {request.fingerprint}")
        return 0
    return _joined(agency.accept(membership.read_welcome(given)), agency)


def _rotate(options: argparse.Namespace) -> int:
    if options.authority:
        centre = _opened(options.centre)
        with centre.turn():
            serial = centre.rotate()
            _say(f"The authority signs by its keys number {serial}; members learn of them from the log.")
            _say(f"Who joins from now on pins: {centre.anchor.fingerprint}")
        return 0
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    keeper = agency.keeper()
    request = agency.ask_key()
    pages = keeper.anchor.pages
    if options.out or not pages:
        path = options.out or options.folder / "key-request.json"
        write_file(path, request.encode())
        _say(f"Send {path} to the centre; `agency approve` there needs no officer, for the old key signed it.")
        _say("Then say `agency join FILE` with what comes back.")
        return 0
    given = membership.read_welcome(ask_centre(pages[0], "POST", "renewals", request.encode()))
    agency.accept(given)
    agency.use_new_key()
    _say("The new key is in force; the old one counts for a week yet. Restart the gateway to sign by the new one.")
    return 0


def _end_key(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    name = agency.signers()[0].keyid
    if options.key != name:
        raise Invalid.at("key", f"This agency signs by {name}; name it to end it. No call of this agency passes then.")
    agency.end_key()
    _say(f"{name} ends as soon as this agency's gateway, or any other, has the note in {agency.folder / ENDED}.")
    _say("Then `agency init` in a new folder, and join again: officers of the centre approve the new key.")
    return 0


def _status(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    _say(f"{encoded(agency.file.owner)}, gateway {agency.file.server}, signs by {agency.signers()[0].keyid}")
    if agency.anchor is None or not agency.tls.exists():
        _say(f"Not a member yet. Its request's fingerprint: {_own(agency)}")
        return 0
    keeper, now = agency.keeper(), system_clock()
    standing = keeper.standing
    state = standing.freshness(now)
    _say(f"Directory version {standing.version}, {state}; the authority spoke on {_day(standing.beat)}.")
    own = [one for one in standing.snapshot.members if _is_of(agency, one)] if standing.snapshot else []
    if not own or not standing.is_known(agency.file.owner):
        _say("The directory does not have this agency, or it was revoked.")
    alerts = [*keeper.alerts, *upkeep.silence(standing, now), *upkeep.endings(standing.snapshot, own, now)]
    _say(*(alerts or ["Nothing must be done."]))
    return 0


def _evidence(options: argparse.Namespace) -> int:
    path = options.anchor or options.folder / "anchor.json"
    try:
        anchor = trust.read_anchor(path.read_bytes())
        chain = [anchor.keys]
        if options.anchor is None and (options.folder / "directory").is_dir():
            held = Keeper(options.folder / "directory", anchor, clock=system_clock).held
            chain = list(held.facts.chain) or chain
        said = evidence.verify(evidence.read(options.file.read_bytes()), anchor.instance, chain)
    except OSError as error:
        raise Invalid.at(str(error.filename), "This file cannot be read.") from error
    except BadNote as error:
        raise Invalid.at(str(options.file), f"It proves nothing: {error}.") from error
    _say(f"It holds. {said}", evidence.REMEDY)
    return 0


def _opened(folder: Path) -> Centre:
    return centres.opened(folder, clock=system_clock, random=secrets.token_bytes, load_key=pkcs11.load_key)


def _asked(centre: Centre, source: str) -> tuple[enrolment.Request, bytes]:
    path = Path(source)
    if not path.is_file():
        request = centre.request(source)
        return request, request.encode()
    data = path.read_bytes()
    request = enrolment.read(data, now=system_clock())
    if request.wanted.kind == "join":
        centre.submit(data)
    return request, data


def _answered(options: argparse.Namespace, welcome: Welcome, said: str) -> int:
    _say(said)
    if options.out:
        write_file(options.out, jcs.encode(welcome))
        _say(f"Send {options.out} back to the agency; it says `agency join FILE`.")
    return 0


def _described(request: enrolment.Request) -> list[str]:
    wanted = request.wanted
    hosts = ", ".join(f"{one.host}:{one.port}" for one in wanted.addresses)
    codes = ", ".join(one.code for one in wanted.subsystems) or "no subsystem"
    return [
        f"request {request.name}: {encoded(wanted.owner)} ({wanted.name.zh} {wanted.name.en})",
        f"  made {_day(wanted.made_at)}",
        f"  gateway {wanted.server} at {hosts}; {codes}",
        f"  fingerprint {request.fingerprint}",
    ]


def _check_anchor(options: argparse.Namespace, agency: Agency, anchor: trust.Anchor) -> None:
    """The first time, a person compares; later the pin does."""
    if agency.anchor is None and not _is_same(options.fingerprint, anchor.fingerprint):
        _say(f"The centre's anchor has the fingerprint {anchor.fingerprint}")
        raise Invalid.at("--fingerprint", "Ask the centre by another way and give what it reads.")


def _anchor(data: bytes) -> trust.Anchor:
    try:
        return trust.read_anchor(data)
    except BadNote as error:
        raise Invalid.at("source", f"What stands at this address is no centre's: {error}.") from error


def _joined(keeper: Keeper, agency: Agency) -> int:
    if (agency.folder / "keys" / "sign.new.pem").exists():
        agency.use_new_key()
    _say(f"{encoded(agency.file.owner)} is a member; directory version {keeper.standing.version}.")
    return 0


def _own(agency: Agency) -> str:
    return agency.request().fingerprint


def _is_of(agency: Agency, member: document.Member) -> bool:
    return (member.member_class, member.code) == (agency.file.member_class, agency.file.member)


def _is_same(said: str, fingerprint: str) -> bool:
    return secrets.compare_digest("".join(said.lower().split()).encode(), fingerprint.replace(" ", "").encode())


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise Invalid.at("--address", f"{text[:80]!r} is not HOST:PORT.")
    return Address(host, int(port))


def _convert(make: Any, *arguments: Any) -> Any:
    try:
        return make(*arguments)
    except ValueError as error:
        raise Invalid.at("name", f"{error}.") from error


def _day(at: float) -> str:
    return iso(EpochS(at))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
