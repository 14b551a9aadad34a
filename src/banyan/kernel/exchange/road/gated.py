"""Operations of this node's gate behind the road: a call through the exchange is a release with purpose and basis.

An offer `gate:SERVICE` answers `/NAME` below its address with the operation `SERVICE.NAME`; `gate:SERVICE.NAME` answers
that one at the address itself. The gate weighs, minimises and records as it does for every other channel: the caller is
the member that signed, and the exchange's id is the use's trace, so that a citizen's list leads to the message log.

What the policy refuses is a fault of the road, with the reason; an error of the operation itself is the provider's own
answer (RFC 9457), as any other provider would give.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec

from banyan.errors import UNREADABLE, Conflict, Denied, FieldError, Invalid, Limit, NotFound, Problem, Unavailable
from banyan.kernel.catalogue.operation import FaceAnswer, Operation
from banyan.kernel.exchange.binder import Binder, pairs_of
from banyan.kernel.exchange.explain import document
from banyan.kernel.exchange.gate import Gate, Refused
from banyan.kernel.exchange.remote import Envelope
from banyan.kernel.exchange.road.model import CONSENT, PURPOSE, SPEAKS, Answer, Body, Call, Offer
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.trace import Trace
from banyan.kernel.identity.caller import Caller
from banyan.kernel.policy.decision import Decision
from banyan.limits import JSON_BODY_BYTES, REMOTE_TIME_S
from banyan.limits_road import REMOTE_ANSWER_BYTES
from banyan.wire import problem as problems
from banyan.wire.xroad import headers
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId, ServiceId
from banyan.wire.xroad.identifiers import encoded as identifier
from banyan.wire.xroad.target import Target, target_of

SCHEME: Final = "gate:"
CHANNEL: Final = "road"
ASSURANCE: Final = "aal2"
"""A member's gateway shows a certificate of the directory and its message the member's key: two things it holds. Who of
its people asks is the member's own affair, and in its own ledger."""
ENVELOPE: Final = "application/vnd.banyan.call+json"
"""A request with the caller it is made for; believed of the nodes of the provider's own member only."""
JSON: Final = "application/json"
OFFERED: Final = frozenset({"api", CHANNEL})
"""Operations of these channels can be offered to other members; those of none are a service's own."""


class Enveloped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call from another node of the same member: for whom it is made, and the request itself."""

    caller: Caller
    request: msgspec.Raw


class GateProvider:
    """Answers offers of `gate:` by the gate. Implements `model.Provider`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._binders: dict[str, Binder] = {}

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        """`basis` is the grant's; the gate finds the one that holds by its own register, and records that."""
        name, query = self._named(offer, path)
        trace = trace_of(call)
        lang = _language(call.fields)
        try:
            declared = self._gate.catalogue.operation(name)
            caller, request = self._read(declared, offer, call, body, query)
            answer = await self._gate.call(name, request, caller=caller, purpose=call.purpose, trace=trace)
        except Refused as refused:
            raise refusal_of(refused.decision) from refused
        except Problem as problem:
            said = document(problem, lang, trace=trace.id)
            return _answer(problem.status, problems.encode(said), problems.MEDIA_TYPE)
        if isinstance(answer, FaceAnswer):
            assert isinstance(answer.body, bytes), f"{name} answers a stream: it has no place on the road"
            return _answer(answer.status, answer.body, answer.media_type)
        return _answer(200, msgspec.json.encode(answer), JSON)

    def _named(self, offer: Offer, path: bytes) -> tuple[str, str]:
        """The operation's id and the query. Raises Fault(UnknownService) for a path that names none."""
        where, _, query = path.partition(b"?")
        service, dot, one = offer.url.removeprefix(SCHEME).partition(".")
        rest = where.decode("latin-1").strip("/")
        name = one if dot else rest
        declared = self._gate.catalogue.operations.get(f"{service}.{name}")
        if declared is None or (dot and rest):
            message = "The service has nothing at this path."
            fix = "Ask listMethods of the subsystem for its paths."
            raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
        return declared.id, query.decode("latin-1")

    def _read(
        self, declared: Operation, offer: Offer, call: Call, body: Body, query: str
    ) -> tuple[Caller, msgspec.Struct]:
        """Who asks, and what. Raises Invalid."""
        binder = self._binders.get(declared.id)
        if binder is None:
            binder = self._binders[declared.id] = Binder(declared.request)
        media_type = _value(call.fields, b"content-type").partition(";")[0].strip().lower()
        content = body.whole(JSON_BODY_BYTES)
        if media_type == ENVELOPE:
            is_own = call.asked.client.owner == offer.id.provider.owner
            if not is_own or _value(call.fields, SPEAKS) != "yes":
                raise Invalid.at("content-type", f"send {JSON}: only a member's own nodes speak for its callers")
            enveloped = _decoded(content)
            return enveloped.caller, binder.from_json(bytes(enveloped.request), {})
        if not OFFERED & set(declared.channels):
            raise NotFound(f"{declared.id} is not offered here", remedy="ask listMethods for what is")
        caller = member_caller(call.asked.client, consent=call.consent)
        if call.verb in ("GET", "HEAD"):
            if declared.subject or declared.effect == "write":
                raise Invalid.at("method", "send POST with a JSON body: an address is logged", status=405)
            return caller, binder.from_pairs(pairs_of(query), {})
        if query:
            raise Invalid.at("query", "send the request in the body: an address is logged")
        if media_type not in ("", JSON):
            raise Invalid.at("content-type", f"send {JSON}", status=415)
        return caller, binder.from_json(content or b"{}", {})


