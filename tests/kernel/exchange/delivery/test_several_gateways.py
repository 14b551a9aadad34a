"""A member with several gateways: a message is known at one of them, and only all of them can say that it is not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.kernel.exchange.delivery.town import HOSPITAL, NHI, NOW, a_call

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.means import Told
from banyan.kernel.exchange.delivery.through import GatewayRoad
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.model import Answer, Body, Call, Response, Route
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ServerId

AWAY = 0
"""Of a status: this gateway, or address, cannot be reached."""


def told(*stands: tuple[str, int]) -> tuple[int, list[str]]:
    """What came of it, and who was asked. `stands`: the other member's addresses by gateway, and what each says."""
    asked: list[str] = []
    routes = [Route(ServerId(*HOSPITAL.parts[:3], name), name, status, ()) for name, status in stands]

    class Peer:
        async def ask(self, route: Route, verb: str, target: bytes, **_: Any) -> Response:
            asked.append(route.host)
            if route.port == AWAY:
                raise Fault(Origin.CLIENT_PROXY, Code.NETWORK_ERROR, message="away")
            return Response(route.port)

    road = GatewayRoad(a_gateway(routes, peer=Peer()))
    return asyncio.run(road.tell(NHI, HOSPITAL, Told("POST", b"/delivery/answers/c/m"))).status, asked


def a_gateway(routes: list[Route], **more: Any) -> Gateway:
    around = SimpleNamespace(directory=SimpleNamespace(routes=lambda of: routes))
    desk = SimpleNamespace(around=around, clock=lambda: EpochS(NOW))
    return cast("Gateway", SimpleNamespace(desk=desk, **more))


def test_a_message_goes_to_one_gateway_of_its_provider_whenever_it_is_sent() -> None:
    """Each keeps its own store: sent again to another, it would be handed to the provider twice."""
    sent: dict[str, set[ServerId | None]] = {}

    async def send(call: Call, body: Body) -> Answer:
        sent.setdefault(call.message_id, set()).add(call.asked.server)
        return Answer(202, b"", (), Whole(b""))

    routes = [Route(ServerId(*NHI.parts[:3], name), name, 1, ()) for name in ("gw1", "gw2", "gw2")]
    for order in (routes, routes[::-1]):
        road = GatewayRoad(a_gateway(order, send=send))
        for number in range(40):
            asyncio.run(road.send(a_call(f"m{number}"), Whole(b"")))
    assert {len(one) for one in sent.values()} == {1}
    assert len(set().union(*sent.values())) == 2, "and others go to the other"
    sent.clear()
    asyncio.run(GatewayRoad(a_gateway(routes[:1], send=send)).send(a_call("m"), Whole(b"")))
    assert sent == {"m": {None}}


def test_an_answer_is_brought_to_the_gateway_that_waits_for_it() -> None:
    """The first one said 410 of a message that the second had, and the answer was thrown away."""
    assert told(("gw1", 410), ("gw2", 204)) == (204, ["gw1", "gw2"])
    assert told(("gw1", 204), ("gw2", 410)) == (204, ["gw1"])
    assert told(("gw1", AWAY), ("gw2", 204)) == (204, ["gw1", "gw2"])


def test_nobody_knows_it_only_when_all_say_so() -> None:
    assert told(("gw1", 410), ("gw2", 410)) == (410, ["gw1", "gw2"])
    for stands in ((("gw1", 410), ("gw2", AWAY)), (("gw1", AWAY), ("gw2", 410)), (("gw1", AWAY),)):
        with pytest.raises(Fault, match="away"):
            told(*stands)


def test_of_one_gateway_one_address_is_enough() -> None:
    assert told(("gw1", AWAY), ("gw1", 410)) == (410, ["gw1", "gw1"])
    assert told(("gw1", 410), ("gw1", 204)) == (410, ["gw1"])
