"""A hospital's gateway asks immigration's flag at another node: signed on both sides, by purpose, basis and order, and
the patient sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
from tests.demo.federation.nation import Reply, ask
from tests.make import NOW
from tests.service.travel.world import CDC, H1_AT, LIN, NHI_AT, NIA, NIA_AT, ONLY, WHY, World

from banyan.demo.federation.founding import House, found, settings_of
from banyan.demo.federation.hosting import free_port
from banyan.demo.federation.members import Member, Offered
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.messages.index import Sought
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy import records
from banyan.node import open_node
from banyan.roads import Road
from banyan.service.travel.law import FLAG, duty_bases, flag_basis

BORDER = Member(NIA_AT, "border", "移民署", "Immigration", "", (Offered("flag", "travel.flag"),))
HOSPITAL = Member(H1_AT, "emergency", "榕樹醫院", "Banyan Hospital", "")
PATH = f"/r1/{NIA_AT}/border/flag"
ASKED = {"person": LIN, "reason": WHY}
SECOND = Caller("officer", "o-nia-2", agency=NIA_AT, assurance="aal2")
DENIED = "Server.ServerProxy.AccessDenied"
EXCHANGE = "banyan.service.exchange.parts:SERVICE"


@asynccontextmanager
async def two_nodes(folder: Path) -> AsyncIterator[tuple[World, Road, Road]]:
    """Immigration's node, which also keeps the directory, and the hospital's; their gateways have heard each other."""
    now = [float(NOW)]
    clock = lambda: EpochS(now[0])  # noqa: E731 - one clock of both
    houses = [House(one, folder / one.subsystem, free_port(0)) for one in (BORDER, HOSPITAL)]
    centre = folder / "centre"
    found(centre, houses, clock=clock)
    async with AsyncExitStack() as stack:
        nodes = []
        for house in houses:
            road = settings_of(house, edge_port=0, centre=centre if house.owner is BORDER else None, remotes={})
            settings = msgspec.structs.replace(
                ONLY, member=house.owner.id, road=road, services=(*ONLY.services, EXCHANGE)
            )
            nodes.append(await stack.enter_async_context(open_node(house.data, settings, clock=clock)))
        border, hospital = nodes
        assert border.road is not None
        assert hospital.road is not None
        for basis in (flag_basis([H1_AT]), *duty_bases(delivers=[NIA_AT], links=[NHI_AT], rules=[CDC.agency])):
            await border.lawful.policy.write(partial(records.put_basis, basis=basis, at=EpochS(NOW)))
        border.lawful.conscience.forget()
        for one in (border.road, hospital.road):
            await one.gossip.round()
        yield World(border, now), border.road, hospital.road


async def grant(world: World, purpose: str = "012") -> None:
    """Two officers of immigration let the hospital ask."""
    asked = {
        "client": HOSPITAL.client, "service": f"{NIA_AT}/border/flag", "purposes": {purpose: FLAG},
        "priority": "crisis", "per_minute": 60, "until": iso(EpochS(NOW + 86_400)),
    }  # fmt: skip
    made = await world.node.gate.call("exchange.propose_grant", asked, caller=NIA)
    await world.node.gate.call("exchange.approve_grant", {"id": made.id}, caller=SECOND)


def test_a_hospital_on_another_node_is_told_the_flag_and_the_patient_sees_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with two_nodes(tmp_path) as (world, border, hospital):

            async def asks(purpose: str = "012") -> Reply:
                return await ask(hospital, "POST", PATH, ASKED, X_Banyan_Purpose=purpose)

            ungranted = await asks()
            assert (ungranted.error, "grant" in ungranted.json["message"]) == (DENIED, True)
            await grant(world)
            unordered = await asks()
            assert (unordered.error, "order" in unordered.json["message"]) == (DENIED, True)
            await world.order()
            await world.rule()
            await world.arrive([LIN], ("XA", 5), ("SG", 3))
            assert (await asks("157")).error == DENIED
            assert not (await world.uses(LIN)).uses

            told = await asks()
            assert told.status == 200, told
            (mark,) = told.json["marks"]
            assert (mark["rule"], mark["state"], "SG" in told.body.decode()) == ("drill-xa", "now", False)
            xid = told.fields["x-road-request-id"]
            (use,) = (await world.uses(LIN)).uses
            assert (use.receiver, use.operation, use.purpose) == (H1_AT, "travel.flag", "012")
            assert use.request == xid.replace("-", "")
            for road, role in ((hospital, "client"), (border, "provider")):
                (line,) = await road.messages.messages.search(Sought(xid=xid))
                assert line.role == role, "each side keeps the signed message"

    asyncio.run(story())
