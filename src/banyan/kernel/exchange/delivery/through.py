"""The road as the post uses it, over a real gateway, and the post set up on one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.delivery.contents import Contents
from banyan.kernel.exchange.delivery.hands import GrantedHands
from banyan.kernel.exchange.delivery.means import Means, Told, body_of
from banyan.kernel.exchange.delivery.office import PostOffice
from banyan.kernel.exchange.delivery.pages import client_of
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.model import Answer, Body, Call, Request, Response
from banyan.kernel.exchange.road.routing import steady
from banyan.kernel.storage.blobs import Blobs
from banyan.kernel.storage.store import Store
from banyan.limits_road import ROAD_BODY_BYTES, ROAD_CALL_S
from banyan.wire.httpsig.keys import Signer, Verifier
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded

Log = Callable[[str, Mapping[str, str | int | float]], None]


class GatewayRoad:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def send(self, call: Call, body: Body) -> Answer:
        return await self._gateway.send(self._pinned(call), body)

    async def tell(self, by: ClientId, to: ClientId, request: Told) -> Response:
        """By the gateway of `to` that knows the message: 410 only when all say so. Raises Fault: one that might know it
        could not be asked."""
        desk = self._gateway.desk
        refused: Fault | None = None
        gone: Response | None = None
        asked: set[ServerId] = set()
        for route in desk.around.directory.routes(to):
            if route.server in asked:  # by another address
                continue
            try:
                response = await self._gateway.peer.ask(
                    route,
                    request.verb,
                    request.target,
                    until=EpochS(desk.clock() + ROAD_CALL_S),
                    fields=request.fields,
                    body=request.body or b"",
                    member=by,
                    most=ROAD_BODY_BYTES,
                )
            except Fault as fault:
                refused = fault
                continue
            asked.add(route.server)
            if response.status != 410:
                return response
            with body_of(response):
                gone = Response(410, response.fields)
        if gone is not None and (refused is None or asked.issuperset(self._servers(to))):
            return gone
        if refused is None:
            message = f"The directory has no gateway of {encoded(to)}."
            raise Fault(Origin.CLIENT_PROXY, Code.UNKNOWN_MEMBER, message=message)
        raise refused

    def _pinned(self, call: Call) -> Call:
        """To one gateway of the provider at every attempt: another would not know what the first took, and hand it over
        a second time."""
        servers = self._servers(call.target.service.provider)
        if call.asked.server is not None or len(servers) < 2:
            return call
        chosen = steady(servers, f"{encoded(call.asked.client)} {call.message_id}")
        return msgspec.structs.replace(call, asked=msgspec.structs.replace(call.asked, server=chosen))

    def _servers(self, of: ClientId) -> set[ServerId]:
        return {route.server for route in self._gateway.desk.around.directory.routes(of)}


def post_of(gateway: Gateway, store: Store, folder: Path, *, random: Callable[[], float], log: Log) -> PostOffice:
    """The post of a gateway, its pages added and its part of calls taken over; `start` it after the gateway.

    `store` has the tables of `banyan.kernel.exchange.delivery`; blobs lie in `folder`."""
    desk, around = gateway.desk, gateway.desk.around

    def signer(member: ClientId) -> Signer:
        return desk.keys_of(member, Origin.CLIENT_PROXY).first

    def key_of(keyid: str) -> Verifier | None:
        keys = around.directory.keys(keyid)
        return keys.first if keys else None

    def owner_of(keyid: str) -> ClientId | None:
        return around.directory.signer(keyid)

    def caller(request: Request) -> ClientId:
        client = client_of(request)
        gateway.edge.check(request, client)
        return client

    means = Means(
        store=store,
        contents=Contents(Blobs(folder / "blobs", folder / "work"), folder / "work"),
        road=GatewayRoad(gateway),
        signer=signer,
        key_of=key_of,
        owner_of=owner_of,
        clock=desk.clock,
        random=random,
        new_id=desk.uuid,
        log=log,
        message_log=around.log,
    )
    post = PostOffice(means, GrantedHands(around, desk.clock))
    post.add_pages(gateway.pages, caller)
    around.handover = post
    return post
