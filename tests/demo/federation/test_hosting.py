"""One process hosts every member: calls go out and come in by mTLS, law and grants judge, officers and citizens see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.demo.federation.nation import HOSPITAL, a_nation, ask
from tests.demo.test_agencies import ask as asked
from tests.demo.test_agencies import citizen
from tests.make import NOW, frozen_clock

from banyan.demo.agencies.people import LIN
from banyan.demo.federation.hosting import free_port, hosted_here, seed_grants
from banyan.demo.federation.members import GRANTS, MEMBERS
from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange import Refused
from banyan.kernel.exchange.messages.index import Sought
from banyan.kernel.identity.caller import Caller
from banyan.node import open_node
from banyan.settings import RoadClient, RoadOffer, RoadRemote, RoadSettings, Settings

FLAG = "/r1/TW/GOV/NIA/border/travel-flag"
ASKED = {"person": LIN, "reason": "急診發燒"}


def test_a_hospital_asks_and_the_citizen_sees_the_hospital_by_name(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, frozen_clock()) as (node, road):
            reply = await ask(road, "POST", FLAG, ASKED, X_Banyan_Purpose="012")
            assert (reply.status, reply.json) == (
                200,
                {"as_of": "2026-11-23", "rule": "R-4", "rule_heard": "", "flag": True},
            )
            xid = reply.fields["x-road-request-id"]
            use = (await asked(node, "mydata.uses", citizen(node)))["uses"][0]
            assert (use["receiver"], use["receiver_name"]) == ("TW/MED/H1", "榕樹醫院（示範）")
            assert use["request"] == xid.replace("-", "")
            lines = await road.messages.messages.search(Sought(xid=xid))
            assert sorted(line.role for line in lines) == ["client", "provider"]
            nia = Caller("officer", "o", agency="TW/GOV/NIA", assurance="aal2")
            calls = await asked(node, "exchange.calls", nia)
            assert {one["role"] for one in calls} == {"client", "provider"}
            assert all(one["xid"] == xid and one["status"] == 200 for one in calls)
            assert LIN not in repr(calls)

            refused = await ask(road, "POST", FLAG, ASKED, X_Banyan_Purpose="157")
            assert refused.error == "Server.ServerProxy.AccessDenied"
            stranger = await ask(road, "POST", FLAG, ASKED, client="TW/GOV/CITY/shelters")
            assert "no grant" in stranger.json["message"]
            nobody = await ask(road, "POST", FLAG, ASKED, client="TW/MED/H9/emergency")
            assert nobody.error == "Server.ClientProxy.UnknownMember"
            await asked(node, "powers.end_order", nia, id="travel-demo")
            over = await ask(road, "POST", FLAG, ASKED)
            assert over.error == "Server.ServerProxy.AccessDenied"
            assert "order" in over.json["message"]
            assert len((await asked(node, "mydata.uses", citizen(node)))["uses"]) == 1

    asyncio.run(story())


def test_every_grant_of_the_demonstration_lets_its_call_through(tmp_path: Path) -> None:
    bodies = {
        "travel-flag": ("POST", "", ASKED),
        "card-status": ("POST", "", {"person": LIN, "fields": ["insured", "copay_waived"]}),
        "missing-notice": ("POST", "", {"person": LIN}),
        "household-check": ("POST", "", {"person": LIN, "fields": ["address", "members"]}),
        "shelter-capacity": ("GET", "?free=100", None),
        "cell-counts": ("GET", "?town=%E8%87%BA%E5%8C%97%E5%B8%82%E5%A4%A7%E5%AE%89%E5%8D%80", None),
        "travel-rule": ("GET", "", None),
        "epidemic": ("GET", "/travel_rule", None),
    }

    async def story() -> None:
        async with a_nation(tmp_path, frozen_clock()) as (node, road):
            offered = {one.id for one in node.settings.road.offers}
            assert len(offered) == len(bodies)
            for grant in (one for one in GRANTS if one.service in offered):
                verb, rest, content = bodies[grant.service.rpartition("/")[2]]
                reply = await ask(road, verb, f"/r1/{grant.service}{rest}", content, client=grant.client)
                assert reply.status == 200, (grant, reply)
            assert await seed_grants(node.gate, {one.id for one in node.settings.road.offers}) == 0
            listed = await ask(road, "GET", "/listClients", Accept="application/json")
            assert len(listed.json["member"]) == 2 * (len(MEMBERS) + 1)
            methods = await ask(road, "GET", "/r1/TW/GOV/NIA/border/listMethods")
            assert [one["service_code"] for one in methods.json["service"]] == ["travel-flag"]

    asyncio.run(story())


def test_what_is_sent_later_is_in_the_queue_of_its_sender(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, frozen_clock()) as (node, road):
            sent = await ask(road, "POST", FLAG, ASKED, Prefer="respond-async", X_Road_Id="later-1")
            assert sent.status == 202, sent
            where = sent.fields["location"]
            while (answer := await ask(road, "GET", f"{where}/answer")).status == 202:
                await asyncio.sleep(0)
            assert answer.status == 200, answer
            assert answer.json["flag"] is True
            hospital = Caller("officer", "o", agency="TW/MED/H1", assurance="aal2")
            assert await asked(node, "exchange.letters", hospital) == []
            standing = await asked(node, "exchange.standing", hospital)
            assert standing["directory_state"] == "fresh"
            assert {one["id"] for one in standing["members"] if one["is_here"]} == {
                "TW/GOV/BANYAN", *(one.id for one in MEMBERS)
            }  # fmt: skip
            assert len(standing["services"]) == 8
            assert [one["code"] for one in standing["alerts"]] == []

    asyncio.run(story())


def test_a_restart_keeps_the_road_its_members_and_grants(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, frozen_clock()) as (_, road):
            await ask(road, "POST", FLAG, ASKED)
            before = {one.id: one.name for one in road.keeper.standing.listed()}
        async with a_nation(tmp_path, frozen_clock(NOW + 60)) as (_, road):
            assert {one.id: one.name for one in road.keeper.standing.listed()} == before
            assert (await ask(road, "POST", FLAG, ASKED)).status == 200
        settings = hosted_here(tmp_path, RoadSettings(), clock=frozen_clock(NOW + 90))
        assert settings.enabled
        assert hosted_here(tmp_path, settings, clock=frozen_clock()) is settings, "a road of its own is kept"

    asyncio.run(story())


def test_a_certificate_that_ends_soon_is_an_alert_and_renews(tmp_path: Path) -> None:
    now = [float(NOW)]

    async def story() -> None:
        async with a_nation(tmp_path, lambda: EpochS(now[0])) as (node, road):
            officer = Caller("officer", "o", agency="TW/GOV/NIA", assurance="aal2")
            now[0] += 70 * 86_400
            codes = [one["code"] for one in (await asked(node, "exchange.standing", officer))["alerts"]]
            assert "certificate-soon" in codes
            assert "directory-expired" in codes
            await road._tend(road.centre) if road.centre is not None else None
            codes = [one["code"] for one in (await asked(node, "exchange.standing", officer))["alerts"]]
            assert "directory-expired" not in codes
            await road.upkeep.step(road.clock())
            assert road.agency.next_tls.exists()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"offers": (RoadOffer("TW/GOV/X/y/z", "gate:border"),)}, "does not host"),
        ({"offers": (RoadOffer("TW/GOV/NIA/border/z", "gate:nothing.here"),)}, "names no operation"),
        ({"clients": (RoadClient(HOSPITAL, "mutual"),)}, "certificates"),
        ({"clients": (RoadClient(HOSPITAL, "mutual", ("none.pem",)),)}, "cannot be read"),
        ({"remotes": (RoadRemote("epidemic", "TW/GOV/CDC/epidemic", "TW/GOV/X/y"),)}, "none of road.clients"),
        ({"agency": "nowhere"}, "agency init"),
    ],
)
def test_what_is_wrong_in_the_road_section_is_named_at_start(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    import msgspec

    road = msgspec.structs.replace(hosted_here(tmp_path, RoadSettings(), clock=frozen_clock()), edge_port=0)
    wrong = Settings(services=(), road=msgspec.structs.replace(road, **change))

    async def story() -> None:
        with pytest.raises(Invalid, match=words):
            async with open_node(tmp_path, wrong, clock=frozen_clock(), is_demo=True):
                pass

    asyncio.run(story())


def test_a_port_that_is_taken_is_not_chosen() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert free_port(taken.getsockname()[1]) != taken.getsockname()[1]
    assert Refused
