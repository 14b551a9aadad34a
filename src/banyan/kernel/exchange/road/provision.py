"""The provider's side of the road: who calls, may they, ask the service, sign what it says, log, answer.

Nothing of a body goes to the provider before the signature of the head and the digest of the body hold. A refusal is
signed, as an answer is, once it is clear who asks and that this gateway signs for the member that is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.calls import after_body, call_of
from banyan.kernel.exchange.road.connection import Incoming
from banyan.kernel.exchange.road.desk import Desk, Outcome, Signing
from banyan.kernel.exchange.road.faulting import fault_answer, internal, of_http, of_signature
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.model import (
    DIRECTORY_VERSION,
    Answer,
    Body,
    Call,
    Delivery,
    Exchanged,
    Grant,
    MetaServices,
    Offer,
)
from banyan.kernel.exchange.road.spool import EMPTY
from banyan.kernel.exchange.road.verifying import Verifying
from banyan.wire.httpsig.errors import DigestMismatch, Refused
from banyan.wire.httpsig.message import Request
from banyan.wire.xroad.access import checked_path
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Call as Answered
from banyan.wire.xroad.headers import response_fields, usual_request_fields
from banyan.wire.xroad.identifiers import ServiceId, encoded
from banyan.wire.xroad.target import META_SERVICES, parse_target, parse_verb

_SIDE: Final = Origin.SERVER_PROXY


class Served(msgspec.Struct):
    """One call that is verified."""

    call: Call
    request: Request
    keyid: str
    fields: tuple[tuple[bytes, bytes], ...]
    digests: dict[str, bytes]
    signing: Signing | None
    body: Body = EMPTY
    request_hash: str = ""
    delivery: Delivery | None = None
    asked_at: float = 0.0
    answered_at: float = 0.0
    fault: str = ""


class Provision:
    def __init__(self, desk: Desk, verifying: Verifying) -> None:
        self._desk = desk
        self._verifying = verifying

    async def answer(self, incoming: Incoming) -> Answer:
        """To a call that came over the leg; never raises."""
        served: Served | None = None
        try:
            served = self._verified(incoming)
            served.body = await self._body(incoming, served)
            answer = await self._served(served)
        except Problem as problem:
            answer = self._refused(incoming, served, problem)
        except Exception as error:  # a defect of ours: recorded here, told as such
            self._desk.report("road: a call failed", error)
            answer = self._refused(incoming, served, internal(_SIDE))
        return answer if served is None else await self._concluded(incoming, served, answer)

    async def resumed(self, incoming: Incoming, served: Served, answering: Awaitable[Answer]) -> Answer:
        """To a call that the straight way has verified and begun to ask the service about; never raises."""
        try:
            answer = await answering
        except Problem as problem:
            answer = self._refused(incoming, served, problem)
        except Exception as error:  # as above
            self._desk.report("road: a call failed", error)
            answer = self._refused(incoming, served, internal(_SIDE))
        return await self._concluded(incoming, served, answer)

    async def _concluded(self, incoming: Incoming, served: Served, answer: Answer) -> Answer:
        try:
            return await self._finish(served, answer)
        except Problem as problem:
            answer.body.close()
            return await self.unlogged(incoming, served, problem)

    async def unlogged(self, incoming: Incoming, served: Served, problem: Problem) -> Answer:
        """The refusal of a call that cannot be logged."""
        refused = self._refused(incoming, served, problem)
        return self._signed(served, refused, await leg.digest_field(refused.body))

    def _verified(self, incoming: Incoming) -> Served:
        """Who calls, and what, by the head alone. Raises Fault."""
        desk, head = self._desk, incoming.head
        server = self._verifying.server_of(incoming)
        desk.check_directory(_SIDE)
        target = parse_target(head.target, strict=desk.is_strict)
        verb = parse_verb(head.verb)
        fields = leg.off_leg(head.fields, of_request=True)
        asked = usual_request_fields(fields, head.named, strict=desk.is_strict)
        if head.named.get("x-road-service") != [leg.service_field(target.service)[1].decode("ascii")]:
            message = "X-Road-Service is not the service in the address."
            raise Fault(_SIDE, Code.INCONSISTENT_HEADERS, message=message, field="X-Road-Service", fix="Send the same.")
        signed = self._verifying.verified(incoming, server, asked.client)
        ids = (signed.request.fields["x-road-request-id"][0], asked.message_id)
        call = call_of(verb, target, asked, fields=fields, ids=ids, at=desk.clock(), left_s=leg.left_s(head.named))
        signing = desk.signing.get(target.service.provider.owner)
        return Served(call, signed.request, signed.keyid, head.fields, dict(signed.digests), signing)

    async def _body(self, incoming: Incoming, served: Served) -> Body:
        """The body, held to the digest. Raises Fault."""
        try:
            body = await incoming.receive({*served.digests, "sha-512"})
            served.request_hash = await leg.hash_of(served.call, body)
            await leg.check_body(body, served.digests)
            served.call = after_body(served.call, body, self._desk.clock())
        except BadHttp as error:
            raise of_http(error, _SIDE) from error
        except DigestMismatch as error:
            raise of_signature(error, _SIDE) from error
        return body

    async def _served(self, served: Served) -> Answer:
        """What the service says. Raises Fault, or what the provider raised."""
        around, call = self._desk.around, served.call
        if served.signing is None:
            message = f"{encoded(call.target.service.provider)} is not served by this gateway."
            fix = "Its member compares its gateways in the directory with where it is."
            raise Fault(_SIDE, Code.UNKNOWN_MEMBER, message=message, field="address", fix=fix)
        if call.target.service.service in META_SERVICES and around.meta is not None:
            return await self._meta(around.meta, served)
        delivery = served.delivery = self._granted(served)
        grant, call = delivery.grant, served.call  # with the purpose that was found out
        ticket = await around.services.enter(
            call.asked.client, grant.priority, grant.per_minute, call.until, service=call.target.service
        )
        try:
            served.asked_at = self._desk.clock()
            if around.handover is not None and wants_async(call):
                return await around.handover.take(call, served.body, delivery)
            return await around.provider.ask(delivery.offer, call, delivery.path, served.body, delivery.basis)
        finally:
            served.answered_at = self._desk.clock()
            ticket.close()

    async def _meta(self, meta: MetaServices, served: Served) -> Answer:
        """Anybody in the directory may ask, without a grant: so behind all that have one. Raises Fault."""
        call = served.call
        ticket = await self._desk.around.services.enter(
            call.asked.client, "bulk", 0, call.until, service=call.target.service
        )
        try:
            return await meta.answer(call, served.body)
        finally:
            ticket.close()

    def _granted(self, served: Served) -> Delivery:
        """What is offered, and that this client may. Raises Fault."""
        call, now = served.call, self._desk.clock()
        service, client = call.target.service, call.asked.client
        offer = self.offered(service)
        grant = self._desk.around.grants.grant(client, service, now)
        if grant is None or (grant.until and grant.until <= now):
            message = "The client has no grant for this service."
            fix = "Ask the provider to grant it to your subsystem, with a purpose and a legal basis."
            raise Fault(_SIDE, Code.ACCESS_DENIED, message=message, field="X-Road-Client", fix=fix)
        path = checked_path(grant.rights, call.verb, call.target.path)
        if call.target.query is not None:
            path += b"?" + call.target.query
        purpose, basis = purpose_of(offer, grant, call.purpose)
        if purpose != call.purpose:
            served.call = msgspec.structs.replace(call, purpose=purpose)
        return Delivery(offer, path, basis, grant, served.keyid)

    def offered(self, service: ServiceId) -> Offer:
        """Raises Fault: not offered, or not now."""
        offer = self._desk.around.grants.offer(service)
        if offer is None:
            message, fix = f"There is no service {encoded(service)}.", "listMethods lists what there is."
            raise Fault(_SIDE, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
        if offer.type == "WSDL":
            message, fix = "The service is a SOAP service.", "Call it by the message protocol for SOAP."
            raise Fault(_SIDE, Code.INVALID_SERVICE_TYPE, message=message, field="address", fix=fix)
        if not offer.is_enabled:
            message = f"The service {encoded(service)} is disabled: {offer.notice}"
            raise Fault(_SIDE, Code.SERVICE_DISABLED, message=message, field="address", fix="Ask the provider.")
        return offer

    def _refused(self, incoming: Incoming, served: Served | None, problem: Problem) -> Answer:
        accept = incoming.head.named.get("accept", ())
        answer = fault_answer(problem, self._desk.uuid(), accept, self._desk.spelling, _SIDE)
        if served is not None:
            served.fault = problem.type_in() if isinstance(problem, Fault) else problem.kind
        return answer

    async def _finish(self, served: Served, answer: Answer) -> Answer:
        """Signed and logged. Raises Fault: the provider's fields cannot travel, or the log failed."""
        digest = await leg.digest_field(answer.body)
        signed = self._signed(served, answer, digest)
        call, delivery = served.call, served.delivery
        exchanged = Exchanged(
            xid=call.request_id,
            role="provider",
            client=call.asked.client,
            service=call.target.service,
            message_id=call.message_id,
            at=call.at,
            status=signed.status,
            fault=served.fault,
            purpose=call.purpose,
            basis=delivery.basis if delivery is not None else "",
            request=leg.logged_call(call.verb, call.target.raw, served.fields, served.request.authority),
            answer=leg.logged_answer(signed.status, signed.reason, signed.fields),
            request_body=served.body,
            answer_body=signed.body,
            keep_bodies_s=delivery.grant.keep_bodies_s if delivery is not None else 0.0,
        )
        await self._desk.keep(exchanged, _SIDE)
        outcome = Outcome(served.body.size, signed.body.size, signed.status, served.fault)
        self._desk.note(call, "provider", (served.asked_at, served.answered_at), outcome)
        return signed

    def _signed(self, served: Served, answer: Answer, digest: bytes) -> Answer:
        call = served.call
        fields = answer.fields
        error = next((field for field in fields if field[0] == b"x-road-error"), None) if served.fault else None
        answered = Answered(
            call.asked.client, call.target.service, call.message_id, call.request_id, served.request_hash
        )
        own = response_fields(fields, answered, is_checked=answer.is_checked)
        if error is not None:
            own.append(error)
        added = ((DIRECTORY_VERSION, self._desk.around.directory.version.encode("ascii")), (leg.DIGEST, digest))
        if served.signing is None:
            return Answer(answer.status, answer.reason, (*leg.onto_leg(own), *added), answer.body)
        bare = Answer(answer.status, answer.reason, tuple(own), answer.body)
        try:
            stamp = leg.stamp(self._desk.clock())
            whole = leg.signed_answer(bare, added, served.request, served.signing, stamp)
        except Refused as refused:
            message = f"The service's field {refused.rule} cannot be signed."
            fix = "Its operator sends it once, in ASCII."
            raise Fault(_SIDE, Code.SERVICE_FAILED, message=message, field=refused.rule, fix=fix) from refused
        return Answer(answer.status, answer.reason, whole, answer.body)


def purpose_of(offer: Offer, grant: Grant, said: str) -> tuple[str, str]:
    """The purpose of a call and its basis. Raises Fault: it names none that its grant has."""
    purpose = said
    if not purpose and len(grant.purposes) == 1:
        purpose = next(iter(grant.purposes))
    basis = grant.purposes.get(purpose, "")
    if (offer.needs_purpose or said) and not basis:
        message = "The call names no purpose that its grant has."
        fix = "Send X-Banyan-Purpose with a purpose that the provider granted to your subsystem."
        raise Fault(_SIDE, Code.ACCESS_DENIED, message=message, field="X-Banyan-Purpose", fix=fix)
    return purpose, basis


def wants_async(call: Call) -> bool:
    """Whether the client said `Prefer: respond-async` (RFC 7240)."""
    return any(
        name.lower() == b"prefer"
        and any(one.partition(b";")[0].strip().lower() == b"respond-async" for one in value.split(b","))
        for name, value in call.fields
    )
