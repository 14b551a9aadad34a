"""A centre and agencies in folders, joined as officers join them, without the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from tests.kernel.exchange.directory.nation import Clock

from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory import membership
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.centre_file import CentreFile, LoadKey
from banyan.kernel.exchange.directory.document import Address, Name, Snapshot, Subsystem
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.membership import Agency, AgencyFile, no_devices


def a_centre(folder: Path, clock: Clock, *, load_key: LoadKey = no_devices, **more: object) -> Centre:
    file = msgspec.convert({"instance": "TW", **more}, CentreFile)
    return centres.founded(folder, file, clock=clock, random=secrets.token_bytes, load_key=load_key)


def an_agency(folder: Path, code: str, clock: Clock, *, load_key: LoadKey = no_devices, **more: object) -> Agency:
    file = AgencyFile("TW", "GOV", code, "gw", (Address("127.0.0.1", 1),), Name(code, code), (Subsystem("data"),))
    file = msgspec.structs.replace(file, **more)
    return membership.made(folder, file, clock=clock, load_key=load_key)


def joined(centre: Centre, agency: Agency, *, is_home: bool = False) -> Keeper:
    with centre.turn():
        request = centre.submit(agency.request().encode())
        return agency.accept(centre.admit(request, is_home=is_home))


def at_port(code: str, port: int) -> Callable[[Snapshot], Snapshot]:
    """A change: the member's gateway is reached at this port."""

    def change(snapshot: Snapshot) -> Snapshot:
        members = []
        for member in snapshot.members:
            gateway = msgspec.structs.replace(member.gateways[0], addresses=(Address("127.0.0.1", port),))
            members.append(msgspec.structs.replace(member, gateways=(gateway,)) if member.code == code else member)
        return msgspec.structs.replace(snapshot, members=tuple(members))

    return change
