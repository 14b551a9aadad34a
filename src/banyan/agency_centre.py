"""`./banyan agency` at the centre of a road: found it, name officers, let agencies in, revoke, list."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.events.clock import EpochS, iso, system_clock
from banyan.kernel.exchange.directory import approving, document, enrolment, keyfiles, pkcs11, upkeep
from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory.centre import Centre, Welcome
from banyan.kernel.exchange.directory.centre_file import CentreFile, name_officer
from banyan.kernel.exchange.directory.document import RevokedKind
from banyan.kernel.storage.durable import write_file
from banyan.wire import jcs
from banyan.wire.xroad.identifiers import encoded, parse_client, parse_server

CENTRE: Final = Path(__file__).parents[2] / "data" / "centre"
KINDS: Final[tuple[RevokedKind, ...]] = ("member", "key", "gateway", "certificate")


def add_centre_acts(acts: Any) -> None:
    """What the centre's officers say."""
    found = act(acts, "found", "found a road: the centre's keys, its CA and the first directory", _found)
    found.add_argument("instance", help="the road's name, first part of every identifier: TW")
    found.add_argument("--page", action="append", default=[], metavar="URL", help="where agencies reach the centre")
    found.add_argument("--officers", type=int, default=0, metavar="N", help="how many must approve an agency")
    found.add_argument("--ca-key", default="", metavar="PKCS11", help="the CA's key in a device: pkcs11:…")
    officer = act(acts, "officer", "make an officer's key and name the officer at the centre", _officer)
    officer.add_argument("name")
    officer.add_argument("file", type=Path, help="where the officer keeps the key; a removable disk is best")
    approve = act(acts, "approve", "let an agency or gateway in, or its change, by its request", _approve)
    approve.add_argument("request", help="a request's file, or its name in `agency list`")
    approve.add_argument("--fingerprint", default="", help="as the agency read it to you by another way")
    approve.add_argument("--officer", type=Path, metavar="FILE", help="your officer's key")
    approve.add_argument("--home", action="store_true", help="it is the centre's own gateway, which all others ask")
    approve.add_argument("--out", type=Path, metavar="FILE", help="write what the agency gets back to a file")
    refuse = act(acts, "refuse", "do without a request", _refuse)
    refuse.add_argument("request", help="its name in `agency list`")
    revoke = act(acts, "revoke", "end a member, key, gateway or certificate at once, everywhere", _revoke)
    revoke.add_argument("kind", choices=KINDS)
    revoke.add_argument("subject", help="its identifier, a key's name, or a certificate's SHA-256 in hexadecimal")
    act(acts, "list", "members, and requests that wait", _list)
    for one in (found, officer, approve, refuse, revoke, acts.choices["list"]):
        one.add_argument("--centre", type=Path, default=CENTRE, metavar="DIR", help="the centre's folder")


def _found(options: argparse.Namespace) -> int:
    file = CentreFile(options.instance, tuple(options.page), options.officers, ca_key=options.ca_key)
    if parse_client(f"{options.instance}/A/B", "instance", strict=True).parts[1:] != ("A", "B"):
        raise Invalid.at("instance", "Give one part, without a slash.")
    made = centres.founded(
        options.centre, file, clock=system_clock, random=secrets.token_bytes, load_key=pkcs11.load_key
    )
    anchor = options.centre / "anchor.json"
    say(
        f"The road {options.instance} is founded in {options.centre}.",
        f"Give agencies {anchor}; read them its fingerprint by another way:",
        f"  {made.anchor.fingerprint}",
    )
    return 0


def _officer(options: argparse.Namespace) -> int:
    if options.file.exists():
        raise Conflict(f"{options.file} is there already.", remedy="Name another file.")
    _ = opened(options.centre)
    key = keyfiles.new_signing_key("ed25519")
    assert isinstance(key, Ed25519PrivateKey), "an officer's key is Ed25519"
    officer = _convert(approving.officer_of, options.name, key)
    name_officer(options.centre, officer)
    keyfiles.save_key(options.file, key)
    say(f"{options.name} is an officer of the centre; the key is in {options.file}.")
    return 0


def _approve(options: argparse.Namespace) -> int:
    centre = opened(options.centre)
    with centre.turn():
        request, data = _asked(centre, options.request)
        wanted = request.wanted
        if not centre.needs_officers(request):
            return _answered(options, centre.renew(data), f"{encoded(wanted.owner)} has its {wanted.kind}.")
        if not is_same(options.fingerprint, request.fingerprint):
            say(*described(request))
            if wanted.kind == "join" and centre.is_further(request):
                say(f"  a further gateway of {encoded(wanted.owner)}, which vouches for it")
            raise Invalid.at(
                "--fingerprint", "Ask the agency by another way (a telephone number you know) and give what it reads."
            )
        if options.officer:
            key = keyfiles.load_key(options.officer)
            if not isinstance(key, Ed25519PrivateKey):
                raise Invalid.at(str(options.officer), "An officer's key is Ed25519; make it by `agency officer`.")
            missing = centre.vote(request, centre.statement(request, key))
            if missing:
                say(f"Approved; {missing} more must approve {request.name}.")
                return 0
        if wanted.kind == "change":
            return _answered(options, centre.adopt(request), f"{encoded(wanted.owner)} has its change.")
        done = f"has its gateway {wanted.server}" if centre.is_further(request) else "is a member"
        return _answered(options, centre.admit(request, is_home=options.home), f"{encoded(wanted.owner)} {done}.")


