"""Three gateways: a service of immigration's that runs at the centre is asked over the road, and the centre may go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.demo.federation.nation import ask
from tests.demo.federation.three import a_federation
from tests.make import NOW

from banyan.demo.agencies.people import LIN
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.messages.index import Sought

FLAG, TRAVEL = "/r1/TW/GOV/NIA/border/travel-flag", "/r1/TW/GOV/NIA/border/flag"
ASKED = {"person": LIN, "reason": "急診發燒"}


def test_the_rule_comes_from_the_centre_by_road_and_its_absence_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_federation(tmp_path) as three:
            hospital, immigration, centre = (three.road(one) for one in ("hospital", "immigration", "centre"))
            reply = await ask(hospital, "POST", FLAG, ASKED)
            assert (reply.status, reply.json["rule"], reply.json["rule_heard"]) == (200, "R-4", "")
            told = await ask(hospital, "POST", TRAVEL, ASKED)
            assert [(one["rule"], one["state"]) for one in told.json["marks"]] == [("demo-isle", "now")]
            rule = Sought(service="TW/GOV/CDC/epidemic/epidemic")
            for road, role in ((immigration, "client"), (centre, "provider")):
                assert [line.role for line in await road.messages.messages.search(rule)] == [role]

            await centre.gateway.stop(0.1)
            three.now[0] += 3 * 86_400
            again = await ask(hospital, "POST", FLAG, ASKED)
            assert again.status == 200, again
            assert again.json["rule_heard"] == iso(EpochS(NOW))
            assert again.fields["x-directory-version"] == reply.fields["x-directory-version"]
            assert hospital.keeper.standing.freshness(hospital.clock()) == "stale"

    asyncio.run(story())
