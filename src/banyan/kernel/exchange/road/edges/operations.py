"""Operational monitoring as the field's collectors ask for it: SOAP to their own gateway, for any gateway's records.

The collector posts to its own gateway and names the one it wants; ours answers for itself, and passes a question for
another on as a signed and logged call of the road. Source: X-Road PR-OPMON; UG-OPMONSYSPAR (who sees what).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.edges.seams import Health, Operations, ServiceHealth, Spread
from banyan.kernel.exchange.road.model import Answer, Body, Call, Directory, Request, Response
from banyan.kernel.exchange.road.spool import Held
from banyan.limits_road import EDGES_RECORDS, EDGES_SOAP_BYTES, EDGES_UNSETTLED_S
from banyan.wire import xmltext
from banyan.wire.xroad import faults, operations
from banyan.wire.xroad.codes import DOCUMENTED, Code, Origin, Spelling
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import CLIENT, MESSAGE_ID, SECURITY_SERVER, Field
from banyan.wire.xroad.identifiers import ClientId, ServerId, ServiceId, encoded
from banyan.wire.xroad.operations import Attached, Question
from banyan.wire.xroad.target import Target, target_of

CONSUMER: Final = b"/"
"""Where SOAP is posted: the field's clients know no other path."""

Ask = Callable[[Target, tuple[Field, ...], Body], Awaitable[Answer]]
"""Send a POST on the road as the client that `X-Road-Client` names."""
Check = Callable[[Request, ClientId], None]
"""Raises Fault unless who sent the request may speak for this client."""


class OperationsDesk:
    """`server` is this gateway; `monitors` see all records besides its owner, others only what they took part in."""

    def __init__(
        self,
        server: ServerId,
        source: Operations,
        *,
        clock: Callable[[], EpochS],
        monitors: frozenset[ClientId] = frozenset(),
    ) -> None:
        self._server, self._source, self._clock, self._monitors = server, source, clock, monitors
        self.codes = operations.SERVICES

    async def answer(self, call: Call, body: Body) -> Answer:
        """At the provider's gateway. The question's client is the one that signed; errors are SOAP faults inside."""
        text = body.whole(EDGES_SOAP_BYTES)
        question = operations.parse(text)
        if question.client != call.asked.client or question.code != call.target.service.service:
            message, fix = "The envelope asks for somebody else.", "Let header and X-Road-Client name the same client."
            raise Fault(Origin.SERVER_PROXY, Code.INCONSISTENT_HEADERS, message=message, field="client", fix=fix)
        told = await self.told(question, text)
        return Answer(200, b"OK", ((b"content-type", told.content_type.encode("ascii")),), Held(told.body))

    def is_ours(self, question: Question) -> bool:
        """Whether this gateway is asked about itself. Without a server named, its owner is."""
        if question.server is not None:
            return question.server == self._server
        return question.member.parts[:3] == self._server.parts[:3]

    async def told(self, question: Question, text: bytes) -> Attached:
        """Raises Fault(InvalidRequest): another gateway's affair."""
        if not self.is_ours(question) or question.member.parts[:3] != self._server.parts[:3]:
            message, fix = "This is another gateway.", "Name a gateway of the member that owns it."
            origin = Origin.SERVER_PROXY_MONITOR
            raise Fault(origin, Code.INVALID_SECURITY_SERVER, message=message, field="securityServer", fix=fix)
        about = self._about(question)
        if question.code == operations.HEALTH:
            return operations.answer(question, text, _health_xml(await self._source.health(about)))
        settled = int(self._clock()) - EDGES_UNSETTLED_S
        last = min(question.last, settled - 1)
        if question.first > last:
            return operations.operational_data(question, text, (), max(question.first, settled))
        found = await self._source.records(question.first, last, about, EDGES_RECORDS)
        shifted = settled if last < question.last else 0
        return operations.operational_data(question, text, found.rows, found.next_from or shifted)

    def _about(self, question: Question) -> ClientId | None:
        owner = question.client.owner.parts == self._server.parts[:3]
        if owner or question.client in self._monitors:
            return question.about
        if question.about not in (None, question.client):
            message, fix = "Only its owner may ask about others.", "Leave the filter out, or ask as the owner."
            origin = Origin.SERVER_PROXY_MONITOR
            raise Fault(origin, Code.ACCESS_DENIED, message=message, field="client", fix=fix)
        return question.client