class Carrier(Protocol):
    """Sends a call through this node's own gateway, as an information system at its edge would: `Gateway` does."""

    async def ask(self, verb: str, target: Target, fields: Sequence[Field], body: bytes) -> Answer:
        """Raises Fault: the road refused, or could not carry it."""


class GateRemote:
    """A service that runs at another member, or at another node of this one, reached by the road. Implements
    `exchange.remote.Remote`. `client` is the subsystem that asks, `provider` the one that the service is offered by."""

    def __init__(self, carrier: Carrier, *, client: ClientId, provider: ClientId) -> None:
        assert provider.subsystem, "a service is offered by a subsystem"
        self._carrier, self._client, self._provider = carrier, client, provider

    async def call(self, operation: Operation, request: msgspec.Struct, envelope: Envelope) -> Any:
        """Between members the caller is the member; its own node believes for whom a call is made."""
        service, _, name = operation.id.partition(".")
        who = self._provider
        offered = ServiceId(who.instance, who.member_class, who.member, who.subsystem, service)
        target = target_of(offered, b"/" + quote(name).encode())
        encoded = msgspec.json.encode(request)
        if self._client.owner == self._provider.owner:
            content = msgspec.json.encode(Enveloped(envelope.caller, msgspec.Raw(encoded)))
            said = [(b"content-type", ENVELOPE.encode()), (SPEAKS, b"yes")]
        else:
            content, said = encoded, [(b"content-type", JSON.encode())]
        fields = [(headers.CLIENT, identifier(self._client).encode()), *said]
        if operation.subject:  # what is open, or a duty, stands on no purpose of a grant
            fields.append((PURPOSE, envelope.purpose.encode()))
        if len(envelope.caller.consents) == 1:
            fields.append((CONSENT, envelope.caller.consents[0].encode()))
        try:
            async with asyncio.timeout(REMOTE_TIME_S):
                answer = await self._carrier.ask("POST", target, fields, content)
        except Fault as fault:
            raise _as_problem(fault) from fault
        except TimeoutError:
            raise Unavailable("The peer has not answered in time.", remedy="Try again.") from None
        try:
            return self._decoded(operation, answer)
        finally:
            answer.body.close()

    @staticmethod
    def _decoded(operation: Operation, answer: Answer) -> Any:
        try:
            if answer.status == 200:
                return msgspec.json.decode(answer.body.whole(REMOTE_ANSWER_BYTES), type=operation.answer)
            said = msgspec.json.decode(answer.body.whole(JSON_BODY_BYTES), type=problems.ProblemDocument)
        except UNREADABLE as error:
            remedy = "Both nodes need the same version of the service."
            raise Unavailable("The peer's answer cannot be read.", remedy=remedy) from error
        raise problem_of(said)


