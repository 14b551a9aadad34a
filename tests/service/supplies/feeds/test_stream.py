"""Crowds on loopback: every reader of the stream ends where the board is, and at what price in bytes."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvicorn
import uvloop
from tests.make import Node, a_node, shared_data
from tests.service.supplies.feeds.make import kept, read, truth
from tests.service.supplies.feeds.reader import Reader
from tests.service.supplies.feeds.series import day
from tests.service.supplies.make import EVENTS, a_tick

from banyan.kernel.exchange.server import allow_connections, server_config
from banyan.service.supplies.feeds.deltas import Delta
from banyan.service.supplies.feeds.following import feeds_of
from banyan.service.supplies.feeds.pack import Pack
from banyan.service.supplies.model import BoardEvent
from banyan.service.supplies.parts import SERVICE

ROOT = Path(__file__).parents[4]
POLL_S = 30.0


@contextmanager
def many_files() -> Iterator[None]:
    """As many open files as the server asks for at its start."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_connections()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[int]:
    """The node behind our server on a loopback port, in this loop."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_config(node.app))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:  # uvicorn tells it in no other way
                await asyncio.sleep(0.005)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await running


class Crowded(msgspec.Struct):
    """What became of a crowd: `seconds` by event from its commit until nobody waits for its bytes."""

    pack: Pack
    end: Any
    said: dict[str, Any]
    spread_s: list[float]


async def crowd(node: Node, events: Sequence[BoardEvent], *, clients: int, leavers: int) -> Crowded:
    """Let `clients` read while `events` happen, each when the one before has been sent to all."""
    feeds, pack = feeds_of(node.drawers["supplies"]), await read(node, "/api/supplies/pack", Pack)
    async with served(node) as port:
        numbers = (port, clients, pack.seq, pack.seq + len(events), leavers)
        command = [sys.executable, "-m", "tests.service.supplies.feeds.crowd", *map(str, numbers)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=1 << 28
        )
        try:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
            await until(lambda: feeds.readers >= clients)
            spread = []
            for event in events:
                before, started = feeds.sent, time.perf_counter()
                await kept(node).commit(event)
                await until(lambda before=before: feeds.sent >= before + clients - leavers)
                spread.append(time.perf_counter() - started)
            said = json.loads(await process.stdout.readline())
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
        await until(lambda: feeds.readers == 0)
    return Crowded(pack, truth(kept(node).board), said, spread)


async def until(check: Any) -> None:
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.002)


def on_crowd(
    folder: Path, first: Sequence[BoardEvent], events: Sequence[BoardEvent], *, clients: int, leavers: int
) -> Crowded:
    async def run() -> Crowded:
        async with a_node(folder, [SERVICE]) as node:
            for event in first:
                await kept(node).commit(event)
            return await crowd(node, events, clients=clients, leavers=leavers)

    with many_files(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def ends(result: Crowded, clients: int) -> int:
    """Check that every client is where the board is; the number of different ways they went."""
    assert result.said["late"] == 0, f"{result.said['late']} clients did not reach the end"
    deltas = [msgspec.json.decode(event.split("data: ", 1)[1], type=Delta) for event in result.said["events"]]
    assert sum(count for _, count in result.said["paths"]) == clients
    for path, _ in result.said["paths"]:
        reader = Reader.of(result.pack)
        for place in path:
            reader.take(deltas[place])
        assert reader.rows() == result.end
    return len(result.said["paths"])


def test_two_hundred_readers_converge_and_leavers_resume(tmp_path: Path) -> None:
    events = [a_tick([("0145080011", 200 - 9 * step, 50)], at=1_581_642_400.0 + 30 * step) for step in range(6)]
    result = on_crowd(tmp_path, EVENTS, events, clients=200, leavers=20)
    assert ends(result, 200) >= 1


@pytest.mark.slow
def test_two_thousand_readers_of_a_real_hour_converge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """9 February 2020, 13:51 to 14:13, looks 1 to 7 minutes apart; what each way costs a reader is printed."""
    whole = day("2020-02-09")
    first, events = whole[:7], whole[7:15]
    minutes = (events[-1].at - first[-1].at) / 60
    result = on_crowd(tmp_path, first, events, clients=2_000, leavers=200)
    ways = ends(result, 2_000)
    with gzip.open(shared_data("supplies/raw/maskdata_20200209T021807.csv.gz")) as file:
        csv = file.read()
    polls = 60 / POLL_S
    delta = result.said["bytes"] / 2_000 / minutes
    with capsys.disabled():
        sys.stdout.write(
            f"\n2,000 clients, {len(events)} looks over {minutes:.1f} minutes, {ways} ways, all converged; "
            f"slowest spread {max(result.spread_s) * 1000:.0f} ms, "
            f"median {sorted(result.spread_s)[len(events) // 2] * 1000:.0f} ms\n"
            f"bytes a client-minute: stream {delta:,.0f}; CSV each 30 s {len(csv) * polls:,.0f} "
            f"({len(csv) * polls / delta:.0f}x), gzip {len(gzip.compress(csv, 6)) * polls:,.0f} "
            f"({len(gzip.compress(csv, 6)) * polls / delta:.0f}x)\n"
        )
    assert delta * 20 < len(gzip.compress(csv, 6)) * polls
