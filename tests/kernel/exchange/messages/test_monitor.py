"""Operational monitoring: records by the field's schema, figures for Prometheus, traces for a collector."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
import yaml
from tests.kernel.exchange.messages.house import BORDER, HOSPITAL, Clock, Held
from tests.make import shared_data

from banyan.errors import Denied, Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.messages.counters import OTHER, Counters, prometheus
from banyan.kernel.exchange.messages.monitor import Observer, keep_observing
from banyan.kernel.exchange.messages.monitor_pages import MonitorPages
from banyan.kernel.exchange.messages.opening import PACKAGE
from banyan.kernel.exchange.messages.operation import noted, operation_of
from banyan.kernel.exchange.messages.telemetry import Telemetry, http_post, span_of, trace_of
from banyan.kernel.exchange.road.model import Request, Response, Timing
from banyan.kernel.exchange.road.pages import Pages
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.store import SchemaStore, Store
from banyan.limits_road import MONITOR_PAIRS, MONITOR_PERIOD_S, MONITOR_WAITING, TELEMETRY_SPANS
from banyan.wire.xroad.operations import FIELDS

START = 1_800_000_000
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="(\\.|[^"\\\n])*"(,[a-z]+="(\\.|[^"\\\n])*")*\})? [0-9.e+-]+')


def a_timing(number: int = 1, **changes: Any) -> Timing:
    made = Timing(
        role="provider",
        call_id=f"00000000-0000-4000-8000-{number:012}",
        message_id=f"TW-{number}",
        client=HOSPITAL,
        service=BORDER,
        method="GET",
        path="/people/A123456789",
        request_in=START * 1_000,
        request_out=START * 1_000 + 2,
        response_in=START * 1_000 + 30,
        response_out=START * 1_000 + 40,
        request_size=100,
        response_size=2_000,
        status=200,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture
def store(open_store: Callable[[], SchemaStore]) -> Store:
    opened = open_store()
    migrate(opened, PACKAGE, load_steps(PACKAGE), at=0.0)
    return opened


def checked_record(record: dict[str, Any]) -> None:
    """Against the field's own schema, by hand: names, kinds, bounds."""
    path = shared_data("exchange/xroad/opmon/query_operational_data_response_payload_schema.yaml")
    properties = yaml.safe_load(path.read_text(encoding="utf-8"))["properties"]["records"]["items"]["properties"]
    kinds = {"integer": int, "string": str, "boolean": bool}
    for name, value in record.items():
        assert name in FIELDS, name
        known = properties.get(name, {"type": "string", "maxLength": 255})  # xRequestId came with a later release
        assert type(value) is kinds[known["type"]], name
        assert value in known.get("enum", [value])
        if isinstance(value, str):
            assert len(value) <= known.get("maxLength", 255), name
        elif type(value) is int:
            assert value >= known.get("minimum", 0)


@pytest.mark.parametrize(
    "timing",
    [
        a_timing(),
        a_timing(role="client", fault="Server.ClientProxy.NetworkError", status=0, response_in=0, response_size=0),
        a_timing(client=HOSPITAL.owner, message_id="x" * 4_000, method="DELETE", status=404),
    ],
)
def test_a_record_is_one_of_the_fields_schema(timing: Timing) -> None:
    record = operation_of(noted(timing), START)
    checked_record(record)
    assert record["securityServerType"] == ("Client" if timing.role == "client" else "Producer")
    assert record["succeeded"] is (not timing.fault)
    assert record.get("faultCode", "") == timing.fault
    assert ("clientSubsystemCode" in record) == bool(timing.client.subsystem)
    assert "A123456789" not in str(record), "a path may name a person"


def test_records_come_in_whole_seconds_by_who_took_part(store: Store) -> None:
    async def story() -> None:
        clock = Clock(START)
        observer = Observer(store, clock=clock)
        other = msgspec.structs.replace(HOSPITAL, subsystem="pharmacy")
        for second in range(5):
            clock.now = START + second
            for number in range(4):
                observer.note(a_timing(second * 4 + number, client=other if number == 3 else HOSPITAL))
            await observer.settle()
        everything = await observer.records(START, START + 9, None, 100)
        assert len(everything.rows) == 20
        assert everything.next_from == 0
        assert [row["messageId"] for row in everything.rows] == [f"TW-{number}" for number in range(20)]
        some = await observer.records(START, START + 9, None, 10)
        assert (len(some.rows), some.next_from) == (8, START + 2)
        rest = await observer.records(some.next_from, START + 9, None, 100)
        assert len(rest.rows) == 12
        one = await observer.records(START, START + 9, None, 3)
        assert (len(one.rows), one.next_from) == (4, START + 1), "a second that alone has more comes whole"
        assert len((await observer.records(START, START + 9, other, 100)).rows) == 5
        assert len((await observer.records(START, START + 9, BORDER.provider, 100)).rows) == 20
        assert len((await observer.records(START + 1, START + 2, None, 100)).rows) == 8
        assert (await observer.records(START, START + 9, HOSPITAL.owner, 100)).rows == []

    asyncio.run(story())