def _refuse(options: argparse.Namespace) -> int:
    centre = opened(options.centre)
    with centre.turn():
        centre.refuse(options.request)
    say(f"The request {options.request} is gone.")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    subject = options.subject
    match options.kind:
        case "member":
            subject = encoded(parse_client(subject, "subject").owner)
        case "gateway":
            subject = encoded(parse_server(subject, "subject"))
    centre = opened(options.centre)
    with centre.turn():
        if not centre.knows(options.kind, subject):
            raise NotFound(f"The directory has no {options.kind} {subject}.", remedy="See `agency list`.")
        centre.authority.revoke(options.kind, subject)
    say(f"The {options.kind} {subject} no longer counts; peers hear of it within a minute.")
    return 0


def _list(options: argparse.Namespace) -> int:
    centre = opened(options.centre)
    with centre.turn():
        snapshot = centre.authority.snapshot
        revoked = centre.keeper.standing
        say(f"{snapshot.instance}, version {snapshot.version}, {len(snapshot.members)} members")
        for member in snapshot.members:
            owner = document.member_id(snapshot.instance, member)
            state = "" if revoked.is_known(owner) else "  REVOKED"
            say(f"  {encoded(owner)}  {member.name.zh} {member.name.en}{state}")
            for key in member.keys:
                say(f"    key {document.key_name(owner, key.public)} until {day(key.until)}")
            for gateway in member.gateways:
                hosts = ", ".join(f"{one.host}:{one.port}" for one in gateway.addresses)
                notice = f", in maintenance: {gateway.notice}" if gateway.notice else ""
                say(f"    gateway {gateway.server} at {hosts}{notice}")
                for one in gateway.hosted:
                    say(f"      hosts {one.member_class}/{one.member}/{one.subsystem}")
                for certificate in gateway.certificates:
                    say(f"      certificate {certificate.sha256.hex()} until {day(certificate.until)}")
        for name in centre.waiting():
            try:
                say(*described(centre.request(name)))
            except Problem as problem:
                say(f"request {name}: {problem.title}")
        say(*upkeep.endings(snapshot, snapshot.members, system_clock()))
    return 0


def opened(folder: Path) -> Centre:
    """The centre that lies there."""
    return centres.opened(folder, clock=system_clock, random=secrets.token_bytes, load_key=pkcs11.load_key)


def _asked(centre: Centre, source: str) -> tuple[enrolment.Request, bytes]:
    path = Path(source)
    if not path.is_file():
        request = centre.request(source)
        return request, request.encode()
    data = path.read_bytes()
    request = enrolment.read(data, now=system_clock())
    return (centre.submit(data) if centre.needs_officers(request) else request), data


def _answered(options: argparse.Namespace, welcome: Welcome, said: str) -> int:
    say(said)
    if options.out:
        write_file(options.out, jcs.encode(welcome))
        say(f"Send {options.out} back to the agency; it says `agency join FILE`.")
    return 0


def described(request: enrolment.Request) -> list[str]:
    """What people look at before they let it in."""
    wanted = request.wanted
    if wanted.kind == "change":
        what = _changes(wanted)
        return [f"request {request.name}: {encoded(wanted.owner)}", *what, f"  fingerprint {request.fingerprint}"]
    hosts = ", ".join(f"{one.host}:{one.port}" for one in wanted.addresses)
    codes = ", ".join(one.code for one in wanted.subsystems) or "no subsystem"
    return [
        f"request {request.name}: {encoded(wanted.owner)} ({wanted.name.zh} {wanted.name.en})",
        f"  made {day(wanted.made_at)}",
        f"  gateway {wanted.server} at {hosts}; {codes}",
        f"  fingerprint {request.fingerprint}",
    ]


def _changes(wanted: enrolment.Wanted) -> list[str]:
    """Of a request to change something; empty of others."""
    change = wanted.change
    hosts = ", ".join(f"{one.host}:{one.port}" for one in wanted.addresses)
    found = [f"  gateway {wanted.server}"] if wanted.server else []
    found += ["  leaves the directory"] if change.is_gone else []
    found += [f"  addresses: {hosts}"] if hosts else []
    found += [f"  notice: {change.notice or 'none'}"] if change.notice is not None else []
    for what, served in (("hosts", change.hosted), ("hosts no more", change.unhosted)):
        found += [f"  {what}: {one.member_class}/{one.member}/{one.subsystem}" for one in served]
    found += [f"  leaves its host {one.member_class}/{one.member}/{one.server}" for one in change.left]
    found += [f"  new subsystem: {one.code}" for one in wanted.subsystems]
    return found + [f"  subsystem that goes: {one}" for one in change.dropped]


def _convert(make: Any, *arguments: Any) -> Any:
    try:
        return make(*arguments)
    except ValueError as error:
        raise Invalid.at("name", f"{error}.") from error


def act(acts: Any, name: str, text: str, run: Any) -> Any:
    """A verb of `./banyan agency`."""
    parser = acts.add_parser(name, help=text)
    parser.set_defaults(run=run)
    return parser


def is_same(said: str, fingerprint: str) -> bool:
    """Whether a person was read this fingerprint."""
    return secrets.compare_digest("".join(said.lower().split()).encode(), fingerprint.replace(" ", "").encode())


def day(at: float) -> str:
    return iso(EpochS(at))


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
