"""How calls of each service went in the last period: sums by the minute, so that a call costs the same however many
there are. Begins anew with the process, as the field's does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import sqrt
from typing import Final

from banyan.kernel.exchange.messages.operation import duration_of, is_good
from banyan.kernel.exchange.road.edges.seams import ServiceHealth, Spread
from banyan.kernel.exchange.road.model import Timing
from banyan.limits_road import MONITOR_PAIRS, MONITOR_PERIOD_S
from banyan.wire.xroad.identifiers import ClientId, ServiceId

BUCKET_S: Final = 60


class Sums:
    """Of a number: enough for its spread."""

    __slots__ = ("count", "least", "most", "squares", "total")

    def __init__(self) -> None:
        self.count, self.total, self.squares, self.least, self.most = 0, 0, 0, 0, 0

    def add(self, value: int) -> None:
        self.least = value if not self.count or value < self.least else self.least
        self.most = max(self.most, value)
        self.count += 1
        self.total += value
        self.squares += value * value


class _Minute:
    __slots__ = ("at", "bad", "duration", "request", "response")

    def __init__(self, at: int) -> None:
        self.at, self.bad = at, 0
        self.duration, self.request, self.response = Sums(), Sums(), Sums()


class _Service:
    __slots__ = ("last_bad", "last_good", "minutes")

    def __init__(self) -> None:
        self.last_good = self.last_bad = 0
        self.minutes: deque[_Minute] = deque(maxlen=MONITOR_PERIOD_S // BUCKET_S + 1)


class HealthBook:
    """Of the services behind this gateway."""

    def __init__(self) -> None:
        self._services: dict[ServiceId, _Service] = {}

    def add(self, timing: Timing, now: float) -> None:
        """`now` in epoch seconds."""
        one = self._services.get(timing.service)
        if one is None:
            if len(self._services) >= MONITOR_PAIRS:
                return
            one = self._services[timing.service] = _Service()
        minute = int(now) // BUCKET_S
        if not one.minutes or one.minutes[-1].at != minute:
            one.minutes.append(_Minute(minute))
        sums, at = one.minutes[-1], timing.response_out or timing.request_in
        if not is_good(timing):
            one.last_bad = at
            sums.bad += 1
            return
        one.last_good = at
        sums.duration.add(duration_of(timing))
        sums.request.add(timing.request_size)
        sums.response.add(timing.response_size)

    def told(self, client: ClientId | None, now: float) -> Sequence[ServiceHealth]:
        """`client`: only what it provides; None: all."""
        since = int(now - MONITOR_PERIOD_S) // BUCKET_S
        return [
            _health(service, one, [minute for minute in one.minutes if minute.at > since])
            for service, one in sorted(self._services.items())
            if client is None or client in (service.provider, service.provider.owner)
        ]


def _health(service: ServiceId, one: _Service, minutes: Sequence[_Minute]) -> ServiceHealth:
    return ServiceHealth(
        service=service,
        last_good=one.last_good,
        last_bad=one.last_bad,
        good=sum(minute.duration.count for minute in minutes),
        bad=sum(minute.bad for minute in minutes),
        duration=_spread([minute.duration for minute in minutes]),
        request_size=_spread([minute.request for minute in minutes]),
        response_size=_spread([minute.response for minute in minutes]),
    )


def _spread(sums: Sequence[Sums]) -> Spread | None:
    some = [one for one in sums if one.count]
    if not some:
        return None
    count = sum(one.count for one in some)
    average = sum(one.total for one in some) / count
    deviation = sqrt(max(0.0, sum(one.squares for one in some) / count - average * average))
    return Spread(min(one.least for one in some), average, max(one.most for one in some), deviation)
