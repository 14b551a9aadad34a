"""What we send to a collector, read by OpenTelemetry's own schema (opentelemetry-proto, in the peers' environment)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.make import missing

from banyan.wire.otlp import Metric, Point, Span, encode_metrics, encode_spans

PYTHON = Path(__file__).parents[2] / ".venv-peers/bin/python"
CHECK = """
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = ("traceId", "spanId", "parentSpanId")

def plain(value):
    # OTLP says ids in hexadecimal; protobuf's own JSON reads bytes as base64. Everything else is as it came.
    if isinstance(value, dict):
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in IDS else plain(v) for k, v in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value

spans, metrics = (plain(json.loads(line)) for line in sys.stdin)
traces = json_format.ParseDict(spans, ExportTraceServiceRequest())
figures = json_format.ParseDict(metrics, ExportMetricsServiceRequest())
span = traces.resource_spans[0].scope_spans[0].spans[1]
told = [span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind, span.status.code]
told += [span.start_time_unix_nano, span.end_time_unix_nano, span.attributes[1].value.int_value]
told += [traces.resource_spans[0].resource.attributes[0].value.string_value]
total, histogram = figures.resource_metrics[0].scope_metrics[0].metrics
point = histogram.histogram.data_points[0]
told += [total.sum.is_monotonic, total.sum.aggregation_temporality, total.sum.data_points[0].as_int]
told += [point.count, point.sum, list(point.bucket_counts), list(point.explicit_bounds), point.time_unix_nano]
print(json.dumps(told))
"""
TRACE = "0123456789abcdef0123456789abcdef"
SPANS = [
    Span(TRACE, "aaaaaaaaaaaaaaaa", "GET a", "client", 1, 2),
    Span(
        TRACE,
        "bbbbbbbbbbbbbbbb",
        "GET 旅遊",
        "server",
        1_800_000_000_000_000_001,
        1_800_000_000_500_000_000,
        "aaaaaaaaaaaaaaaa",
        {"http.request.method": "GET", "http.request.body.size": 2**40, "ok": True, "share": 0.5},
        "Server.ServerProxy.AccessDenied",
    ),
]
METRICS = [
    Metric("banyan.road.calls", "{call}", "Calls.", [Point({"role": "client"}, 7)]),
    Metric("banyan.road.call.duration", "s", "How long.", [Point({}, 1.25, (0.1, 1.0), (1, 2, 3))]),
]


@pytest.mark.peers
def test_a_collector_reads_spans_and_figures() -> None:
    if not PYTHON.exists():
        missing("run ./banyan test, which sets up .venv-peers")
    spans = encode_spans(SPANS, {"service.name": "banyan-gateway"}, "banyan.road")
    figures = encode_metrics(METRICS, {"service.name": "banyan-gateway"}, "banyan.road", start=5, now=9)
    done = subprocess.run(
        [PYTHON, "-c", CHECK], input=spans + b"\n" + figures, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == [
        TRACE, "bbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaa", "GET 旅遊", 2, 2,
        1_800_000_000_000_000_001, 1_800_000_000_500_000_000, 2**40,
        "banyan-gateway",
        True, 2, 7,
        6, 1.25, [1, 2, 3], [0.1, 1.0], 9,
    ]  # fmt: skip


def test_numbers_of_64_bits_are_text() -> None:
    (span,) = json.loads(encode_spans(SPANS[1:], {}, "x"))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert span["startTimeUnixNano"] == "1800000000000000001"
    assert span["attributes"][1] == {"key": "http.request.body.size", "value": {"intValue": str(2**40)}}
    assert span["attributes"][2] == {"key": "ok", "value": {"boolValue": True}}
