"""`./banyan agency` at a member that the directory has: vouch for a further gateway, or change what stands there."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from banyan.agency_centre import act, described, is_same, say
from banyan.agency_online import ask_centre
from banyan.errors import Invalid
from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.directory import changing, enrolment, pkcs11
from banyan.kernel.exchange.directory.document import Address, Served, Subsystem
from banyan.kernel.exchange.directory.enrolment import Change, Host, Request, Wanted
from banyan.kernel.exchange.directory.membership import CHANGE, Agency
from banyan.kernel.storage.durable import write_file
from banyan.wire.xroad.identifiers import encoded, parse_client, parse_server


def add_change_acts(acts: Any) -> list[Any]:
    """The parsers, for options that all have."""
    vouch = act(acts, "vouch", "sign for a further gateway of this member, or for who is to host it", _vouch)
    vouch.add_argument("file", type=Path, help="the request.json that `agency init` made there, or a change to host")
    vouch.add_argument("--fingerprint", default="", help="of that request, as it stands on the other machine's screen")
    change = act(acts, "change", "change what the directory has of this member", _change)
    change.add_argument("--server", default="", metavar="CODE", help="which gateway of the member; else this one")
    change.add_argument(
        "--address", action="append", default=[], metavar="HOST:PORT", help="all its addresses; at once"
    )
    change.add_argument("--notice", metavar="TEXT", help="in maintenance: no call is sent to it; '' ends it; at once")
    change.add_argument("--drop-gateway", action="store_true", help="take it out of the directory")
    for name, metavar, text in (
        ("subsystem", "CODE", "a new subsystem"),
        ("drop-subsystem", "CODE", "one that goes"),
        ("host", "ID", "host INSTANCE/CLASS/CODE/SUBSYSTEM of another member, which vouches for it"),
        ("drop-host", "ID", "host it no more"),
        ("leave-host", "ID", "end what the gateway INSTANCE/CLASS/CODE/SERVER hosts of this member; at once"),
    ):
        change.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)
    for one in (vouch, change):
        one.add_argument("--out", type=Path, metavar="FILE", help="write the request to a file; nothing is sent")
    return [vouch, change]


def _vouch(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    try:
        request = enrolment.read(options.file.read_bytes(), now=system_clock())
    except OSError as error:
        raise Invalid.at(str(options.file), "This file cannot be read.") from error
    signed = agency.vouch(request)
    if not is_same(options.fingerprint, request.fingerprint):
        say(*described(request))
        raise Invalid.at("--fingerprint", "Compare with the other machine's screen and give what stands there.")
    _to_officers(options, agency, signed, "vouched.json")
    if request.wanted.kind == "join":
        say(f"Then say `agency join` at {request.wanted.server}, with the centre's address or what comes back.")
    return 0


def _change(options: argparse.Namespace) -> int:
    agency = Agency(options.folder, clock=system_clock, load_key=pkcs11.load_key)
    file, change = agency.file, _asked(options, agency.file.instance)
    is_of_gateway = bool(options.address or change.hosted or change.unhosted or change.is_gone)
    is_of_gateway = is_of_gateway or change.notice is not None
    server = options.server or (file.server if is_of_gateway else "")
    wanted = Wanted(
        "change",
        file.instance,
        file.member_class,
        file.member,
        0,
        subsystems=tuple(Subsystem(one) for one in options.subsystem),
        server=server,
        addresses=tuple(address_of(one) for one in options.address),
        change=change,
    )
    if not (is_of_gateway or wanted.subsystems or change.dropped or change.left):
        raise Invalid.at(
            "change", "Say what changes: --address, --notice, --subsystem, --host, or what is to be dropped or left."
        )
    request = agency.ask_change(wanted)
    others = changing.consenting(wanted)
    if others and not options.out:
        raise Invalid.at("--out", f"Write it to a file: {encoded(others[0])} says `agency vouch FILE` on it first.")
    if others or not changing.is_at_once(wanted):
        _to_officers(options, agency, request, CHANGE)
    elif not (path := _written(options, agency, request, CHANGE)):
        ask_centre(agency.keeper().anchor.pages[0], "POST", "renewals", request.encode())
        say("It counts; peers hear of it within a minute.")
    else:
        say(f"Send {path} to the centre; `agency approve` there needs no officer, for this member's key signed it.")
    return 0


def _to_officers(options: argparse.Namespace, agency: Agency, request: Request, name: str) -> None:
    if path := _written(options, agency, request, name):
        say(f"Send {path} to the centre; its officers approve it.")
    else:
        ask_centre(agency.keeper().anchor.pages[0], "POST", "requests", request.encode())
        say("The request is at the centre; its officers approve it.")
    say(f"Read this to them by another way: {request.fingerprint}")


def _written(options: argparse.Namespace, agency: Agency, request: Request, name: str) -> Path | None:
    """The file, when it was asked for or the centre has no page to send it to."""
    if not options.out and agency.keeper().anchor.pages:
        return None
    path: Path = options.out or options.folder / name
    write_file(path, request.encode())
    return path


def _asked(options: argparse.Namespace, instance: str) -> Change:
    return Change(
        options.notice,
        tuple(options.drop_subsystem),
        tuple(_served(one, "--host", instance) for one in options.host),
        tuple(_served(one, "--drop-host", instance) for one in options.drop_host),
        options.drop_gateway,
        tuple(_host(one, instance) for one in options.leave_host),
    )


def _served(text: str, field: str, instance: str) -> Served:
    found = parse_client(text, field, strict=True)
    if not found.subsystem or found.instance != instance:
        raise Invalid.at(field, f"Give {instance}/CLASS/CODE/SUBSYSTEM.")
    return Served(found.member_class, found.member, found.subsystem)


def _host(text: str, instance: str) -> Host:
    found = parse_server(text, "--leave-host", strict=True)
    if found.instance != instance:
        raise Invalid.at("--leave-host", f"Give {instance}/CLASS/CODE/SERVER.")
    return Host(found.member_class, found.member, found.server)


def address_of(text: str) -> Address:
    """Raises Invalid."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise Invalid.at("--address", f"{text[:80]!r} is not HOST:PORT.")
    return Address(host, int(port))
