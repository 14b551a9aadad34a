"""What a gateway tells its operator's tools: Prometheus at its edge, calls to an OpenTelemetry collector."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.monitor import Observer
from banyan.kernel.exchange.messages.monitor_pages import MonitorPages
from banyan.kernel.exchange.messages.opening import Opened
from banyan.kernel.exchange.messages.telemetry import Telemetry, http_post
from banyan.kernel.exchange.road.admission import FairAdmission
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.model import Request
from banyan.wire.xroad.headers import last_of
from banyan.wire.xroad.identifiers import ServerId, encoded

_BEARER = b"Bearer "


def observer_of(
    messages: Opened,
    server: ServerId,
    telemetry: str,
    *,
    calls: FairAdmission,
    services: FairAdmission,
    clock: Clock,
) -> Observer:
    """Counts this gateway's calls, beside how full its log and its admission are. `telemetry`: the collector's address
    (OTLP/HTTP); empty: none. Raises Invalid for an address that is none."""

    def gauges() -> Iterable[tuple[str, str, float]]:
        return [*messages.messages.figures(), *calls.gauges("client"), *services.gauges("provider")]

    exported = Telemetry(encoded(server), http_post(telemetry), clock=clock) if telemetry else None
    return Observer(messages.store, clock=clock, telemetry=exported, gauges=gauges)


def place_pages(gateway: Gateway, observer: Observer, token: str) -> None:
    """`/metrics` and `/monitor/records` at the edge, for who sends `Authorization: Bearer TOKEN`; no token: nobody."""
    MonitorPages(observer, bearing(token)).place(gateway.pages)


def bearing(token: str) -> Callable[[Request], bool]:
    """Whether a request carries this token. Compared in constant time."""
    wanted = token.encode()

    def may_read(request: Request) -> bool:
        sent = last_of(request.fields, b"authorization") or b""
        return bool(wanted) and sent.startswith(_BEARER) and hmac.compare_digest(sent.removeprefix(_BEARER), wanted)

    return may_read
