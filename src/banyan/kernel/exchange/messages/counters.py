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

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
OTHER: Final = "other"
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


class Counters:
    """Of all calls since the start."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[Pair, str]] = Counter()
        """By pair and status class: `2xx`, `fault`, `none`."""
        self.request_bytes: Counter[Pair] = Counter()
        self.response_bytes: Counter[Pair] = Counter()
        self.faults: Counter[tuple[Role, str]] = Counter()
        self.seconds: dict[tuple[Role, str], Histogram] = {}
        self._pairs: set[Pair] = set()

    def add(self, timing: Timing) -> None:
        pair = self._pair(timing)
        self.calls[pair, _class(timing)] += 1
        self.request_bytes[pair] += timing.request_size
        self.response_bytes[pair] += timing.response_size
        histogram = self.seconds.get((pair[0], pair[2]))
        if histogram is None:
            histogram = self.seconds[pair[0], pair[2]] = Histogram()
        histogram.add(duration_of(timing) / 1_000)
        if timing.fault:
            code = (timing.role, timing.fault)
            is_known = code in self.faults or len(self.faults) < MONITOR_CODES
            self.faults[code if is_known else (timing.role, OTHER)] += 1

    def _pair(self, timing: Timing) -> Pair:
        pair = (timing.role, named(timing.client), named(timing.service))
        if pair in self._pairs:
            return pair
        if len(self._pairs) >= MONITOR_PAIRS:
            return (timing.role, OTHER, OTHER)
        self._pairs.add(pair)
        return pair


def prometheus(counters: Counters, gauges: Iterable[tuple[str, str, float]] = ()) -> str:
    """The text of `/metrics`. `gauges`: (name, help, value)."""
    lines = _family("banyan_road_calls_total", "counter", "Calls by who asked, what, and how it ended.")
    lines += [
        f"banyan_road_calls_total{_labels(*pair, ended=ended)} {count}"
        for (pair, ended), count in sorted(counters.calls.items())
    ]
    for name, help_, counts in (
        ("banyan_road_request_bytes_total", "Bytes of request bodies.", counters.request_bytes),
        ("banyan_road_response_bytes_total", "Bytes of answer bodies.", counters.response_bytes),
    ):
        lines += _family(name, "counter", help_)
        lines += [f"{name}{_labels(*pair)} {count}" for pair, count in sorted(counts.items())]
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
    return f"{timing.status // 100}xx" if timing.status else "none"


def _family(name: str, kind: str, help_: str) -> list[str]:
    return [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]


def _labels(role: str, client: str, service: str, ended: str = "") -> str:
    more = f',ended="{ended}"' if ended else ""
    return f'{{role="{role}",client="{_escaped(client)}",service="{_escaped(service)}"{more}}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