def test_health_of_a_service_over_the_last_period(store: Store) -> None:
    async def story() -> None:
        clock = Clock(START)
        observer = Observer(store, clock=clock)
        observer.note(a_timing(1, response_out=START * 1_000 + 100))
        await observer.settle()
        clock.now += MONITOR_PERIOD_S + 1
        later = int(clock.now * 1_000)
        for number, duration in enumerate((10, 20, 60)):
            observer.note(a_timing(number, request_in=later, response_out=later + duration, request_size=number))
        observer.note(a_timing(9, request_in=later, response_out=later + 5, fault="Server.ServerProxy.NetworkError"))
        observer.note(a_timing(9, role="client"))
        (one,) = (await observer.health(None)).services
        assert (one.service, one.good, one.bad) == (BORDER, 3, 1)
        assert (one.last_good, one.last_bad) == (later + 60, later + 5)
        assert one.duration is not None
        assert (one.duration.least, one.duration.average, one.duration.most) == (10, 30.0, 60)
        assert one.duration.deviation == pytest.approx(21.602, abs=0.001)
        assert one.request_size is not None
        assert one.request_size.most == 2
        clock.now += MONITOR_PERIOD_S + 1
        (quiet,) = (await observer.health(BORDER.provider)).services
        assert (quiet.good, quiet.duration, quiet.last_good) == (0, None, later + 60)
        assert (await observer.health(HOSPITAL)).services == []

    asyncio.run(story())


def test_the_oldest_records_go(store: Store) -> None:
    async def story() -> None:
        clock = Clock(START)
        observer = Observer(store, clock=clock, most=10)
        for number in range(25):
            observer.note(a_timing(number))
            await observer.settle()
        await observer.prune()
        observer = Observer(store, clock=clock, most=10)
        observer.note(a_timing(25))
        await observer.settle()
        await observer.prune()
        kept = await observer.records(0, START + 9, None, 100)
        assert [row["messageId"] for row in kept.rows] == [f"TW-{number}" for number in range(16, 26)]
        clock.now += 8 * 86_400
        await observer.prune()
        assert (await observer.records(0, START + 9, None, 100)).rows == []

    asyncio.run(story())


def test_prometheus_text_has_every_family_once_and_only_sound_lines(store: Store) -> None:
    async def story() -> None:
        observer = Observer(store, clock=Clock(START), gauges=lambda: [("banyan_log_entries", "Entries.", 42.0)])
        hostile = msgspec.structs.replace(HOSPITAL, member='a"b\\c\nd')
        for number, timing in enumerate((a_timing(), a_timing(client=hostile), a_timing(fault="A.B", status=500))):
            observer.note(msgspec.structs.replace(timing, response_out=START * 1_000 + 10 ** (number + 1)))
        text = await observer.metrics()
        lines = text.splitlines()
        for line in lines:
            assert line.startswith("# ") or SAMPLE.fullmatch(line), line
        types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
        assert len(types) == len(set(types)) == 7
        labels = 'role="provider",client="TW/GOV/NHI/hospital",service="TW/GOV/NIA/border/travel"'
        assert f'banyan_road_calls_total{{{labels},ended="2xx"}} 1' in lines
        assert f'banyan_road_calls_total{{{labels},ended="fault"}} 1' in lines
        assert 'banyan_road_faults_total{role="provider",code="A.B"} 1' in lines
        buckets = [int(line.split()[-1]) for line in lines if "_bucket{" in line]
        assert buckets == sorted(buckets)
        assert buckets[-1] == 3
        assert "banyan_log_entries 42" in lines
        assert "A123456789" not in text

    asyncio.run(story())


def test_as_many_series_as_are_allowed() -> None:
    counters = Counters()
    for number in range(MONITOR_PAIRS + 100):
        client = msgspec.structs.replace(HOSPITAL, subsystem=f"s{number}")
        counters.add(a_timing(client=client, fault=f"F.{number}"))
    assert len(counters.pairs) == MONITOR_PAIRS + 1
    assert counters.pairs["provider", OTHER, OTHER].ended == {"fault": 100}
    assert len(prometheus(counters).splitlines()) < 4 * MONITOR_PAIRS


def test_a_call_is_noted_without_a_loop_and_a_flood_is_counted(store: Store) -> None:
    observer = Observer(store, clock=Clock(START))
    for number in range(MONITOR_WAITING + 7):
        observer.note(a_timing(number))
    assert observer.lost == 7


class Collector:
    """Takes what is sent to it; `status` is its answer."""

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, Any]]] = []
        self.status = 200