def operations_of(gate: Gate, url: str) -> tuple[Operation, ...]:
    """What an offer of `gate:` answers; empty when it names nothing that is offered."""
    service, dot, name = url.removeprefix(SCHEME).partition(".")
    known = gate.catalogue.operations.values()
    wanted = (one for one in known if one.service == service and (not dot or one.id == f"{service}.{name}"))
    return tuple(one for one in wanted if OFFERED & set(one.channels))


def endpoints_of(url: str, operations: Sequence[Operation]) -> tuple[Endpoint, ...]:
    """The methods and paths of such an offer, as `listMethods` shows them."""
    is_one = "." in url
    return tuple(
        Endpoint(
            "GET" if one.effect == "read" and not one.subject else "POST",
            "/" if is_one else f"/{one.id.partition('.')[2]}",
        )
        for one in operations
    )


def member_caller(client: ClientId, *, consent: str = "") -> Caller:
    """How the policy sees a member that asks by the road: as its registered app, for no person. `consent` is the one
    that the call says it stands on; others of the same member do not count for this call."""
    agency = agency_of(client)
    return Caller(
        "app",
        f"{agency}/{client.subsystem}" if client.subsystem else agency,
        channel=CHANNEL,
        agency=agency,
        assurance=ASSURANCE,
        consents=(consent,) if consent else (),
    )


def agency_of(client: ClientId) -> str:
    """The member as the registers name it: TW/GOV/CDC."""
    return "/".join(client.owner.parts)


def problem_of(said: problems.ProblemDocument) -> Problem:
    """Another gate's error as the same class of the tree."""
    kind = said.type.rpartition("/")[2]
    chosen = _BY_STATUS.get(said.status, Unavailable if said.status >= 500 else Problem)
    fields = tuple(FieldError(one.field, one.fix) for one in said.errors)
    return chosen(said.detail or said.title, remedy=said.remedy, fields=fields, kind=kind, status=said.status)


_BY_STATUS: Final[Mapping[int, type[Problem]]] = {
    400: Invalid, 401: Denied, 403: Denied, 404: NotFound, 405: Invalid, 409: Conflict, 413: Limit, 415: Invalid,
    422: Invalid, 429: Limit, 507: Limit,
}  # fmt: skip


def _as_problem(fault: Fault) -> Problem:
    """The road's refusal as the gate's own words have it."""
    if Code.ACCESS_DENIED in fault.codes:
        return Denied(fault.title, remedy=fault.remedy)
    if Code.UNKNOWN_SERVICE in fault.codes:
        return NotFound(fault.title, remedy=fault.remedy)
    return Unavailable(fault.title, remedy=fault.remedy or "Try again later.")


def refusal_of(decision: Decision) -> Fault:
    """What the policy refuses, as the road says it."""
    message, fix = decision.explanation["en"], decision.remedy["en"]
    return Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Banyan-Purpose", fix=fix)


def trace_of(call: Call) -> Trace:
    """The exchange's id as a trace: a use's record leads to the message log by it."""
    return Trace(b"00-%s-%s-01" % (call.request_id.replace("-", "").encode(), b"0" * 15 + b"1"))


def _decoded(content: bytes) -> Enveloped:
    try:
        return msgspec.json.decode(content, type=Enveloped)
    except UNREADABLE as error:
        raise Invalid.at("body", "send caller and request as JSON") from error


def _answer(status: int, content: bytes, media_type: str) -> Answer:
    reason = HTTPStatus(status).phrase.encode()
    return Answer(status, reason, ((b"content-type", media_type.encode()),), Held(content))


def _value(fields: tuple[Field, ...], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in reversed(fields) if key.lower() == name), "")


def _language(fields: tuple[Field, ...]) -> str:
    """English unless the caller asks for Chinese first: programs read this."""
    return "zh-Hant" if _value(fields, b"accept-language").lower().startswith("zh") else "en"
