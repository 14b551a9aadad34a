"""Calls as spans and figures for an OpenTelemetry collector. An outage of it costs spans, never a call.

Both gateways of a call make one trace of it: its id is the exchange's, and the provider's span hangs under the
client's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Final

import urllib3

from banyan import __version__
from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.counters import BOUNDS_S, Counters
from banyan.kernel.exchange.messages.record import named
from banyan.kernel.exchange.road.model import Role, Timing
from banyan.limits_road import TELEMETRY_SPANS, TELEMETRY_WAIT_S
from banyan.wire import otlp
from banyan.wire.otlp import Metric, Point, Scalar, Span

SCOPE: Final = "banyan.road"
_MS: Final = 1_000_000
"""Nanoseconds."""
Post = Callable[[str, bytes], Awaitable[bool]]
"""Sends a body to a path; False when the collector did not take it."""


class Telemetry:
    """What is to be exported. `share` of the traces (0 to 1) is: both gateways choose the same."""

    def __init__(self, server: str, post: Post, *, clock: Clock, share: float = 1.0) -> None:
        self._post, self._clock = post, clock
        self._below = int(share * 2**32)
        self._spans: deque[Span] = deque()
        self._started = int(clock() * 1_000_000_000)
        self._resource: Mapping[str, Scalar] = {
            "service.name": "banyan-gateway",
            "service.version": __version__,
            "service.instance.id": server,
        }
        self.dropped = 0

    def add(self, timing: Timing) -> None:
        trace = trace_of(timing.call_id)
        if int(trace[:8], 16) >= self._below:
            return
        if len(self._spans) >= TELEMETRY_SPANS:
            self.dropped += 1
            return
        self._spans.append(span_of(timing, trace))

    async def export(self, counters: Counters) -> bool:
        """Send what waits, and the figures as they stand; spans that are not taken are dropped and counted."""
        spans = [self._spans.popleft() for _ in range(len(self._spans))]
        is_taken = True
        if spans:
            is_taken = await self._post(otlp.TRACES, otlp.encode_spans(spans, self._resource, SCOPE))
            self.dropped += 0 if is_taken else len(spans)
        now = int(self._clock() * 1_000_000_000)
        body = otlp.encode_metrics(metrics_of(counters), self._resource, SCOPE, start=self._started, now=now)
        return await self._post(otlp.METRICS, body) and is_taken


def http_post(endpoint: str, headers: Mapping[str, str] | None = None) -> Post:
    """To a collector's `http(s)://host:4318`. Raises Invalid for another address."""
    if not endpoint.startswith(("http://", "https://")):
        raise Invalid.at("road.telemetry", "write http:// or https:// and the collector's host")
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(TELEMETRY_WAIT_S), retries=False)
    sent = {"Content-Type": otlp.JSON, **(headers or {})}

    def work(path: str, body: bytes) -> bool:
        try:
            answer = pool.request("POST", endpoint.rstrip("/") + path, body=body, headers=sent, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        return answer.status == 200

    async def post(path: str, body: bytes) -> bool:
        return await asyncio.to_thread(work, path, body)

    return post


def trace_of(call_id: str) -> str:
    """The exchange's id: a UUID is 16 bytes already; any other text is hashed."""
    plain = call_id.replace("-", "").lower()
    if len(plain) == 32 and all(one in "0123456789abcdef" for one in plain) and int(plain, 16):
        return plain
    return sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def span_of(timing: Timing, trace: str) -> Span:
    attributes: dict[str, Scalar] = {
        "http.request.method": timing.method,
        "http.request.body.size": timing.request_size,
        "http.response.body.size": timing.response_size,
        "xroad.client": named(timing.client),
        "xroad.service": named(timing.service),
    }
    if timing.status:
        attributes["http.response.status_code"] = timing.status
    if timing.fault:
        attributes["error.type"] = timing.fault
    own = _span_id(trace, timing.role)
    return Span(
        trace,
        own,
        f"{timing.method} {timing.service.service}",
        "client" if timing.role == "client" else "server",
        timing.request_in * _MS,
        max(timing.request_in, timing.response_out) * _MS,
        "" if timing.role == "client" else _span_id(trace, "client"),
        attributes,
        timing.fault,
    )


def metrics_of(counters: Counters) -> list[Metric]:
    calls = [
        Point({"role": role, "xroad.client": client, "xroad.service": service, "ended": ended}, count)
        for (role, client, service), one in sorted(counters.pairs.items())
        for ended, count in sorted(one.ended.items())
    ]
    seconds = [
        Point({"role": role, "xroad.service": service}, one.total, BOUNDS_S, tuple(one.buckets))
        for (role, service), one in sorted(counters.seconds.items())
    ]
    faults = [
        Point({"role": role, "error.type": code}, count) for (role, code), count in sorted(counters.faults.items())
    ]
    found = [
        Metric("banyan.road.calls", "{call}", "Calls by who asked, what, and how it ended.", calls),
        Metric("banyan.road.faults", "{fault}", "Faults of the road by code.", faults),
        Metric("banyan.road.call.duration", "s", "How long calls were at this gateway.", seconds),
    ]
    return [one for one in found if one.points]


def _span_id(trace: str, role: Role) -> str:
    return sha256(f"{trace} {role}".encode()).hexdigest()[:16]
