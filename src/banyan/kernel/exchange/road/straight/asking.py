"""The straight way at the client's gateway: which calls it takes."""

from __future__ import annotations

import re

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.connection import Connection
from banyan.kernel.exchange.road.consumer import Consumer
from banyan.kernel.exchange.road.desk import Desk, Local
from banyan.kernel.exchange.road.edge import Edge
from banyan.kernel.exchange.road.routing import HedgedReach
from banyan.kernel.exchange.road.straight.asked import Asked
from banyan.kernel.exchange.road.straight.asking_plans import AnswerPlan, Plan, answer_plan, plan_of
from banyan.kernel.exchange.road.straight.forms import ADDRESS, Book
from banyan.kernel.exchange.road.straight.signed import Seal
from banyan.kernel.exchange.road.straight.taking import take
from banyan.limits_road import ROAD_CALL_S, ROAD_LANES
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded_part, parse_client
from banyan.wire.xroad.target import parse_target


class Lane(msgspec.Struct, frozen=True):
    """A client and a service, as calls name them."""

    client: ClientId
    service: ServiceId
    provider: ClientId
    owner: ClientId
    """Of the service: the member that signs its answers."""
    local: Local
    seal: Seal
    named: bytes
    """The service, as `X-Road-Service` has it."""
    prefix: str
    """Of a message id that the gateway makes."""


class StraightAsking:
    """Takes calls off a listener of the edge. `after`: how often a form comes before it is known."""

    def __init__(self, desk: Desk, edge: Edge, consumer: Consumer, after: int) -> None:
        self.desk, self.edge, self.consumer = desk, edge, consumer
        self.requests: Book[Plan] = Book(plan_of, after)
        self.answers: Book[AnswerPlan] = Book(answer_plan, after)
        self.taken = 0
        """Calls, since the start."""
        self._lanes: dict[tuple[bytes, bytes], Lane] = {}

    def take(self, connection: Connection, data: bytes) -> int:
        """`connection.Quick`."""
        return take(self, connection, data)

    def is_taken(self, connection: Connection, data: bytes, plan: Plan, match: re.Match[bytes]) -> bool:
        row, body = match.groups(), data[match.end() :]
        lane = self._lane(connection, row[plan.client], row[ADDRESS])
        around, now = self.desk.around, self.desk.clock()
        if lane is None or around.directory.freshness(now) != "fresh":
            return False
        routes = around.directory.routes(lane.provider)
        reach, enter_now = self.consumer.reach, getattr(around.calls, "enter_now", None)
        if not routes or any(one.notice for one in routes) or not isinstance(reach, HedgedReach) or not enter_now:
            return False
        ready = reach.ready(routes)
        if ready is None:
            return False
        until, local = EpochS(now + ROAD_CALL_S), lane.local
        ticket = enter_now(lane.client, local.priority, local.per_minute, until, service=lane.service)
        if ticket is None:
            reach.unused(*ready)
            return False
        asked = Asked(
            way=self,
            lane=lane,
            connection=connection,
            route=ready[0],
            link=ready[1],
            ticket=ticket,
            raw=data[: match.end() - 4],
            row=row,
            body=body,
            at=now,
        )
        try:
            asked.sign(plan)
        except BaseException:
            reach.unused(*ready)
            ticket.close()
            raise
        self.taken += 1
        connection.taken(asked.forsake)
        asked.send()
        return True

    def _lane(self, connection: Connection, client: bytes, address: bytes) -> Lane | None:
        """None: a client or a service that is for the general way. Raises Fault: one that may not call so."""
        desk, key = self.desk, (client, address)
        lane = self._lanes.get(key)
        if lane is not None:
            if (
                self.edge.local(lane.client, connection.certificate, is_tls=connection.is_tls) is lane.local
                and desk.signing.get(lane.client.owner) is lane.seal.signing
            ):
                return lane
            del self._lanes[key]
        who = parse_client(client.decode("ascii"), strict=desk.is_strict)
        service = parse_target(address, strict=desk.is_strict).service
        local = self.edge.local(who, connection.certificate, is_tls=connection.is_tls)
        signing = desk.signing.get(who.owner)
        if signing is None or signing.second is not None:
            return None
        if len(self._lanes) >= ROAD_LANES:
            self._lanes.clear()
        named, prefix = leg.service_field(service)[1], f"{encoded_part(who.instance)}-"
        provider = service.provider
        lane = self._lanes[key] = Lane(who, service, provider, provider.owner, local, Seal(signing), named, prefix)
        return lane
