"""A node takes up the new signing key of an agency that it hosts, as of its own, and lets go of one that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.demo.federation.test_weighed import settings
from tests.make import frozen_clock

from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.enrolment import Change, Host, Wanted
from banyan.kernel.exchange.directory.tending import tend
from banyan.node import open_node
from banyan.roads import Road
from banyan.wire.xroad.codes import Origin
from banyan.wire.xroad.faults import Fault


def test_the_key_of_a_hosted_agency_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        async with open_node(tmp_path, settings(tmp_path), clock=frozen_clock(), is_demo=True) as node:
            road = node.road
            assert road is not None
            assert road.centre is not None
            desk, hosted = road.gateway.desk, road.agencies[-1]
            before = dict(desk.signing)
            with road.centre.turn():
                road.centre.renew(hosted.ask_key().encode())
                road.centre.authority.revoke("key", before[hosted.file.owner].first.keyid)
            hosted.use_new_key()
            tend(road.centre, road.keeper)
            await road.take_up_keys()
            changed = {owner for owner, signing in desk.signing.items() if signing is not before[owner]}
            assert changed == {hosted.file.owner}
            assert desk.signing[hosted.file.owner].first.keyid == hosted.signers()[0].keyid

    asyncio.run(story())


async def told_by_a_peer(road: Road, centre: Centre) -> None:
    tend(centre, road.keeper)
    road.gossip._news()


@pytest.mark.parametrize("hears", [Road._tend, told_by_a_peer])
def test_an_agency_that_leaves_its_host_is_served_there_no_more(
    tmp_path: Path, hears: Callable[[Road, Centre], Awaitable[None]]
) -> None:
    """At once, whether the host runs the centre or hears of it from a peer."""

    async def story() -> None:
        async with open_node(tmp_path, settings(tmp_path), clock=frozen_clock(), is_demo=True) as node:
            road = node.road
            assert road is not None
            assert road.centre is not None
            desk, hosted = road.gateway.desk, road.agencies[-1]
            await road.take_up_keys()
            before = dict(desk.signing)
            assert hosted.file.owner in before
            host, owner = road.agency.file, hosted.file
            left = Change(left=(Host(host.member_class, host.member, host.server),))
            wanted = Wanted("change", owner.instance, owner.member_class, owner.member, 0, change=left)
            with road.centre.turn():
                snapshot = road.centre.authority.snapshot
                road.centre.renew(hosted.ask_change(wanted).encode())
            await hears(road, road.centre)
            assert set(before) - set(desk.signing) == {hosted.file.owner}
            with pytest.raises(Fault, match="not any more"):
                desk.keys_of(hosted.file.owner, Origin.CLIENT_PROXY)
            with road.centre.turn():
                road.centre.authority.change(lambda now: msgspec.structs.replace(now, members=snapshot.members))
            tend(road.centre, road.keeper)
            await road.take_up_keys()
            assert set(desk.signing) == set(before), "it is hosted again"

    asyncio.run(story())
