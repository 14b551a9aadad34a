"""OpenTelemetry's protocol over HTTP as JSON: spans, sums and histograms; values in, bytes out.

Source: opentelemetry-proto 1.x (trace/v1, metrics/v1), "OTLP/HTTP JSON": lower camel case, ids in hexadecimal, 64-bit
numbers as text, enumerations as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

JSON: Final = "application/json"
TRACES: Final = "/v1/traces"
METRICS: Final = "/v1/metrics"
_CUMULATIVE: Final = 2
_KINDS: Final = {"server": 2, "client": 3}
_ERROR: Final = 2
Scalar = str | int | float | bool


class Span(msgspec.Struct, frozen=True, gc=False):
    """Work of one process. Ids in hexadecimal: 32 and 16 digits; times in nanoseconds since the epoch."""

    trace: str
    id: str
    name: str
    kind: Literal["server", "client"]
    start: int
    end: int
    parent: str = ""
    attributes: Mapping[str, Scalar] = {}
    error: str = ""
    """What kind of error; empty: none."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """A number under its attributes; with `bounds` a histogram: `counts` has one more than they are."""

    attributes: Mapping[str, Scalar]
    value: float
    """Of a histogram the sum of all values."""
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class Metric(msgspec.Struct, frozen=True):
    """A counter since the start, or a histogram. `unit` by UCUM: `s`, `By`, `{call}`."""

    name: str
    unit: str
    description: str
    points: Sequence[Point]


def encode_spans(spans: Sequence[Span], resource: Mapping[str, Scalar], scope: str) -> bytes:
    """The body of `POST /v1/traces`."""
    listed = [_span(one) for one in spans]
    whole = {"resource": _resource(resource), "scopeSpans": [{"scope": {"name": scope}, "spans": listed}]}
    return msgspec.json.encode({"resourceSpans": [whole]})


def encode_metrics(
    metrics: Sequence[Metric], resource: Mapping[str, Scalar], scope: str, *, start: int, now: int
) -> bytes:
    """The body of `POST /v1/metrics`; all cumulative from `start` to `now`, nanoseconds."""
    times = {"startTimeUnixNano": str(start), "timeUnixNano": str(now)}
    listed = [_metric(one, times) for one in metrics]
    whole = {"resource": _resource(resource), "scopeMetrics": [{"scope": {"name": scope}, "metrics": listed}]}
    return msgspec.json.encode({"resourceMetrics": [whole]})


def _span(one: Span) -> dict[str, Any]:
    told: dict[str, Any] = {
        "traceId": one.trace,
        "spanId": one.id,
        "name": one.name,
        "kind": _KINDS[one.kind],
        "startTimeUnixNano": str(one.start),
        "endTimeUnixNano": str(one.end),
        "attributes": _attributes(one.attributes),
    }
    if one.parent:
        told["parentSpanId"] = one.parent
    if one.error:
        told["status"] = {"code": _ERROR, "message": one.error}
    return told


def _metric(one: Metric, times: Mapping[str, str]) -> dict[str, Any]:
    points = [_point(point, times) for point in one.points]
    is_histogram = any(point.bounds for point in one.points)
    data: dict[str, Any] = {"dataPoints": points, "aggregationTemporality": _CUMULATIVE}
    if not is_histogram:
        data["isMonotonic"] = True
    kind = "histogram" if is_histogram else "sum"
    return {"name": one.name, "unit": one.unit, "description": one.description, kind: data}


def _point(one: Point, times: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"attributes": _attributes(one.attributes), **times}
    if not one.bounds:
        value = {"asInt": str(int(one.value))} if float(one.value).is_integer() else {"asDouble": one.value}
        return told | value
    assert len(one.counts) == len(one.bounds) + 1, "one bucket more than bounds"
    buckets = {"bucketCounts": [str(count) for count in one.counts], "explicitBounds": list(one.bounds)}
    return {**told, "count": str(sum(one.counts)), "sum": one.value, **buckets}


def _resource(attributes: Mapping[str, Scalar]) -> dict[str, Any]:
    return {"attributes": _attributes(attributes)}


def _attributes(values: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Scalar) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
