"""kill -9 of either gateway at any moment under load: nothing accepted is lost, no provider is asked twice unawares.

Two real gateways in processes of their own, mTLS and signatures between them; the provider that counts and the clients
are this process. A service that knows a request again acts once for each; one that does not is never asked twice, and
what a crash hid waits for an officer instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random

import pytest
from tests.kernel.exchange.delivery.zygote import SERVICES

CLIENT = "EE/BUSINESS/consumer/sub"
CLIENTS = 12
BEHIND = 150
"""Messages under way at once: what is killed is always at work, and the end does not wait for a mountain."""
WAIT_S = 60.0
"""For what is ready in a moment on a machine that is not busy."""


class Provider:
    """Counts what arrives by X-Road-Id, and what it did by Idempotency-Key."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.arrived: dict[str, Counter[str]] = {name: Counter() for name in SERVICES}
        self.unmarked: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                _, fields, _ = await read_message(reader)
                name, service = fields["x-road-id"], fields["x-road-id"].partition("-")[0]
                self.arrived[service][name] += 1
                self.unmarked[name] += "x-banyan-again" not in fields
                key = fields["idempotency-key"]
                if not self.done[key]:
                    self.done[key] += 1
                await asyncio.sleep(self._dice.uniform(0.0, 0.02))  # so that kills fall between act and answer
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
                await writer.drain()
        writer.close()


class Killable:
    """One side: its zygote, and the gateway that runs now."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = 0

    async def start(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"start\n")
        line = await self._said()
        assert line.startswith(b"ready"), line
        self.pid = int(line.split()[1])

    async def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert await self._said() == b"gone\n"

    async def _said(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            return await self._process.stdout.readline()


@asynccontextmanager
async def a_side(side: str, folder: Path, *more: str) -> AsyncIterator[Killable]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kernel.exchange.delivery.zygote", side, str(folder), *more,
        cwd=Path(__file__).parents[4], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    one = Killable(process)
    try:
        await one.start()
        yield one
        await one.kill()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # its pipes; else they wait for the collector


async def read_message(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return head[0], fields, await reader.readexactly(int(fields.get("content-length", 0)))


async def ask(port: int, verb: str, target: str, name: str = "") -> tuple[int, bytes]:
    """One request on a connection of its own. Raises OSError, IncompleteReadError: killed meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        own = f"X-Road-Id: {name}\r\nPrefer: respond-async\r\nContent-Length: 5\r\n\r\nvisit" if name else "\r\n"
        writer.write(f"{verb} {target} HTTP/1.1\r\nHost: a\r\nX-Road-Client: {CLIENT}\r\n{own}".encode())
        line, _, body = await read_message(reader)
        return int(line.split()[1]), body
    finally:
        writer.close()


async def keep_sending(number: int, port: int, stop: asyncio.Event, accepted: list[str], provider: Provider) -> None:
    """A client that sends the same again until it is accepted, and waits while the provider is far behind."""
    count = 0
    while not stop.is_set():
        if len(accepted) - len(provider.done) > BEHIND:
            await asyncio.sleep(0.02)
            continue
        count += 1
        service = tuple(SERVICES)[count % 2]
        name = f"{service}-{number}-{count}"
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                status, _ = await ask(port, "POST", f"/r1/EE/BUSINESS/producer/sub/{service}", name)
                if status == 202:
                    accepted.append(name)
                    break
            if stop.is_set():
                return
            await asyncio.sleep(0.02)


def free_ports(count: int, dice: Random) -> list[int]:
    """Below those that the system gives to clients, so that nobody takes one while its gateway is dead."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one:
            port = dice.randrange(12_000, 32_000)
            with suppress(OSError):
                one.bind(("127.0.0.1", port))
                found.append(port)
    return found


@pytest.mark.parametrize("kills", [20, pytest.param(300, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nothing_is_doubled(tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    dice = Random()
    provider, accepted = Provider(dice), list[str]()

    async def story() -> None:
        address = await provider.start()
        a_port, b_port, edge = free_ports(3, dice)
        more = (str(a_port), str(b_port), str(edge), address)
        async with AsyncExitStack() as stack:
            a = await stack.enter_async_context(a_side("a", tmp_path, *more))
            b = await stack.enter_async_context(a_side("b", tmp_path, *more))
            stop = asyncio.Event()
            clients = [asyncio.create_task(keep_sending(one, edge, stop, accepted, provider)) for one in range(CLIENTS)]
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.02, 0.4))  # the moment of the kill is the point of the test
                victims = dice.choice([[a], [b], [a, b]])
                await asyncio.gather(*(one.kill() for one in victims))
                await asyncio.gather(*(one.start() for one in victims))
            stop.set()
            await asyncio.gather(*clients)
            await settled(tmp_path, accepted)
        await provider.stop()

    asyncio.run(story())
    _, asides = records(tmp_path)
    assert not unfinished(tmp_path, accepted), what_became_of(tmp_path, unfinished(tmp_path, accepted))
    assert all(name.startswith("odd") for name in asides)
    assert max(provider.unmarked.values()) <= 1, "a repetition that is not marked as one"
    assert max(provider.arrived["odd"].values()) == 1
    assert max(provider.done.values()) == 1
    assert {f'"{name}"' for name in accepted} - {f'"{name}"' for name in asides} <= provider.done.keys()
    again = sum(provider.arrived["store"].values()) - len(provider.arrived["store"])
    with capsys.disabled():
        sys.stdout.write(f" {kills} x kill -9: {len(accepted)} accepted, {again} marked again, {len(asides)} aside ")


async def settled(folder: Path, accepted: list[str]) -> None:
    """Until everything is answered or waits for an officer, or nothing moves for WAIT_S: the test finds that."""
    left = len(accepted) + 1
    with suppress(TimeoutError):
        while left:
            async with asyncio.timeout(WAIT_S):
                while (now := len(unfinished(folder, accepted))) == left:
                    await asyncio.sleep(0.1)
            left = now


def unfinished(folder: Path, accepted: list[str]) -> set[str]:
    states, asides = records(folder)
    return {name for name in accepted if states.get(name) != "answered"} - asides


def what_became_of(folder: Path, names: set[str]) -> list[tuple[object, ...]]:
    """Of some messages that were accepted and have no answer: how they stand at both sides."""
    found: list[tuple[object, ...]] = []
    for side, table in (("a", "sent"), ("b", "received")):
        with closing(sqlite3.connect(f"file:{folder}/{side}/records.db?mode=ro", uri=True)) as records:
            asked = f"select message_id, state, due, tries, reason, changed_at from {table} where message_id = ?"
            found += [(side, *row) for name in sorted(names)[:5] for row in records.execute(asked, (name,))]
    return found


def records(folder: Path) -> tuple[dict[str, str], set[str]]:
    """What became of each message by A's records, and what B set aside."""
    with closing(sqlite3.connect(f"file:{folder}/a/records.db?mode=ro", uri=True)) as a:
        states = dict(a.execute("select message_id, state from sent").fetchall())
    with closing(sqlite3.connect(f"file:{folder}/b/records.db?mode=ro", uri=True)) as b:
        rows = b.execute("select message_id from received where state = 'aside'").fetchall()
    return states, {name for (name,) in rows}
