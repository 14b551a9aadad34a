"""A gateway of the road: its listeners, and what the other parts ask of it.

gateway = Gateway(settings, surroundings, signing={...}, locals={...})
gateway.pages.add("edge", b"/listClients", Placed(page))        # own pages, on either listener
await gateway.start()
answer = await gateway.ask(verb, target, fields, body)           # as a client of this process, admitted and logged
answer = await gateway.send(call, body)                          # the same for a call that was admitted before
response = await gateway.peer.ask(route, "GET", b"/checkpoint", until=...)   # another gateway's page
gateway.desk.signing = {...}; gateway.tls.renew(identity)        # new keys, without a restart
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock, system_clock
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.calls import call_of
from banyan.kernel.exchange.road.connection import Handler, Incoming, Quick
from banyan.kernel.exchange.road.consumer import Consumer
from banyan.kernel.exchange.road.desk import Desk, Local, Signing, Surroundings
from banyan.kernel.exchange.road.edge import Edge
from banyan.kernel.exchange.road.faulting import fault_answer, internal, of_http, of_signature
from banyan.kernel.exchange.road.gathering import Gathering
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.link import Pool
from banyan.kernel.exchange.road.listener import Listener
from banyan.kernel.exchange.road.model import Answer, Body, Call, Request
from banyan.kernel.exchange.road.nonces import Nonces
from banyan.kernel.exchange.road.pages import Pages, Side
from banyan.kernel.exchange.road.peer import Peer
from banyan.kernel.exchange.road.plain import phrase
from banyan.kernel.exchange.road.provision import Provision
from banyan.kernel.exchange.road.reach import Reach
from banyan.kernel.exchange.road.routing import Choice, HedgedReach
from banyan.kernel.exchange.road.spool import Held, Spooling
from banyan.kernel.exchange.road.straight.answering import StraightAnswering
from banyan.kernel.exchange.road.straight.asking import StraightAsking
from banyan.kernel.exchange.road.straight.signed import listed_in
from banyan.kernel.exchange.road.tls import Contexts, Identity, edge_context
from banyan.kernel.exchange.road.verifying import Verifying
from banyan.limits_road import ROAD_BODY_BYTES, ROAD_FORM_AFTER
from banyan.wire.httpsig.errors import DigestMismatch
from banyan.wire.xroad.codes import Code, Origin, Spelling
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import ERROR, Field, message_id_of, parse_request_fields, request_fields
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded
from banyan.wire.xroad.target import Target, is_service_call, parse_verb


def _is_fault(answer: Answer) -> bool:
    return any(name == ERROR for name, _ in answer.fields)


_SIDES: dict[Side, Origin] = {"edge": Origin.CLIENT_PROXY, "peer": Origin.SERVER_PROXY}


class Settings(msgspec.Struct, frozen=True):
    """A port of 0: any; None: no such listener. `authorities`: host:port under which the directory has this gateway,
    beside the one it listens at. `spool`: a folder for bodies too large for memory."""

    server: ServerId
    identity: Identity
    anchors: tuple[str, ...]
    """PEM: certificates of peers, or of the authorities that issue them."""
    spool: Path
    host: str = "127.0.0.1"
    peer_port: int = 0
    edge_host: str = "127.0.0.1"
    """Of `edge_port` alone, where clients say who they are and nobody checks it."""
    edge_port: int | None = 0
    edge_tls_port: int | None = None
    authorities: tuple[str, ...] = ()
    spelling: Spelling = "documented"
    is_strict: bool = False
    body_bytes: int = ROAD_BODY_BYTES
    form_after: int = ROAD_FORM_AFTER
    """How often heads of one form come before the straight way takes them."""


class Gateway:
    """Made inside the running loop. `recalled`: see nonces.py."""

    def __init__(
        self,
        settings: Settings,
        around: Surroundings,
        *,
        signing: Mapping[ClientId, Signing],
        locals: Mapping[ClientId, Local],
        clock: Clock = system_clock,
        draw: Callable[[int], bytes] = os.urandom,
        report: Callable[[str, BaseException], None] = lambda text, error: None,
        recalled: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        self.settings = settings
        self._gathering = Gathering(asyncio.get_running_loop())
        self.spooling = Spooling(settings.spool, most=settings.body_bytes, stirred=self._gathering.stir)
        self.desk = Desk(
            settings.server,
            around,
            signing,
            locals,
            self.spooling,
            clock,
            draw,
            report,
            spelling=settings.spelling,
            is_strict=settings.is_strict,
        )
        self.tls = Contexts(settings.identity, settings.anchors)
        self.pool = Pool(lambda: self.tls.client)
        self.pages = Pages()
        self.peer = Peer(self.desk, self.pool)
        choice = Choice(asyncio.get_running_loop().time, Random(int.from_bytes(draw(16), "big")))  # noqa: S311 (of equals, not of secrets)
        self._consumer = Consumer(self.desk, HedgedReach(self.pool, choice))
        self.edge = Edge(self.desk, self._consumer)
        self._verifying = Verifying(self.desk, Nonces(clock(), recalled))
        self._provision = Provision(self.desk, self._verifying)
        self.asking = StraightAsking(self.desk, self.edge, self._consumer, settings.form_after)
        self.answering = StraightAnswering(self.desk, self._provision, self._verifying, settings.form_after)
        self._listeners: list[Listener] = []
        self.peer_port = self.edge_port = self.edge_tls_port = 0

    @property
    def reach(self) -> Reach:
        """How calls find a gateway of the provider; may be swapped."""
        return self._consumer.reach

    @reach.setter
    def reach(self, reach: Reach) -> None:
        self._consumer.reach = reach

    async def start(self) -> None:
        own = self.settings
        peer = self._listener(self._at_peer, self.answering.take)
        self.peer_port = await peer.start(own.host, own.peer_port, self.tls.server)
        host = f"[{own.host}]" if ":" in own.host else own.host
        self._verifying.authorities |= {f"{host}:{self.peer_port}".lower(), *(one.lower() for one in own.authorities)}
        if own.edge_port is not None:
            self.edge_port = await self._listener(self._at_edge, self.asking.take).start(own.edge_host, own.edge_port)
        if own.edge_tls_port is not None:
            clients = [pem for local in self.desk.locals.values() for pem in local.certificates]
            context = edge_context(own.identity, clients)
            self.edge_tls_port = await self._listener(self._at_edge, self.asking.take).start(
                own.host, own.edge_tls_port, context
            )

    async def stop(self, grace_s: float = 5.0) -> None:
        """Calls that run may end for so long."""
        for listener in self._listeners:
            await listener.stop(grace_s)
        self.pool.close()

    async def send(self, call: Call, body: Body) -> Answer:
        """Send a call that was admitted: signed, logged, its answer verified. The body of the answer is the caller's
        to close. Raises Fault."""
        return await self._consumer.send(call, body)

    async def ask(self, verb: str, target: Target, fields: Sequence[Field], body: Body | bytes = b"") -> Answer:
        """A call of a client in this process: X-Road-Client among `fields`, and local here. Raises Fault."""
        desk = self.desk
        asked = parse_request_fields(fields, strict=desk.is_strict)
        local = desk.locals.get(asked.client)
        if local is None:
            message = f"The client {encoded(asked.client)} is not at this gateway."
            raise Fault(Origin.CLIENT_PROXY, Code.UNKNOWN_MEMBER, message=message, field="X-Road-Client")
        ids = (desk.uuid(), asked.message_id or message_id_of(asked, desk.uuid()))
        call = call_of(parse_verb(verb), target, asked, fields=request_fields(asked, *ids), ids=ids, at=desk.clock())
        ticket = await desk.around.calls.enter(
            asked.client, local.priority, local.per_minute, call.until, service=target.service
        )
        try:
            return await self.send(call, Held(body) if isinstance(body, bytes) else body)
        finally:
            ticket.close()

    def _listener(self, handler: Handler, quick: Quick) -> Listener:
        listener = Listener(handler, self.spooling, self.desk.clock, self.desk.report)
        listener.quick = quick
        self._listeners.append(listener)
        self._gathering.under_way.append(listener.tasks)
        return listener

    async def _at_edge(self, incoming: Incoming) -> Answer:
        if is_service_call(incoming.head.target):
            answer = await self.edge.answer(incoming)
            if not _is_fault(answer):
                self.asking.requests.learn(incoming.head.fields)
            return answer
        return await self._page("edge", incoming)

    async def _at_peer(self, incoming: Incoming) -> Answer:
        if is_service_call(incoming.head.target):
            answer = await self._provision.answer(incoming)
            if not _is_fault(answer):
                self.answering.requests.learn(incoming.head.fields, listed_in(incoming.head.named))
            return answer
        return await self._page("peer", incoming)

    async def _page(self, side: Side, incoming: Incoming) -> Answer:
        origin = _SIDES[side]
        try:
            return await self._paged(side, incoming)
        except Problem as problem:
            told = problem
        except Exception as error:  # a defect of ours: recorded here, told as such
            self.desk.report("road: a page failed", error)
            told = internal(origin)
        accept = incoming.head.named.get("accept", ())
        return fault_answer(told, self.desk.uuid(), accept, self.desk.spelling, origin)

    async def _paged(self, side: Side, incoming: Incoming) -> Answer:
        head, origin = incoming.head, _SIDES[side]
        placed = self.pages.find(side, head.target)
        if placed is None:
            message, fix = "There is no such page.", "Calls go to /r1/instance/class/member/subsystem/service."
            fault = Fault(origin, Code.NOT_FOUND, message=message, field="address", fix=fix)
            fault.status = 404
            raise fault
        server = self.desk.around.directory.server_of(incoming.certificate) if side == "peer" else None
        if side == "peer" and not placed.is_open:
            server = self._verifying.server_of(incoming)
        member, digests = None, {"sha-256": b""}
        if placed.is_signed:
            client = parse_request_fields(head.fields).client
            found = self._verifying.verified(incoming, self._verifying.server_of(incoming), client)
            member, digests = client, dict(found.digests)
        try:
            body = await incoming.receive(digests, placed.most)
            if placed.is_signed:
                await leg.check_body(body, digests)
        except BadHttp as error:
            raise of_http(error, origin) from error
        except DigestMismatch as error:
            raise of_signature(error, origin) from error
        request = Request(
            head.verb, head.target, head.fields, body, incoming.certificate, server, member, incoming.is_tls
        )
        response = await placed.page(request)
        told = Held(response.body) if isinstance(response.body, bytes) else response.body
        return Answer(response.status, response.reason or phrase(response.status), response.fields, told)
