"""Counters and histograms of calls, and their text for Prometheus. As many series as MONITOR_PAIRS lets be.

Labels are agencies, services, roles, outcomes, status classes and fault codes: never a person, a path or a message.
Source: Prometheus text exposition format 0.0.4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from banyan.kernel.exchange.messages.operation import duration_of
from banyan.kernel.exchange.messages.record import named
from banyan.kernel.exchange.road.model import Role, Timing
from banyan.limits_road import MONITOR_CODES, MONITOR_PAIRS
from banyan.wire.xroad.identifiers import ClientId, ServiceId

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OTHER: Final = "other"
_CLASSES: Final = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}
Pair = tuple[Role, str, str]
"""Role, client, service."""


class Histogram:
    """Seconds, in the buckets of BOUNDS_S and one above."""

    __slots__ = ("buckets", "count", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.count, self.total = 0, 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.count += 1
        self.total += seconds


class Figures:
    """Of one pair. `ended` by status class: `2xx`, `fault`, `none`."""

    __slots__ = ("ended", "request_bytes", "response_bytes", "seconds")

    def __init__(self, seconds: Histogram) -> None:
        self.ended: dict[str, int] = {}
        self.request_bytes = self.response_bytes = 0
        self.seconds = seconds


class Counters:
    """Of all calls since the start."""

    def __init__(self) -> None:
        self.pairs: dict[Pair, Figures] = {}
        self.faults: Counter[tuple[Role, str]] = Counter()
        self.seconds: dict[tuple[Role, str], Histogram] = {}
        self._known: dict[tuple[Role, ClientId, ServiceId], Figures] = {}

    def add(self, timing: Timing) -> None:
        figures = self._known.get((timing.role, timing.client, timing.service)) or self._new(timing)
        ended = _class(timing)
        figures.ended[ended] = figures.ended.get(ended, 0) + 1
        figures.request_bytes += timing.request_size
        figures.response_bytes += timing.response_size
        figures.seconds.add(duration_of(timing) / 1_000)
        if timing.fault:
            code = (timing.role, timing.fault)
            is_known = code in self.faults or len(self.faults) < MONITOR_CODES
            self.faults[code if is_known else (timing.role, OTHER)] += 1

    def _new(self, timing: Timing) -> Figures:
        """The figures of a pair seen first; beyond MONITOR_PAIRS those of all others together."""
        role = timing.role
        if len(self._known) < MONITOR_PAIRS:
            pair: Pair = (role, named(timing.client), named(timing.service))
            return self._known.setdefault((role, timing.client, timing.service), self._figures(pair))
        return self.pairs.get((role, OTHER, OTHER)) or self._figures((role, OTHER, OTHER))

    def _figures(self, pair: Pair) -> Figures:
        seconds = self.seconds.setdefault((pair[0], pair[2]), Histogram())
        return self.pairs.setdefault(pair, Figures(seconds))


def prometheus(counters: Counters, gauges: Iterable[tuple[str, str, float]] = ()) -> str:
    """The text of `/metrics`. `gauges`: (name, help, value)."""
    lines = _family("banyan_road_calls_total", "counter", "Calls by who asked, what, and how it ended.")
    pairs = sorted(counters.pairs.items())
    for pair, figures in pairs:
        lines += [
            f"banyan_road_calls_total{_labels(*pair, ended=ended)} {count}"
            for ended, count in sorted(figures.ended.items())
        ]
    lines += _family("banyan_road_request_bytes_total", "counter", "Bytes of request bodies.")
    lines += [f"banyan_road_request_bytes_total{_labels(*pair)} {one.request_bytes}" for pair, one in pairs]
    lines += _family("banyan_road_response_bytes_total", "counter", "Bytes of answer bodies.")
    lines += [f"banyan_road_response_bytes_total{_labels(*pair)} {one.response_bytes}" for pair, one in pairs]
    lines += _family("banyan_road_faults_total", "counter", "Faults of the road by code.")
    lines += [
        f'banyan_road_faults_total{{role="{role}",code="{_escaped(code)}"}} {count}'
        for (role, code), count in sorted(counters.faults.items())
    ]
    lines += _family("banyan_road_call_seconds", "histogram", "How long calls were at this gateway.")
    for (role, service), histogram in sorted(counters.seconds.items()):
        lines += _histogram(f'role="{role}",service="{_escaped(service)}"', histogram)
    for name, help_, value in gauges:
        lines += [*_family(name, "gauge", help_), f"{name} {value:g}"]
    return "\n".join(lines) + "\n"


def _histogram(labels: str, histogram: Histogram) -> list[str]:
    lines, below = [], 0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), histogram.buckets, strict=True):
        below += count
        lines.append(f'banyan_road_call_seconds_bucket{{{labels},le="{bound}"}} {below}')
    lines.append(f"banyan_road_call_seconds_sum{{{labels}}} {histogram.total:.6f}")
    lines.append(f"banyan_road_call_seconds_count{{{labels}}} {histogram.count}")
    return lines


def _class(timing: Timing) -> str:
    if timing.fault:
        return "fault"
    return _CLASSES.get(timing.status // 100, "none")


def _family(name: str, kind: str, help_: str) -> list[str]:
    return [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]


def _labels(role: str, client: str, service: str, ended: str = "") -> str:
    more = f',ended="{ended}"' if ended else ""
    return f'{{role="{role}",client="{_escaped(client)}",service="{_escaped(service)}"{more}}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
