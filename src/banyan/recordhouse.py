"""The demonstration's record system beside a node: a server of its own on loopback, of another web origin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import uvicorn

from banyan.demo.ehr.app import RecordSystem
from banyan.demo.federation.hosting import free_port
from banyan.demo.travel import seed_travel
from banyan.errors import Problem
from banyan.kernel.exchange import Gate
from banyan.kernel.exchange.server import QuietServer
from banyan.kernel.identity.caller import SYSTEM


async def keep_records(gate: Gate, port: int, *, subject: Callable[[str], bytes], say: Callable[[str], None]) -> None:
    """Seed travel history and serve the record system until cancelled. `port` is the node's."""
    if "travel.flag" not in gate.catalogue.operations:
        return
    try:
        await seed_travel(gate, subject=subject)
        async with recordhouse(gate, f"http://localhost:{port}") as address:
            say(f"  record system of a hospital (CDS Hooks): {address}")
            await asyncio.Event().wait()
    except Problem as problem:
        say(f"  demonstration travel history: {problem.title} {problem.remedy}")


@asynccontextmanager
async def recordhouse(gate: Gate, node: str) -> AsyncIterator[str]:
    """Serve it and register it; its address. When it ends it may call no more."""
    port = free_port(0)
    app = RecordSystem(node=node, own=f"http://localhost:{port}", clock=gate.clock)
    server = QuietServer(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it in no other way
            await asyncio.sleep(0.02)
        await gate.call("travel.register_client", app.registration, caller=SYSTEM)
        yield app.own
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.gather(serving, return_exceptions=True)
