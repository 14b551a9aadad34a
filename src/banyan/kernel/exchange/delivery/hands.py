"""The last step to a provider, some time after its gateway took the message: the law of that moment counts."""

from __future__ import annotations

from typing import Final, Protocol

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.delivery.means import NotHanded, Unsure, is_final
from banyan.kernel.exchange.road.link import Broken
from banyan.kernel.exchange.road.model import Answer, Body, Call, Grant, Grants, Offer, Provider
from banyan.wire.xroad.access import checked_path
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of

_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Verbs that a provider may get twice without harm (RFC 9110 s9.2.2)."""
_NOT_NOW: Final = frozenset({429, 503})
_CLOSED: Final = frozenset(
    {
        Code.SERVICE_DISABLED,
        Code.SERVICE_MISSING_URL,
        Code.SERVICE_MALFORMED_URL,
        Code.MAINTENANCE_MODE,
        Code.OUTDATED_GLOBALCONF,
    }
)
_RETRY_MOST_S: Final = 3_600.0


class Behind(Protocol):
    """What a gateway has behind its edge just now: `desk.Surroundings`."""

    @property
    def grants(self) -> Grants: ...
    @property
    def provider(self) -> Provider: ...


class GrantedHands:
    """Looks up the service and judges the right as they are now, then asks the provider."""

    def __init__(self, behind: Behind, clock: Clock) -> None:
        self._behind = behind
        self._clock = clock

    async def hand(self, call: Call, body: Body) -> Answer:
        service = call.target.service
        offer = self._behind.grants.offer(service)
        if offer is None:
            message, fix = "The service is not offered any more.", "Ask the provider for another."
            raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
        if not offer.is_enabled:
            raise NotHanded(f"The service is closed. {offer.notice}".rstrip())
        now = self._clock()
        grant = self._behind.grants.grant(call.asked.client, service, now)
        if grant is None or (grant.until and grant.until <= now):
            message, fix = "The client has no right any more.", "Ask the provider to grant it again."
            raise Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Road-Client", fix=fix)
        path = checked_path(grant.rights, call.verb, call.target.path)
        if call.target.query is not None:
            path += b"?" + call.target.query
        basis = _basis(offer, grant, call)
        try:
            answer = await self._behind.provider.ask(offer, call, path, body, basis)
        except Fault as fault:
            if is_final(fault):
                raise
            if not_reached(fault):
                raise NotHanded(fault.title) from fault
            raise Unsure(fault.title) from fault
        except Problem as problem:
            raise Unsure(problem.title) from problem
        if answer.status in _NOT_NOW:
            said = last_of(answer.fields, b"retry-after") or b""
            after_s = min(float(said), _RETRY_MOST_S) if said.isdigit() and len(said) < 10 else 0.0
            answer.body.close()
            raise NotHanded(f"The provider answered {answer.status}.", after_s=after_s)
        return answer

    def may_repeat(self, call: Call) -> bool:
        return may_repeat(call, self._behind.grants.offer(call.target.service))


def may_repeat(call: Call, offer: Offer | None) -> bool:
    return call.verb in _REPEATABLE or (offer is not None and offer.knows_repeats)


def not_reached(fault: Fault) -> bool:
    """Whether the provider certainly got nothing."""
    if fault.codes[-1] in (Code.NETWORK_ERROR, Code.SSL_AUTH_FAILED):
        return not (isinstance(fault.__cause__, Broken) and fault.__cause__.was_sent)
    return fault.codes[-1] in _CLOSED or fault.status in _NOT_NOW


def _basis(offer: Offer, grant: Grant, call: Call) -> str:
    """What the call stands on. `call.purpose` was found out when the message was taken; here it must still hold."""
    basis = grant.purposes.get(call.purpose, "")
    if (offer.needs_purpose or call.purpose) and not basis:
        message = "The purpose is not granted any more."
        fix = "Ask the provider to grant it to your subsystem again."
        raise Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Banyan-Purpose", fix=fix)
    return basis
