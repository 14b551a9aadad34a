"""Personal data behind plain HTTP: weighed and recorded before the service is asked; refused, nobody is asked."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.demo.federation.nation import ONLY, ask, seed
from tests.demo.test_agencies import ask as asked
from tests.demo.test_agencies import citizen
from tests.make import frozen_clock

from banyan.demo.agencies.people import LIN
from banyan.demo.federation.founding import CENTRE, House, found, settings_of
from banyan.demo.federation.hosting import free_port
from banyan.demo.federation.members import MEMBERS
from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.policy.bases import LegalBasis, Statute
from banyan.node import open_node
from banyan.settings import RoadOffer

CARD = "TW/GOV/NHI/insurance/card"
LAW = {"zh-Hant": "全民健康保險法", "en": "National Health Insurance Act"}
BASIS = LegalBasis(
    id="NHI-16-http", title={"zh-Hant": "就醫查驗（外部系統）", "en": "Check at a visit"}, kind="legal-obligation",
    statute=Statute("L0060001", "16", LAW), pdpa="16-1", operations=(CARD,), purposes=("031",), categories=("C003",),
    recipients=("TW/MED/H1",), fields=("insured",), valid_from=EpochS(0.0), retention_days=1, per_subject_per_day=2,
)  # fmt: skip
OFFER = RoadOffer(CARD, "", title="健保卡（外部）", title_en="Card (outside)", personal=True, subject="/who/number",
                  fields={"insured": "C003"})  # fmt: skip


@contextmanager
def a_service() -> Iterator[tuple[str, list[Any]]]:
    """The agency's own system: it answers whoever asks, and remembers what it was asked."""
    seen: list[Any] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._say()

        def do_GET(self) -> None:
            seen.append(self.path)
            self._say()

        def _say(self) -> None:
            body = json.dumps({"insured": True}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def settings(folder: Path, *offers: RoadOffer) -> Any:
    house = House(CENTRE, folder / "road-demo", free_port(0), MEMBERS)
    found(house.data / "centre", [house], clock=frozen_clock())
    road = settings_of(house, edge_port=0, centre=house.data / "centre", remotes={})
    return msgspec.structs.replace(ONLY, road=msgspec.structs.replace(road, offers=(*road.offers, *offers)))


async def granted(node: Any, service: str, purpose: str, basis: str) -> None:
    officers = [Caller("officer", f"nhi-{n}", agency="TW/GOV/NHI", assurance="aal2") for n in (1, 2)]
    grant = {"client": "TW/MED/H1/emergency", "service": service, "purposes": {purpose: basis},
             "until": "2027-12-31T00:00:00Z"}  # fmt: skip
    made = await node.gate.call("exchange.propose_grant", grant, caller=officers[0])
    await node.gate.call("exchange.approve_grant", {"id": made.id}, caller=officers[1])


def test_a_plain_service_is_asked_only_for_what_the_law_lets_through(tmp_path: Path) -> None:
    async def story(url: str, seen: list[Any]) -> None:
        by_query = msgspec.structs.replace(OFFER, id=f"{CARD}-by-query", url=url, subject="?person")
        chosen = settings(tmp_path, msgspec.structs.replace(OFFER, url=url), by_query)
        async with open_node(tmp_path, chosen, clock=frozen_clock(), is_demo=True) as node:
            await seed(node)
            both = msgspec.structs.replace(BASIS, operations=(CARD, f"{CARD}-by-query"))
            await node.gate.call("powers.register_basis", both, caller=SYSTEM)
            await granted(node, CARD, "031", BASIS.id)
            await granted(node, f"{CARD}-by-query", "031", BASIS.id)
            assert node.road is not None
            road, path = node.road, f"/r1/{CARD}/status"
            mine = await ask(road, "POST", path, {"who": {"number": LIN}})
            assert (mine.status, mine.json) == (200, {"insured": True})
            query = await ask(road, "GET", f"/r1/{CARD}-by-query/status?person={LIN}")
            assert query.status == 200
            assert seen == [msgspec.json.encode({"who": {"number": LIN}}), f"/status?person={LIN}"]
            uses = (await asked(node, "mydata.uses", citizen(node)))["uses"]
            assert [(one["operation"], one["fields"], one["receiver_name"]) for one in uses] == [
                (f"{CARD}-by-query", ["insured"], "榕樹醫院（示範）"),
                (CARD, ["insured"], "榕樹醫院（示範）"),
            ]
            assert uses[0]["request"] == query.fields["x-road-request-id"].replace("-", "")
            refused: list[tuple[Any, str]] = [
                ({"who": {"number": "A123"}}, "Server.ServerProxy.InvalidRequest"),
                ({"who": {}}, "Server.ServerProxy.InvalidRequest"),
                ({"who": [LIN]}, "Server.ServerProxy.InvalidRequest"),
                ([], "Server.ServerProxy.InvalidRequest"),
            ]
            for content, error in refused:
                assert (await ask(road, "POST", path, content)).error == error, content
            for query in (
                f"person={LIN}&person=B1",
                f"person={LIN}&Person=B1",
                f"x=1;person=B1&person={LIN}",
                f"person={LIN}&person[]=B1",
                f"person={LIN}" + "&x=1" * 100,
            ):
                twice = await ask(road, "GET", f"/r1/{CARD}-by-query/status?{query}")
                assert twice.error == "Server.ServerProxy.InvalidRequest", query
            for raw in (
                f'{{"who":{{"number":"B1"}},"who":{{"number":"{LIN}"}}}}',
                f'{{"who":{{"number":"{LIN}","Number":"B1"}}}}',
            ):
                twice = await ask(road, "POST", path, msgspec.Raw(raw.encode()))
                assert twice.error == "Server.ServerProxy.InvalidRequest", raw
            # Frameworks make one mapping of query and body, and differ in which of the two wins.
            for query in ("who=B1", "number=B1", "Who[number]=B1", "x=1;who.number=B1"):
                twice = await ask(road, "POST", f"{path}?{query}", {"who": {"number": LIN}})
                assert twice.error == "Server.ServerProxy.InvalidRequest", query
            for content in ({"person": "B1"}, {"Person": "B1"}, {"person[]": "B1"}, msgspec.Raw(b"person=B1")):
                twice = await ask(road, "POST", f"/r1/{CARD}-by-query/status?person={LIN}", content)
                assert twice.error == "Server.ServerProxy.InvalidRequest", content
            await ask(road, "POST", f"{path}?page=2", {"who": {"number": LIN}})
            often = await ask(road, "POST", path, {"who": {"number": LIN}})
            assert often.error == "Server.ServerProxy.AccessDenied"
            assert LIN not in often.body.decode()
            assert len(seen) == 3, "who is refused is not passed on"

    with a_service() as (url, seen):
        asyncio.run(story(url, seen))


@pytest.mark.parametrize(
    "change",
    [{"fields": {}}, {"subject": ""}, {"personal": False}, {"url": "gate:insurance.card_status"}, {"subject": "x"}],
)
def test_half_of_what_personal_data_needs_is_named_at_start(tmp_path: Path, change: dict[str, Any]) -> None:
    wrong = settings(tmp_path, msgspec.structs.replace(OFFER, **{"url": "http://127.0.0.1:9", **change}))

    async def story() -> None:
        with pytest.raises(Invalid, match="say personal, subject"):
            async with open_node(tmp_path, wrong, clock=frozen_clock(), is_demo=True):
                pass

    asyncio.run(story())
