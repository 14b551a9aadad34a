"""Found the demonstration's road: its centre, an agency's folder for each member, and who hosts whom.

The same steps as `./banyan agency` takes for real agencies, in one process: each member makes its own keys and asks to
join, the centre lets it in, and what it gives back is accepted. Again changes nothing but the addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Final

import msgspec

from banyan.demo.federation.members import INSTANCE, MEMBERS, Member
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory import membership
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.centre_file import CentreFile
from banyan.kernel.exchange.directory.document import Address, Gateway, Name, Served, Snapshot, Subsystem
from banyan.kernel.exchange.directory.document import Member as Entry
from banyan.kernel.exchange.directory.membership import Agency, AgencyFile
from banyan.kernel.exchange.directory.tending import tend
from banyan.settings import RoadClient, RoadOffer, RoadRemote, RoadSettings

SERVER: Final = "gw1"
CENTRE: Final = Member("TW/GOV/BANYAN", "portal", "榕樹資料中心（示範）", "Banyan data centre (demo)", "centre")
"""Runs the directory, and hosts the members that have no gateway of their own."""


class House(msgspec.Struct, frozen=True):
    """A gateway to be: whose it is, where its data and its peers' listener are, which other members it hosts."""

    owner: Member
    data: Path
    port: int
    hosted: tuple[Member, ...] = ()

    @property
    def all(self) -> tuple[Member, ...]:
        return (self.owner, *self.hosted)


def found(centre_folder: Path, houses: Sequence[House], *, clock: Clock) -> Centre:
    """Found the road of these houses, the first of which runs the centre."""
    file = CentreFile(INSTANCE)
    centre = centres.founded(centre_folder, file, clock=clock, random=token_bytes, load_key=membership.no_devices)
    agencies = {one.id: _agency(house, one, clock) for house in houses for one in house.all}
    for agency in agencies.values():
        _join(centre, agency)
    with centre.turn():
        wanted = _housed(centre.authority.snapshot, houses)
        if wanted != centre.authority.snapshot:
            centre.authority.change(lambda _: wanted)
    for house in houses:
        tend(centre, agencies[house.owner.id].keeper())
    return centre


def settings_of(house: House, *, edge_port: int, centre: Path | None, remotes: Mapping[str, str]) -> RoadSettings:
    """node.toml's section for a house: everything of its members is offered, and their systems call by plain HTTP on
    this machine. `remotes`: services of the gate -> the member whose subsystem offers them."""
    clients = tuple(RoadClient(one.client, "http") for one in house.all)
    offers = tuple(
        RoadOffer(f"{one.client}/{offered.code}", f"gate:{offered.operation}")
        for one in house.all
        for offered in one.offers
    )
    return RoadSettings(
        enabled=True,
        agency=str(_folder(house, house.owner)),
        hosted=tuple(str(_folder(house, one)) for one in house.hosted),
        centre=str(centre) if centre is not None else "",
        peer_port=house.port,
        edge_port=edge_port,
        clients=clients,
        offers=offers,
        remotes=tuple(
            RoadRemote(service, next(one.client for one in MEMBERS if one.id == at), house.owner.client)
            for service, at in remotes.items()
        ),
    )


def _folder(house: House, member: Member) -> Path:
    return house.data / "agencies" / member.id.replace("/", "-").lower()


def _agency(house: House, member: Member, clock: Clock) -> Agency:
    folder = _folder(house, member)
    if not (folder / "agency.json").exists():
        instance, member_class, code = member.id.split("/")
        file = AgencyFile(
            instance,
            member_class,
            code,
            SERVER,
            (Address("127.0.0.1", house.port),),
            Name(member.name, member.name_en),
            (Subsystem(member.subsystem),),
        )
        membership.made(folder, file, clock=clock, load_key=membership.no_devices)
    return Agency(folder, clock=clock, load_key=membership.no_devices)


def _join(centre: Centre, agency: Agency) -> None:
    """Let an agency in that is not yet."""
    if agency.tls.exists() and agency.anchor is not None:
        return
    with centre.turn():
        request = agency.request()
        known = {(INSTANCE, one.member_class, one.code) for one in centre.authority.snapshot.members}
        if agency.file.owner.parts not in known:
            centre.submit(request.encode())
            welcome = centre.admit(request)
        else:  # it was let in, and cut off before it heard
            found = centre.welcome(request.name)
            assert found is not None, "what a member was given is kept"
            welcome = found
    agency.accept(welcome)


def _housed(snapshot: Snapshot, houses: Sequence[House]) -> Snapshot:
    """Each member at its house: the owner's gateway serves it, at the address of today; who is hosted has none."""
    owners = {house.owner.id: house for house in houses}
    hosted = {one.id for house in houses for one in house.hosted}

    def placed(entry: Entry) -> Entry:
        id = f"{snapshot.instance}/{entry.member_class}/{entry.code}"
        if id in hosted:
            return msgspec.structs.replace(entry, gateways=())
        house = owners.get(id)
        if house is None:
            return entry
        served = tuple(_served(one) for one in house.hosted)
        here = (Address("127.0.0.1", house.port),)
        gateways = tuple(
            Gateway(one.server, here, one.certificates, served) for one in entry.gateways if one.server == SERVER
        )
        return msgspec.structs.replace(entry, gateways=gateways)

    home = (*houses[0].owner.id.split("/")[1:], SERVER)
    return msgspec.structs.replace(
        snapshot, members=tuple(placed(one) for one in snapshot.members), home=(home[0], home[1], home[2])
    )


def _served(member: Member) -> Served:
    _, member_class, code = member.id.split("/")
    return Served(member_class, code, member.subsystem)