@asynccontextmanager
async def a_collector() -> AsyncIterator[tuple[str, Collector]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/json"
            collector.came.append((self.path, msgspec.json.decode(body)))
            self.send_response(collector.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", collector
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


def test_calls_go_to_a_collector_as_one_trace_of_both_gateways(store: Store) -> None:
    async def story() -> None:
        async with a_collector() as (url, collector):
            telemetry = Telemetry("TW/GOV/NIA/gw1", http_post(url), clock=Clock(START))
            observer = Observer(store, clock=Clock(START), telemetry=telemetry)
            observer.note(a_timing(5))
            observer.note(a_timing(5, role="client"))
            assert await observer.export()
            (path, traces), (other, _) = collector.came
            assert (path, other) == ("/v1/traces", "/v1/metrics")
            server, client = traces["resourceSpans"][0]["scopeSpans"][0]["spans"]
            assert server["traceId"] == client["traceId"] == "00000000000040008000000000000005"
            assert server["parentSpanId"] == client["spanId"]
            assert (server["kind"], client["kind"]) == (2, 3)
            assert "A123456789" not in str(traces)
            collector.status = 503
            observer.note(a_timing(6))
            assert not await observer.export()
            assert telemetry.dropped == 1
        observer.note(a_timing(7))
        assert not await observer.export(), "nobody there"
        assert telemetry.dropped == 2

    asyncio.run(story())


def test_spans_that_wait_are_bounded_and_a_share_is_chosen_alike() -> None:
    async def never(path: str, body: bytes) -> bool:
        return True

    telemetry = Telemetry("x", never, clock=Clock(START))
    for number in range(TELEMETRY_SPANS + 3):
        telemetry.add(a_timing(number))
    assert telemetry.dropped == 3
    half = [Telemetry("x", never, clock=Clock(START), share=0.5) for _ in range(2)]
    for number in range(200):
        for one, role in zip(half, ("client", "provider"), strict=True):
            one.add(a_timing(call_id=trace_of(f"call {number}"), role=role))
    chosen = [{span.trace for span in one._spans} for one in half]
    assert chosen[0] == chosen[1]
    assert 60 < len(chosen[0]) < 140
    with pytest.raises(Invalid):
        http_post("collector:4318")


def test_ids_of_any_text_and_times_that_run_back() -> None:
    for text in ("", "not a uuid", "0" * 32, "é" * 40, "\ud800"):
        assert re.fullmatch("[0-9a-f]{32}", trace_of(text))
    assert trace_of("0" * 32) != "0" * 32
    span = span_of(a_timing(response_out=0), trace_of("x"))
    assert span.end == span.start


def test_it_observes_by_itself_until_the_end(store: Store) -> None:
    async def story() -> None:
        observer = Observer(store, clock=Clock(START))
        running = asyncio.ensure_future(keep_observing(observer, tell=lambda what, values: None, every_s=3_600.0))
        await asyncio.sleep(0)
        observer.note(a_timing())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len(observer.counters.pairs) == 1

    asyncio.run(story())


def test_the_clock_is_the_callers(store: Store) -> None:
    async def story() -> None:
        observer = Observer(store, clock=lambda: EpochS(77.9))
        observer.note(a_timing())
        (row,) = (await observer.records(77, 77, None, 5)).rows
        assert row["monitoringDataTs"] == 77

    asyncio.run(story())


def test_pages_for_the_operator_and_nobody_else(store: Store) -> None:
    async def story() -> None:
        observer = Observer(store, clock=Clock(START))
        observer.note(a_timing())
        shut, pages = Pages(), Pages()
        MonitorPages(observer).place(shut)
        MonitorPages(observer, lambda request: request.is_tls).place(pages)

        async def get(target: bytes, among: Pages = pages, verb: str = "GET", is_tls: bool = True) -> Response:
            placed = among.find("edge", target)
            assert placed is not None
            return await placed.page(Request(verb, target, (), Held(b""), is_tls=is_tls))

        for target in (b"/metrics", b"/monitor/records"):
            for refused in (get(target, shut), get(target, is_tls=False)):
                with pytest.raises(Denied):
                    await refused
            with pytest.raises(Invalid):
                await get(target, verb="POST")
        assert b"banyan_road_calls_total" in (await get(b"/metrics")).body
        body = (await get(b"/monitor/records?from=%d&to=%d" % (START, START))).body
        assert isinstance(body, bytes)
        told = msgspec.json.decode(body)
        checked_record(told["records"][0])
        assert told["next_from"] == 0
        none = (await get(b"/monitor/records?client=TW/GOV/MOI/x")).body
        assert none == b'{"records":[],"next_from":0}'
        for wrong in (b"from=x", b"to=-1", b"client=TW", b"from=%d" % 10**13, b"x&" * 31):
            with pytest.raises(Invalid):
                await get(b"/monitor/records?" + wrong)

    asyncio.run(story())
