"""The last step to a provider, some time after its gateway took the message: the law of that moment counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.delivery.means import NotHanded, Unsure, is_final
from banyan.kernel.exchange.road.model import Answer, Body, Call, Grant, Grants, Offer, Provider
from banyan.wire.xroad.access import checked_path
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import last_of

_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""Verbs that a provider may get twice without harm (RFC 9110 s9.2.2)."""
_NOT_NOW: Final = frozenset({429, 503})
_NOT_REACHED: Final = frozenset(
    {Code.NETWORK_ERROR, Code.SERVICE_DISABLED, Code.MAINTENANCE_MODE, Code.OUTDATED_GLOBALCONF}
)
"""No byte of the request was written."""
_RETRY_MOST_S: Final = 3_600.0

BasisOf = Callable[[Offer, Grant, Call], str]
"""The basis that a call under this grant stands on. Raises Fault(AccessDenied): its purpose is not granted."""


class GrantedHands:
    """Looks up the service and judges the right as they are now, then asks the provider."""

    def __init__(self, grants: Grants, provider: Provider, *, basis_of: BasisOf, clock: Clock) -> None:
        self._grants = grants
        self._provider = provider
        self._basis_of = basis_of
        self._clock = clock

    async def hand(self, call: Call, body: Body) -> Answer:
        service = call.target.service
        offer = self._grants.offer(service)
        if offer is None:
            message, fix = "The service is not offered any more.", "Ask the provider for another."
            raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
        if not offer.is_enabled:
            raise NotHanded(f"The service is closed. {offer.notice}".rstrip())
        grant = self._grants.grant(call.asked.client, service, self._clock())
        if grant is None:
            message, fix = "The client has no right any more.", "Ask the provider to grant it again."
            raise Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Road-Client", fix=fix)
        path = checked_path(grant.rights, call.verb, call.target.path)
        if call.target.query is not None:
            path += b"?" + call.target.query
        basis = self._basis_of(offer, grant, call)
        try:
            answer = await self._provider.ask(offer, call, path, body, basis)
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
        return may_repeat(call, self._grants.offer(call.target.service))


def may_repeat(call: Call, offer: Offer | None) -> bool:
    return call.verb in _REPEATABLE or (offer is not None and offer.knows_repeats)


def not_reached(fault: Fault) -> bool:
    """Whether the provider certainly got nothing."""
    return fault.codes[-1] in _NOT_REACHED or fault.status in _NOT_NOW
