"""The operator's own tools at a node's gateway: Prometheus reads it with its token, a collector is sent its calls."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.demo.federation.nation import a_nation, ask
from tests.demo.federation.test_hosting import ASKED, FLAG
from tests.make import NOW

from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS

TOKEN = "of-the-operator"


def clock() -> EpochS:
    return EpochS(NOW)


@contextmanager
def a_collector() -> Iterator[tuple[str, list[tuple[str, object]]]]:
    """Its address, and what came to it: (path, document)."""
    came: list[tuple[str, object]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join()


def test_prometheus_reads_with_the_token_only_and_a_collector_is_sent_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(address: str) -> None:
        async with a_nation(tmp_path, clock, telemetry=address) as (_, road):
            assert (await ask(road, "POST", FLAG, ASKED, X_Banyan_Purpose="012")).status == 200
            for refused in ({}, {"Authorization": "Bearer of-another"}, {"Authorization": TOKEN}):
                assert (await ask(road, "GET", "/metrics", **refused)).status == 403
            text = (await ask(road, "GET", "/metrics", Authorization=f"Bearer {TOKEN}")).body.decode()
            assert 'client="TW/MED/H1/emergency"' in text
            for name in ("banyan_log_entries", "banyan_log_waiting"):
                assert f"\n{name} " in text
            assert "admission" in text
            records = await ask(road, "GET", "/monitor/records", Authorization=f"Bearer {TOKEN}")
            assert {one["clientMemberCode"] for one in records.json["records"]} >= {"H1"}
            assert await road.observer.export()

    monkeypatch.setenv("BANYAN_ROAD_METRICS", TOKEN)
    with a_collector() as (address, came):
        asyncio.run(story(address))
    assert {path for path, _ in came} == {"/v1/traces", "/v1/metrics"}
    assert b"TW/MED/H1/emergency" in msgspec.json.encode(came)


def test_without_a_token_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, clock) as (_, road):
            for said in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
                assert (await ask(road, "GET", "/metrics", **said)).status == 403

    monkeypatch.delenv("BANYAN_ROAD_METRICS", raising=False)
    asyncio.run(story())


def test_an_address_that_is_none_stops_the_start_with_its_name(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, clock, telemetry="collector:4318"):
            raise AssertionError("it started")

    with pytest.raises(Invalid, match="telemetry"):
        asyncio.run(story())
