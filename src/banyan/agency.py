"""`./banyan agency`: agencies join a road, officers let them in, keys change, and what is known stands in a list.

At the centre: found, officer, approve, revoke, rotate-key --authority, list. At an agency: init, join, vouch,
change, rotate-key, end-key, status. Anywhere: evidence. Bad input: exit code 2 and one sentence.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from banyan.agency_centre import CENTRE, act, add_centre_acts, day, is_same, opened, say
from banyan.agency_change import add_change_acts, address_of
from banyan.agency_online import ask_centre, is_address
from banyan.errors import Invalid, NotFound
from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.directory import (
    evidence,
    membership,
    pkcs11,
    trust,
    upkeep,
)
from banyan.kernel.exchange.directory.document import Name, Subsystem
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import ENDED, Agency, AgencyFile
from banyan.kernel.storage.durable import write_file
from banyan.wire.tlog.note import BadNote
from banyan.wire.xroad.identifiers import encoded, parse_client

ROOT: Final = Path(__file__).parents[2]
AGENCY: Final = ROOT / "data" / "agency"


def add_agency_parser(verbs: Any) -> None:
    agency = verbs.add_parser("agency", help="join a road between agencies, or run its centre")
    acts = agency.add_subparsers(dest="act", required=True, metavar="ACT")
    add_centre_acts(acts)
    _add_agency_acts(acts)


def _add_agency_acts(acts: Any) -> None:
    init = act(acts, "init", "make an agency's folder: its keys and its request", _init)
    init.add_argument("member", help="INSTANCE/CLASS/CODE")
    init.add_argument("--zh", default="", metavar="NAME", help="its name in Chinese")
    init.add_argument("--en", default="", metavar="NAME", help="its name in English")
    init.add_argument("--address", action="append", default=[], metavar="HOST:PORT", help="where peers reach it")
    init.add_argument("--server", default="gw1", metavar="CODE", help="the name of this gateway")
    init.add_argument("--subsystem", action="append", default=[], metavar="CODE")
    init.add_argument("--algorithm", choices=("p256", "ed25519"), default="p256")
    init.add_argument("--post-quantum", action="store_true", help="sign each message by ML-DSA too")
    init.add_argument("--sign-key", default="", metavar="PKCS11", help="the signing key in a device: pkcs11:…")
    init.add_argument(
        "--certificate", type=Path, metavar="FILE", help="the gateway's TLS key and certificate, PEM, by an outside CA"
    )
    join = act(acts, "join", "send the request to the centre, or take what it gave back", _join)
    join.add_argument("source", help="the centre's address, or a file: its anchor, or what it gave back")
    join.add_argument("--fingerprint", default="", help="of the centre's anchor, read to you by another way")
    more = add_change_acts(acts)
    rotate = act(acts, "rotate-key", "put a new signing key in force", _rotate)
    rotate.add_argument("--authority", action="store_true", help="at the centre: the keys that sign the directory")
    rotate.add_argument("--centre", type=Path, default=CENTRE, metavar="DIR", help="the centre's folder")
    rotate.add_argument("--sign-key", default="", metavar="PKCS11", help="the new key in a device: pkcs11:…")
    rotate.add_argument("--out", type=Path, metavar="FILE", help="write the request to a file; nothing is sent")
    end = act(acts, "end-key", "end this agency's stolen key everywhere, by peers, also without the centre", _end_key)
    end.add_argument("key", help="its name, as `agency status` says it")
    status = act(acts, "status", "how this agency stands, and what must be done", _status)
    proof = act(acts, "evidence", "check a proof that the authority showed two directories", _evidence)
    proof.add_argument("file", type=Path)
    proof.add_argument("--anchor", type=Path, metavar="FILE", help="the anchor; else the one pinned in the folder")
    for one in (init, join, *more, rotate, end, status, proof):
        one.add_argument("--folder", type=Path, default=AGENCY, metavar="DIR", help="the agency's folder")


def _init(options: argparse.Namespace) -> int:
    owner = parse_client(options.member, "member", strict=True)
    if owner.subsystem or not options.address:
        raise Invalid.at("member" if owner.subsystem else "--address", "Give INSTANCE/CLASS/CODE and HOST:PORT.")
    file = AgencyFile(
        owner.instance,
        owner.member_class,
        owner.member,
        options.server,
        tuple(address_of(one) for one in options.address),
        Name(options.zh, options.en),
        tuple(Subsystem(code) for code in options.subsystem),
        algorithm=options.algorithm,
        has_second=options.post_quantum,
        sign_key=options.sign_key,
        certificate=str(options.certificate.resolve()) if options.certificate else "",
    )
    made = membership.made(options.folder, file, clock=system_clock, load_key=pkcs11.load_key)
    say(
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
    say(f"Pinned. Send {options.folder / 'request.json'} to the centre.", f"Its fingerprint: {_own(agency)}")
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
        say("The request is sent. Say `agency join` again when officers have approved it.")
        say(f"Read this to them by another way: {request.fingerprint}")
        return 0
    return _joined(agency.accept(membership.read_welcome(given)), agency)


def _rotate(options: argparse.Namespace) -> int:
    if options.authority:
        centre = opened(options.centre)
        with centre.turn():
            serial = centre.rotate()
            say(f"The authority signs by its keys number {serial}; members learn of them from the log.")
            say(f"Who joins from now on pins: {centre.anchor.fingerprint}")
        return 0
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    keeper = agency.keeper()
    request = agency.ask_key(options.sign_key)
    pages = keeper.anchor.pages
    if agency.is_asked_key_known():
        agency.use_new_key()
        say("The directory has this key already; the gateway signs by it in 20 minutes.")
        return 0
    if options.out or not pages:
        path = options.out or options.folder / "key-request.json"
        write_file(path, request.encode())
        say(f"Send {path} to the centre; `agency approve` there needs no officer, for the old key signed it.")
        say("Then say `agency join FILE` with what comes back.")
        return 0
    given = membership.read_welcome(ask_centre(pages[0], "POST", "renewals", request.encode()))
    agency.accept(given)
    agency.use_new_key()
    say("The new key is in force; the old one counts for a week yet. The gateway signs by the new one in 20 minutes.")
    return 0


def _end_key(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    name = agency.signers()[0].keyid
    if options.key != name:
        raise Invalid.at("key", f"This agency signs by {name}; name it to end it. No call of this agency passes then.")
    agency.end_key()
    say(f"{name} ends as soon as this agency's gateway, or any other, has the note in {agency.folder / ENDED}.")
    say("Then `agency init` in a new folder, and join again: officers of the centre approve the new key.")
    return 0


def _status(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    say(f"{encoded(agency.file.owner)}, gateway {agency.file.server}, signs by {agency.signers()[0].keyid}")
    if agency.anchor is None or not agency.tls.exists():
        say(f"Not a member yet. Its request's fingerprint: {_own(agency)}")
        return 0
    keeper, now = agency.keeper(), system_clock()
    standing = keeper.standing
    state = standing.freshness(now)
    say(f"Directory version {standing.version}, {state}; the authority spoke on {day(standing.beat)}.")
    is_there = any(upkeep.is_of(agency, one) for one in standing.snapshot.members) if standing.snapshot else False
    if not is_there or not standing.is_known(agency.file.owner):
        say("The directory does not have this agency, or it was revoked.")
    say(*(upkeep.warnings(agency, keeper, now) or ["Nothing must be done."]))
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
    say(f"It holds. {said}", evidence.REMEDY)
    return 0


def _check_anchor(options: argparse.Namespace, agency: Agency, anchor: trust.Anchor) -> None:
    """The first time, a person compares; later the pin does."""
    if agency.anchor is None and not is_same(options.fingerprint, anchor.fingerprint):
        say(f"The centre's anchor has the fingerprint {anchor.fingerprint}")
        raise Invalid.at("--fingerprint", "Ask the centre by another way and give what it reads.")


def _anchor(data: bytes) -> trust.Anchor:
    try:
        return trust.read_anchor(data)
    except BadNote as error:
        raise Invalid.at("source", f"What stands at this address is no centre's: {error}.") from error


def _joined(keeper: Keeper, agency: Agency) -> int:
    if agency.has_asked_key:
        agency.use_new_key()
    say(f"{encoded(agency.file.owner)} is a member; directory version {keeper.standing.version}.")
    return 0


def _own(agency: Agency) -> str:
    return agency.request().fingerprint
