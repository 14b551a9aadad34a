"""A node takes up the new signing key of an agency that it hosts, as of its own, while it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.demo.federation.test_weighed import settings
from tests.make import frozen_clock

from banyan.kernel.exchange.directory.tending import tend
from banyan.node import open_node


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
