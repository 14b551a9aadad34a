"""The opening of a preorder with a million people: simulated second by second with the room's own code; and what a poll
costs, in the room, in the layer and over HTTP.

    ./banyan bench waiting [--quick] [--json]

The crowd: half of the people come before the opening (a quarter of an hour before on average), a quarter in its first
minute, the rest within the hour after; 15 % leave without coming in (as many lapsed in 2020). Pages look again when
they were told to. 650 people a second are let in: 2.33 million in an hour (supplies.md). Farmers, a hundred of them,
take 200 tokens each before the opening and use the best. Reported: requests a second (the busiest second, and the
busiest of those after the crowd of the opening), looks a person, people let in a second, waits, whether coming early
paid (rank correlation before the opening), and the places of farmers. Then CPU of one core: the room's check of a
token, the layer's whole answer, and the server's over HTTP/1.1 on kept connections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from banyan.kernel.events.clock import EpochS  # noqa: E402
from banyan.kernel.identity.caller import Caller  # noqa: E402
from banyan.node import open_node  # noqa: E402
from banyan.service.rationing.waiting import seeds  # noqa: E402
from banyan.service.rationing.waiting.places import Line, Progress, look_again_s, lot_of, window_at  # noqa: E402
from banyan.settings import Settings  # noqa: E402

PEOPLE, QUICK_PEOPLE = 1_000_000, 50_000
PACE = 650.0
LEAVE = 0.15
GATHER_S = 3_600
FARMERS, FARMED = 100, 200
POLLS, QUICK_POLLS = 40_000, 8_000
CONNECTIONS = 32


def crowd(people: int, rng: random.Random) -> list[float]:
    """When each comes, seconds from the opening."""
    came = []
    for _ in range(people):
        kind = rng.random()
        if kind < 0.5:
            came.append(max(-float(GATHER_S), -rng.expovariate(1 / 900)))
        elif kind < 0.75:
            came.append(rng.uniform(0, 60))
        else:
            came.append(60 + rng.expovariate(1 / 1_200))
    return sorted(came)


def simulate(people: int, pace: float) -> dict[str, float]:
    """The whole opening; figures by name."""
    rng = random.Random(11)
    line = Line(seeds.chain(sha256(b"bench").digest(), window_at(86_400) + 1), pace, Progress(at=-float(GATHER_S)))
    came, agenda = crowd(people, rng), defaultdict(list)
    for person, at in enumerate(came):
        agenda[int(at // 1)].append(person)
    token: list[tuple[int, bytes, int] | None] = [None] * people
    inside, leaves = [0.0] * people, [rng.random() < LEAVE for _ in range(people)]
    requests: dict[int, int] = defaultdict(int)
    entered: dict[int, int] = defaultdict(int)
    second, waiting = -GATHER_S, people
    looks, busy = 0, []
    while waiting:
        line.advance(float(second))
        if second >= 60 and line.progress.released < line.issued - line.counted(window_at(second)):
            busy.append(second)
        for person in agenda.pop(second, ()):
            requests[second] += 1
            held = token[person]
            if held is None:
                if second >= 0 and line.is_free():
                    waiting, inside[person] = waiting - 1, second
                    entered[second] += 1
                    continue
                who = sha256(b"%d" % person).digest()[:8]
                held = token[person] = (line.join(who), who, rng.randrange(65_536))
            else:
                looks += 1
                if line.may_enter(*held):
                    line.progress.passes += 1
                    waiting, inside[person] = waiting - 1, second
                    entered[second] += 1
                    continue
            wait_s = line.place(*held).wait_s
            if leaves[person] and rng.random() < 0.3:
                waiting -= 1
                inside[person] = -1e9
                continue
            agenda[second + look_again_s(wait_s, held[2])].append(person)
        second += 1
    paced = [entered[at] for at in busy]
    return {"pace": pace, "busy, min": len(busy) / 60, **_figures(came, inside, requests, paced, looks / people, line)}


def _figures(
    came: list[float], inside: list[float], requests: dict[int, int], paced: list[int], looks: float, line: Line
) -> dict[str, float]:
    waits = sorted(at - max(0.0, since) for since, at in zip(came, inside, strict=True) if at > -1e8)
    early = [(since, at) for since, at in zip(came, inside, strict=True) if since < 0 and at > -1e8]
    tens = [sum(paced[at : at + 10]) / 10 for at in range(0, len(paced) - 9, 10)]
    return {
        "busiest second, requests": max(requests.values()),
        "busiest after 2 min, requests": max(count for at, count in requests.items() if at >= 120),
        "looks a person": looks,
        "let in a second, mean while busy": statistics.fmean(paced) if paced else 0.0,
        "let in a second, busiest 10 s": max(tens, default=0.0),
        "median wait, min": waits[len(waits) // 2] / 60,
        "p99 wait, min": waits[int(len(waits) * 0.99)] / 60,
        "early coming pays (correlation)": _correlation(early),
        **_farmers(line),
    }


def _farmers(line: Line) -> dict[str, float]:
    """The best place of who takes many tokens from one address, as a part of window 0; honest people stand at 0.5."""
    rng, best = random.Random(13), []
    for farmer in range(FARMERS):
        who = sha256(b"farm %d" % farmer).digest()[:8]
        tokens = [(who, rng.randrange(65_536)) for _ in range(FARMED)]
        best.append(min(lot_of(line.seeds[0], *one) for one in tokens) / 2**64)
    return {"farmer's best place (of 1)": statistics.fmean(best), "people before the opening": line.counted(0)}


def _correlation(pairs: list[tuple[float, float]]) -> float:
    some = random.Random(5).sample(pairs, min(len(pairs), 100_000))
    came = {at: rank for rank, at in enumerate(sorted(range(len(some)), key=lambda one: some[one][0]))}
    went = {at: rank for rank, at in enumerate(sorted(range(len(some)), key=lambda one: some[one][1]))}
    return statistics.correlation([came[at] for at in range(len(some))], [went[at] for at in range(len(some))])


OPENS = 1_900_000_000


@asynccontextmanager
async def a_room(folder: Path) -> Any:
    """A node with a room that is full: 100,000 wait, and its clock stands a minute after the opening."""
    now = [OPENS - 600.0]
    settings = Settings(services=("banyan.service.rationing.parts:SERVICE",))
    async with open_node(folder, settings, clock=lambda: EpochS(now[0])) as node:
        asked = {
            "room": "bench", "title_zh": "預購", "title_en": "Preorder", "paths": ["/rationing/draws"],
            "gathers": int(now[0]), "opens": OPENS, "until": OPENS + 7_200, "pace": 1.0,
        }  # fmt: skip
        await node.gate.call("rationing.waiting_open", asked, caller=Caller("system", "system"))
        from banyan.service.rationing.waiting.rooms import rooms_of

        room = rooms_of(node.drawers["rationing"]).by_id["bench"]
        tokens = [room.ask("", f"192.0.2.{one}", os.urandom, EpochS(now[0])).token for one in range(2_000)]
        for one in range(98_000):
            room.line.join(sha256(b"%d" % one).digest())
        now[0] = OPENS + 60.0
        yield node, room, tokens, EpochS(now[0])


async def cost(folder: Path, polls: int) -> dict[str, float]:
    """CPU of a poll in the room and in the layer, microseconds."""
    async with a_room(folder) as (node, room, tokens, now):
        begun = time.process_time()
        for one in range(polls):
            room.ask(tokens[one % 2_000], "192.0.2.1", os.urandom, now)
        asked = (time.process_time() - begun) / polls
        sent = 0

        async def send(message: Any) -> None:
            nonlocal sent
            sent += len(message.get("body", b""))

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scopes = [_scope(one) for one in tokens]
        for round in range(2):
            sent, begun = 0, time.process_time()
            for one in range(polls if round else 100):
                await node.app(scopes[one % 2_000], receive, send)
        layered = (time.process_time() - begun) / polls
        return {"room_us": asked * 1e6, "layer_us": layered * 1e6, "page_bytes": sent / polls}


def _scope(token: str) -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"accept", b"text/html"), (b"cookie", f"waiting-bench={token}".encode())]
    return {
        "type": "http", "method": "GET", "path": "/rationing/draws", "raw_path": b"/rationing/draws",
        "query_string": b"", "headers": headers, "client": ("192.0.2.1", 1), "scheme": "http", "http_version": "1.1",
        "server": ("localhost", 80), "asgi": {"version": "3.0"}, "root_path": "",
    }  # fmt: skip


def _serve(folder: str, told: Any) -> None:
    """A server process: tells its port and tokens, then serves until it is ended."""
    import uvicorn

    from banyan.kernel.exchange.server import server_config

    async def run() -> None:
        async with a_room(Path(folder)) as (node, _, tokens, _now):
            server = uvicorn.Server(server_config(node.app, host="127.0.0.1", port=0))
            task = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
                await asyncio.sleep(0.02)
            told.send((server.servers[0].sockets[0].getsockname()[1], tokens))
            await task

    import uvloop

    uvloop.run(run())


def over_http(folder: Path, polls: int) -> dict[str, float]:
    """CPU of the server for a poll over HTTP, microseconds, and requests a second beside the client."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(str(folder), there), daemon=True)
    server.start()
    try:
        port, tokens = here.recv()
        asyncio.run(_load(port, tokens, polls // 10))
        before, begun = _cpu(server.pid), time.perf_counter()
        asyncio.run(_load(port, tokens, polls))
        spent, took = _cpu(server.pid) - before, time.perf_counter() - begun
    finally:
        server.terminate()
        server.join(20)
    return {"http_us": spent / polls * 1e6, "http_per_core": polls / spent, "http_observed": polls / took}


async def _load(port: int, tokens: list[str], polls: int) -> None:
    async def connection(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in range(first, polls, CONNECTIONS):
            cookie = f"Cookie: waiting-bench={tokens[one % len(tokens)]}\r\n\r\n".encode()
            writer.write(b"GET /rationing/draws HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n" + cookie)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer[:100]
            assert b"refresh:" in answer, "who waits is told when to look again"
            length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(connection(one) for one in range(CONNECTIONS)))


def _cpu(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _told(found: dict[str, float]) -> dict[str, float]:
    for key, value in found.items():
        print(f"{key:<34}{value:>14,.3f}", flush=True)
    return found


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    people, polls = (QUICK_PEOPLE, QUICK_POLLS) if asked.quick else (PEOPLE, POLLS)
    print(f"{people:,} people, {PACE * people / PEOPLE:,.1f} let in a second")
    found = _told(simulate(people, PACE * people / PEOPLE))
    with tempfile.TemporaryDirectory() as name:
        found |= _told(asyncio.run(cost(Path(name) / "a", polls)))
        found |= _told(over_http(Path(name) / "b", polls))
    if asked.json:
        print(json.dumps({"waiting": {"people": people, **found}}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