class SoapPage:
    """`POST /` on the edge, or any path that no other page has: the field's clients post where they like."""

    def __init__(
        self, desk: OperationsDesk, directory: Directory, ask: Ask, check: Check, *, spelling: Spelling = DOCUMENTED
    ) -> None:
        self._desk, self._directory, self._ask, self._check, self._spelling = desk, directory, ask, check, spelling

    async def __call__(self, request: Request) -> Response:
        """A SOAP fault with status 500 for whatever is wrong with a question. Raises Fault (404): none came."""
        _check_soap(request)
        try:
            kind, status, body = await self._told(request)
        except Problem as problem:
            fault = problem if isinstance(problem, Fault) else _fault_of(problem)
            told = faults.answer(fault, "", (), self._spelling)
            message = f"{fault.title} {fault.remedy}".strip()
            shown = operations.fault(told.error, message, "")
            kind, status, body = shown.content_type.encode("ascii"), 500, shown.body
        return Response(status, ((b"content-type", kind),), body)

    async def _told(self, request: Request) -> tuple[bytes, int, Body | bytes]:
        text = request.body.whole(EDGES_SOAP_BYTES)
        question = operations.parse(text)
        self._check(request, question.client)
        if self._desk.is_ours(question):
            told = await self._desk.told(question, text)
            return told.content_type.encode("ascii"), 200, told.body
        return await self._passed_on(question, text)

    async def _passed_on(self, question: Question, text: bytes) -> tuple[bytes, int, Body | bytes]:
        service = self._service_of(question)
        fields: list[Field] = [
            (b"content-type", operations.XML.encode("ascii")),
            (CLIENT, encoded(question.client).encode("ascii")),
            (MESSAGE_ID, question.message_id.encode("ascii", "replace")),
        ]
        if question.server is not None:
            fields.append((SECURITY_SERVER, encoded(question.server).encode("ascii")))
        answer = await self._ask(target_of(service), tuple(fields), Held(text))
        kind = next((value for name, value in answer.fields if name.lower() == b"content-type"), b"text/xml")
        return kind, answer.status, answer.body

    def _service_of(self, question: Question) -> ServiceId:
        """The question as a service of a subsystem behind that gateway: a call of the road names five parts."""
        for one in self._directory.listed():
            if one.id.owner.parts != question.member.parts[:3] or not one.id.subsystem:
                continue
            if question.server is None or any(
                route.server == question.server for route in self._directory.routes(one.id)
            ):
                of = one.id
                return ServiceId(of.instance, of.member_class, of.member, of.subsystem, question.code)
        message, fix = "No gateway of this name is in the directory.", "Take it from /internalconf or listClients."
        raise Fault(Origin.CLIENT_PROXY, Code.UNKNOWN_MEMBER, message=message, field="securityServer", fix=fix)


def _check_soap(request: Request) -> None:
    kind = next((value for name, value in request.fields if name.lower() == b"content-type"), b"")
    if request.verb != "POST" or not operations.is_soap(kind.decode("latin-1")):
        message, fix = "There is no such page.", "Calls go to /r1/instance/class/member/subsystem/service."
        fault = Fault(Origin.CLIENT_PROXY, Code.NOT_FOUND, message=message, field="address", fix=fix)
        fault.status = 404
        raise fault


def _health_xml(health: Health) -> str:
    events = "".join(map(_service_xml, health.services))
    return (
        xmltext.element("om:monitoringStartupTimestamp", str(health.since))
        + xmltext.element("om:statisticsPeriodSeconds", str(health.period_s))
        + xmltext.element("om:servicesEvents", inner=events)
    )


def _service_xml(one: ServiceHealth) -> str:
    inner = operations.service_xml("om:service", one.service)
    if one.last_good:
        inner += xmltext.element("om:lastSuccessfulRequestTimestamp", str(one.last_good))
    if one.last_bad:
        inner += xmltext.element("om:lastUnsuccessfulRequestTimestamp", str(one.last_bad))
    if one.type:
        inner += xmltext.element("om:serviceType", one.type)
    counts = xmltext.element("om:successfulRequestCount", str(one.good))
    counts += xmltext.element("om:unsuccessfulRequestCount", str(one.bad))
    for name, of, spread in (
        ("request", "Duration", one.duration),
        ("request", "Size", one.request_size),
        ("response", "Size", one.response_size),
    ):
        counts += "" if spread is None else _spread_xml(name, of, spread)
    return xmltext.element("om:serviceEvents", inner=inner + xmltext.element("om:lastPeriodStatistics", inner=counts))


def _spread_xml(name: str, of: str, spread: Spread) -> str:
    return (
        xmltext.element(f"om:{name}Min{of}", str(spread.least))
        + xmltext.element(f"om:{name}Average{of}", str(float(spread.average)))
        + xmltext.element(f"om:{name}Max{of}", str(spread.most))
        + xmltext.element(f"om:{name}{of}StdDev", str(float(spread.deviation)))
    )


def _fault_of(problem: Problem) -> Fault:
    field = problem.fields[0].field if problem.fields else ""
    return Fault(Origin.CLIENT_PROXY, Code.INVALID_REQUEST, message=problem.title, field=field, fix=problem.remedy)
