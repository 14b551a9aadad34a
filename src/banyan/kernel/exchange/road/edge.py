"""The client's edge: X-Road REST as its clients speak it, over HTTP or HTTPS, for the subsystems of this gateway only.

Source: X-Road PR-REST; connection types as in UG-SS s9 (HTTP, HTTPS NOAUTH, HTTPS).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hmac import compare_digest
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.exchange.road.calls import after_body, call_of
from banyan.kernel.exchange.road.connection import Incoming
from banyan.kernel.exchange.road.consumer import Consumer
from banyan.kernel.exchange.road.desk import Desk, Local
from banyan.kernel.exchange.road.faulting import fault_answer, internal, of_http
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION, SPEAKS, Answer, Body, Call, Request, Response, Ticket
from banyan.kernel.exchange.road.provision import wants_async
from banyan.kernel.exchange.road.tls import fingerprint_of_pem
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import (
    Field,
    message_id_of,
    parse_request_fields,
    request_fields,
    usual_request_fields,
)
from banyan.wire.xroad.identifiers import ClientId
from banyan.wire.xroad.target import parse_target, parse_verb

DIRECTORY_STATE: Final = b"x-directory-state"
"""`stale` when the directory has not been renewed in time; the call went through all the same."""
_SIDE: Final = Origin.CLIENT_PROXY


def _stays(is_so: bool) -> None:
    """A page's call is not cancelled when who asked goes away."""


class Arrived(msgspec.Struct, frozen=True):
    """A client's call, whichever way it was spelt."""

    verb: str
    target: bytes
    fields: tuple[Field, ...]
    certificate: bytes
    is_tls: bool
    receive: Callable[[], Awaitable[Body]]
    named: Mapping[str, Sequence[str]] | None = None
    """The fields by name, when they are as they came over HTTP, not of somebody's making."""
    may_end: Callable[[bool], None] = _stays
    """As `Incoming.may_end`."""


