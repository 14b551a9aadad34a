"""A call through the exchange is a release: weighed, minimised, recorded, and in the citizen's list with the member."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.demo.federation.calls import FLAG, HOSPITAL, XID, a_call, hand_over, said
from tests.demo.test_agencies import CDC, citizen, in_a_nation
from tests.demo.test_agencies import ask as asked

from banyan.demo.agencies.people import LIN
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.federation.epidemic import today
from banyan.demo.federation.law import seed_order, seed_road_law
from banyan.demo.federation.seeding import SERVICES, held, seed_road_registers
from banyan.kernel.exchange.road.gated import ENVELOPE, GateProvider, problem_of
from banyan.kernel.exchange.road.model import Offer
from banyan.kernel.identity.caller import Caller
from banyan.node import Node
from banyan.wire.problem import ProblemDocument
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import parse_service

Story = Callable[[Node, GateProvider], Awaitable[None]]
MOTHER = "A223456781"


def on_the_road(folder: Path, story: Story, *, is_ordered: bool = True) -> None:
    async def run(node: Node, now: list[float]) -> None:
        await seed_road_law(node.gate)
        keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
        await seed_road_registers(node.drawers, keeping, node.gate.clock())
        if is_ordered:
            await seed_order(node.gate)
        await story(node, GateProvider(node.gate))

    in_a_nation(folder, run)


def test_a_hospital_gets_the_flag_and_never_the_itinerary(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        day = today(node.gate.clock()).isoformat()
        answer = await hand_over(road, a_call(FLAG), {"person": LIN, "reason": "急診發燒"})
        assert (answer.status, said(answer)) == (200, {"as_of": day, "rule": "R-4", "rule_heard": "", "flag": True})
        other = await hand_over(road, a_call(FLAG), {"person": "A200000003", "reason": "急診發燒"})
        assert said(other)["flag"] is False, "nobody of that number is no journey"
        short = await hand_over(road, a_call(FLAG), {"person": LIN, "days": 2, "reason": "急診發燒"})
        assert said(short)["flag"] is False

    on_the_road(tmp_path, story)


def test_the_citizen_sees_the_member_the_law_and_the_exchange(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        await hand_over(road, a_call(FLAG), {"person": LIN, "reason": "急診發燒"})
        use = (await asked(node, "mydata.uses", citizen(node)))["uses"][0]
        assert (use["receiver"], use["system"], use["fields"]) == ("TW/MED/H1", "road", ["flag"])
        assert (use["basis"], use["purpose"], use["reference"]) == ("CDC-31-travel", "012", "travel-demo")
        assert use["request"] == XID.replace("-", ""), "the exchange's id leads to both message logs"
        await node.lawful.ledger.publish(int(node.gate.clock()))
        receipt = await asked(node, "mydata.receipt", citizen(node), index=use["index"])
        assert receipt["receipt"].startswith("c2sp.org/tlog-proof@v1")

    on_the_road(tmp_path, story)


@pytest.mark.parametrize(
    ("changes", "content", "words"),
    [
        ({"client": "TW/COM/TELECOM/cells"}, {"person": LIN, "reason": "x"}, "no registered legal basis"),
        ({"purpose": "157"}, {"person": LIN, "reason": "x"}, "no registered legal basis"),
        ({}, {"person": LIN}, "reason"),
    ],
    ids=["another-member", "another-purpose", "without-a-reason"],
)
def test_what_the_law_does_not_let_is_a_fault_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], content: dict[str, Any], words: str
) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        with pytest.raises(Fault) as refused:
            await hand_over(road, a_call(FLAG, **changes), content)
        assert refused.value.type_in() == "Server.ServerProxy.AccessDenied"
        assert words in refused.value.title + refused.value.remedy
        assert LIN not in refused.value.title + refused.value.remedy
        assert (await asked(node, "mydata.uses", citizen(node)))["uses"] == []

    on_the_road(tmp_path, story)


def test_without_an_order_there_is_no_travel_history(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        with pytest.raises(Fault, match="order"):
            await hand_over(road, a_call(FLAG), {"person": LIN, "reason": "急診發燒"})

    on_the_road(tmp_path, story, is_ordered=False)


def test_an_error_of_the_operation_is_the_providers_own_answer(tmp_path: Path) -> None:
    card = parse_service("TW/GOV/NHI/insurance/card-status")
    offer = Offer(card, "REST", "gate:insurance.card_status", needs_purpose=True)

    async def story(node: Node, road: GateProvider) -> None:
        asks = {"person": LIN, "fields": ["insured", "copay_waived"]}
        mine = await hand_over(road, a_call(card, purpose="031"), asks, offer=offer)
        assert said(mine) == {"insured": True, "copay_waived": False}
        cases: list[tuple[dict[str, Any], Any, int]] = [
            ({}, {**asks, "person": "A200000003"}, 404),
            ({}, {**asks, "person": "A123"}, 422),
            ({}, {**asks, "who": LIN}, 422),
            ({}, b"{", 400),
            ({"media_type": "text/plain"}, b"x", 415),
            ({"verb": "GET", "query": b"person=" + LIN.encode()}, None, 405),
            ({"query": b"person=" + LIN.encode()}, asks, 422),
        ]
        for changes, content, status in cases:
            answer = await hand_over(road, a_call(card, purpose="031", **changes), content, offer=offer)
            assert answer.status == status, (changes, content)
            problem = msgspec.json.decode(answer.body.whole(100_000), type=ProblemDocument)
            assert problem.trace == XID.replace("-", "")
            assert LIN not in repr(problem)
            assert problem_of(problem).status == status
        with pytest.raises(Fault) as refused:
            await hand_over(road, a_call(card, purpose="031"), {"person": LIN}, offer=offer)
        assert "insured_since" in refused.value.title + refused.value.remedy, "a field that no basis covers"

    on_the_road(tmp_path, story)


def test_a_whole_service_is_offered_by_the_names_of_its_operations(tmp_path: Path) -> None:
    service = parse_service("TW/GOV/CDC/epidemic/epidemic")

    async def story(node: Node, road: GateProvider) -> None:
        call = a_call(service, verb="GET", path=b"/travel_rule", query=b"day=2020-02-10", purpose="")
        assert said(await hand_over(road, call))["id"] == "R-2"
        for path in (b"", b"/nothing", b"/travel_rule/more"):
            with pytest.raises(Fault) as unknown:
                await hand_over(road, a_call(service, verb="GET", path=path, purpose=""))
            assert unknown.value.type_in() == "Server.ServerProxy.UnknownService"

    on_the_road(tmp_path, story)


def test_only_a_members_own_nodes_speak_for_its_callers(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        sent = {"caller": citizen(node), "request": {"fields": ["flag"]}}
        answer = await hand_over(road, a_call(FLAG, media_type=ENVELOPE, speaks=True), sent)
        assert answer.status == 422, "a hospital cannot say that it is the citizen"
        doctor = Caller("officer", "o-7", agency="TW/MED/H1", assurance="aal2")
        sent = {"caller": doctor, "request": {"person": LIN, "reason": "急診發燒"}}
        system = a_call(FLAG, media_type=ENVELOPE, client="TW/GOV/NIA/front")
        assert (await hand_over(road, system, sent)).status == 422, "nor can the member's own information system"
        own = a_call(FLAG, media_type=ENVELOPE, client="TW/GOV/NIA/front", speaks=True)
        assert said(await hand_over(road, own, sent))["flag"] is True

    on_the_road(tmp_path, story)


def test_an_order_that_officers_of_the_demonstration_made_is_theirs_to_end(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        await asked(node, "powers.end_order", CDC, id="travel-demo")
        await seed_order(node.gate)
        with pytest.raises(Fault, match="order"):
            await hand_over(road, a_call(FLAG), {"person": LIN, "reason": "急診發燒"})

    on_the_road(tmp_path, story)


def test_the_registers_are_the_same_for_the_same_day(tmp_path: Path) -> None:
    async def story(node: Node, road: GateProvider) -> None:
        day = today(node.gate.clock())
        assert held(day) == held(day)
        assert sum(one.notice is not None for one in held(day)) > 0
        keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
        assert await seed_road_registers(node.drawers, keeping, node.gate.clock()) == 0
        assert {service.name for service in SERVICES} <= node.drawers.keys()

    on_the_road(tmp_path, story)
    assert HOSPITAL.startswith("TW/MED/H1")


def test_open_services_answer_counts_and_places(tmp_path: Path) -> None:
    counts = parse_service("TW/COM/TELECOM/cells/cell-counts")
    room = parse_service("TW/GOV/CITY/shelters/shelter-capacity")

    async def story(node: Node, road: GateProvider) -> None:
        offer = Offer(counts, "REST", "gate:telecom.cell_counts")
        query = b"hour=3&town=%E8%87%BA%E5%8C%97%E5%B8%82%E5%A4%A7%E5%AE%89%E5%8D%80"
        call = a_call(counts, verb="GET", query=query, client="TW/GOV/CITY/shelters", purpose="")
        found = said(await hand_over(road, call, offer=offer))
        assert len(found["cells"]) == 4
        assert all(one["phones"] is None or one["phones"] >= found["least"] for one in found["cells"])
        offer = Offer(room, "REST", "gate:shelter.capacity")
        call = a_call(room, verb="GET", query=b"free=100", purpose="")
        assert all(one["free"] >= 100 for one in said(await hand_over(road, call, offer=offer))["shelters"])

    on_the_road(tmp_path, story)
