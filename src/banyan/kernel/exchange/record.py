"""The access record: one JSON line a request, counters and histograms, Prometheus text. About 3 us a request.

A line holds the route's template, never the path; no query, no input, no person. `caller` is a kind.
Source of the text format: Prometheus exposition format 0.0.4.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from banyan.kernel.ledger.usage import Use
from banyan.limits import ACCESS_BUFFER_LINES, ACCESS_FLUSH_S, LOG_FILE_BYTES, LOG_FILES, ROUTES_MEASURED

BUCKETS_US: Final = (250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000, 10_000_000)


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request. `us` is the time in the door, in microseconds; `at` is in epoch seconds."""

    at: float
    member: str
    method: str
    route: str
    status: int
    us: int
    bytes: int
    channel: str
    caller: str
    op: str = ""
    basis: str = ""
    trace: str = ""


class _Series(msgspec.Struct):
    """One route and method: answers by status, and a histogram of times."""

    statuses: Counter[int]
    times: list[int]
    total_us: int = 0


class AccessRecord:
    """Counts every request and writes its line through `write`, in batches."""

    def __init__(self, write: Callable[[bytes], None] | None = None) -> None:
        self._write = write
        self._lines: list[Access] = []
        self._encode = msgspec.json.Encoder().encode_lines
        self._series: dict[tuple[str, str], _Series] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, access: Access) -> None:
        key = (access.route, access.method)
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= ROUTES_MEASURED:
                key = ("", "OTHER")
            series = self._series.setdefault(key, _Series(Counter(), [0] * (len(BUCKETS_US) + 1)))
        series.statuses[access.status] += 1
        series.times[bisect_left(BUCKETS_US, access.us)] += 1
        series.total_us += access.us
        if self._write is not None:
            self._lines.append(access)
            if len(self._lines) >= ACCESS_BUFFER_LINES:
                self.flush()
            elif self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(ACCESS_FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what is buffered; also at the end of the node."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines and self._write is not None:
            self._write(self._encode(self._lines))
            self._lines.clear()

    def metrics(self, gauges: Mapping[str, float], uses: Mapping[Use, int]) -> bytes:
        """Prometheus text of requests, uses of operations, and the given gauges."""
        lines = ["# TYPE banyan_requests_total counter", "# TYPE banyan_request_seconds histogram"]
        for (route, method), series in sorted(self._series.items()):
            lines.extend(_series_lines(f'route="{_label(route)}",method="{_label(method)}"', series))
        lines.append("# TYPE banyan_operation_uses_total counter")
        lines.extend(_use_lines(uses))
        for name, value in gauges.items():
            lines += [f"# TYPE banyan_{name} gauge", f"banyan_{name} {value:g}"]
        return "\n".join([*lines, ""]).encode()


def _series_lines(labels: str, series: _Series) -> Iterable[str]:
    for status, number in sorted(series.statuses.items()):
        yield f'banyan_requests_total{{{labels},status="{status}"}} {number}'
    total = 0
    for bound, number in zip((*BUCKETS_US, 0), series.times, strict=True):
        total += number
        edge = f"{bound / 1e6:g}" if bound else "+Inf"
        yield f'banyan_request_seconds_bucket{{{labels},le="{edge}"}} {total}'
    yield f"banyan_request_seconds_sum{{{labels}}} {series.total_us / 1e6:.6f}"
    yield f"banyan_request_seconds_count{{{labels}}} {total}"


def _use_lines(uses: Mapping[Use, int]) -> Iterable[str]:
    for use, number in uses.items():
        labels = (
            f'operation="{use.operation}",channel="{_label(use.channel)}",basis="{use.basis}",outcome="{use.outcome}"'
        )
        yield f"banyan_operation_uses_total{{{labels}}} {number}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class LogFile:
    """A log file that rotates by size: `NAME`, then `NAME.1` … `NAME.N`, newest first."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")

    def write(self, lines: bytes) -> None:
        if self._file.tell() + len(lines) > LOG_FILE_BYTES:
            self._rotate()
        self._file.write(lines)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(LOG_FILES - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("ab")