class Edge:
    def __init__(self, desk: Desk, consumer: Consumer) -> None:
        self._desk = desk
        self._consumer = consumer
        self._pins: dict[str, bytes] = {}

    async def answer(self, incoming: Incoming) -> Answer:
        """To a client; never raises."""
        head = incoming.head

        async def receive() -> Body:
            return await incoming.receive(("sha-256", "sha-512"))

        return await self._answer(
            Arrived(
                head.verb,
                head.target,
                head.fields,
                incoming.certificate,
                incoming.is_tls,
                receive,
                named=head.named,
                may_end=incoming.may_end,
            )
        )

    async def carry(self, request: Request, target: bytes) -> Response:
        """A call that a page took in another spelling; `target` is what it means, `/r1/...`. Never raises."""

        async def receive() -> Body:
            return request.body

        answer = await self._answer(
            Arrived(request.verb, target, request.fields, request.certificate, request.is_tls, receive)
        )
        return Response(answer.status, answer.fields, answer.body, answer.reason)

    async def resumed(self, fields: Sequence[Field], ticket: Ticket, carrying: Awaitable[Answer]) -> Answer:
        """To a call with these fields that the straight way has begun; never raises."""

        async def carried() -> Answer:
            try:
                return self._dressed(await carrying, is_stale=False)
            finally:
                ticket.close()

        return await self._told(fields, carried())

    async def _answer(self, arrived: Arrived) -> Answer:
        return await self._told(arrived.fields, self._carried(arrived))

    async def _told(self, fields: Sequence[Field], carrying: Awaitable[Answer]) -> Answer:
        try:
            return await carrying
        except Problem as problem:
            told = problem
        except Exception as error:  # a defect of ours: recorded here, told as such
            self._desk.report("road: a call failed", error)
            told = internal(_SIDE)
        accept = [value.decode("latin-1") for name, value in fields if name.lower() == b"accept"]
        return fault_answer(told, self._desk.uuid(), accept, self._desk.spelling, _SIDE)

    async def _carried(self, arrived: Arrived) -> Answer:
        desk = self._desk
        call, local = self._asked(arrived)
        is_stale = desk.check_directory(_SIDE)
        try:
            body = await arrived.receive()
        except BadHttp as error:
            raise of_http(error, _SIDE) from error
        call = after_body(call, body, desk.clock())
        arrived.may_end(True)
        try:
            ticket = await desk.around.calls.enter(
                call.asked.client, local.priority, local.per_minute, call.until, service=call.target.service
            )
        finally:
            arrived.may_end(False)
        try:
            return self._dressed(await self._sent(call, body), is_stale=is_stale)
        finally:
            ticket.close()

    def _dressed(self, answer: Answer, *, is_stale: bool) -> Answer:
        desk = self._desk
        fields = [*answer.fields, (DIRECTORY_VERSION, desk.around.directory.version.encode("ascii"))]
        if is_stale:
            fields.append((DIRECTORY_STATE, b"stale"))
        return Answer(answer.status, answer.reason, tuple(fields), answer.body)

    async def _sent(self, call: Call, body: Body) -> Answer:
        handover = self._desk.around.handover
        if handover is not None and wants_async(call):
            return await handover.accept(call, body)
        return await self._consumer.send(call, body)

    def _asked(self, arrived: Arrived) -> tuple[Call, Local]:
        """The call, and whose it is at this gateway. Raises Fault."""
        desk = self._desk
        verb = parse_verb(arrived.verb)
        target = parse_target(arrived.target, strict=desk.is_strict)
        if arrived.named is not None:
            asked = usual_request_fields(arrived.fields, arrived.named, strict=desk.is_strict)
        else:
            asked = parse_request_fields(arrived.fields, strict=desk.is_strict)
        local = self.local(asked.client, arrived.certificate, is_tls=arrived.is_tls)
        if any(name.lower() == SPEAKS for name, _ in asked.kept):
            message, fix = "X-Banyan-Speaks is of the nodes of a member only.", "Leave it out: ask for your subsystem."
            raise Fault(_SIDE, Code.INVALID_REQUEST, message=message, field="X-Banyan-Speaks", fix=fix)
        request_id = desk.uuid()
        message_id = asked.message_id or message_id_of(asked, desk.uuid())
        fields = request_fields(asked, request_id, message_id)
        call = call_of(verb, target, asked, fields=fields, ids=(request_id, message_id), at=desk.clock())
        return call, local

    def check(self, request: Request, client: ClientId) -> None:
        """That who asks for a page may speak for this client. Raises Fault, as a call of its would."""
        self.local(client, request.certificate, is_tls=request.is_tls)

    def local(self, client: ClientId, certificate: bytes, *, is_tls: bool) -> Local:
        """Raises Fault: the client is not of this gateway, or came by another connection than it should."""
        local = self._desk.locals.get(client)
        if local is None:
            message = "The client in X-Road-Client is not at this gateway."
            fix = "Call by the gateway where it is registered, or register it here."
            raise Fault(_SIDE, Code.UNKNOWN_MEMBER, message=message, field="X-Road-Client", fix=fix)
        if local.connection == "http":
            return local
        if not is_tls:
            raise _wrong_connection("The client may not call without TLS.", "Call by the HTTPS port of this gateway.")
        if local.connection == "mutual" and not self._is_pinned(local, certificate):
            fix = "Show a certificate that is registered for this client."
            raise _wrong_connection("The client did not show a certificate of its own.", fix)
        return local

    def _is_pinned(self, local: Local, certificate: bytes) -> bool:
        for pem in local.certificates:
            known = self._pins.get(pem)
            if known is None:
                known = self._pins[pem] = fingerprint_of_pem(pem)
            if compare_digest(known, certificate):
                return True
        return False


def _wrong_connection(message: str, fix: str) -> Fault:
    return Fault(_SIDE, Code.SSL_AUTH_FAILED, message=message, field="X-Road-Client", fix=fix)
