"""The federation behind a live server: three gateways on loopback, and immigration's portal for people and officers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.demo.federation.three import Three, a_federation
from tests.make import live_server

from banyan.kernel.exchange.hot import STATE


class RoadNation(msgspec.Struct):
    """`url` is immigration's portal, `edge` where the hospital's systems call."""

    url: str
    three: Three
    loop: asyncio.AbstractEventLoop

    @property
    def edge(self) -> str:
        return f"http://127.0.0.1:{self.three.road('hospital').gateway.edge_port}"

    def do(self, awaited: Any) -> Any:
        """Run it in the nodes' own loop."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(awaited, self.loop)
        return future.result(60)

    def publish(self) -> None:
        """The citizen's ledger, and the message logs with their witnesses."""
        node = self.three.nodes["immigration"]
        self.do(node.lawful.ledger.publish(int(node.gate.clock())))
        self.do(self.three.settle())


@contextmanager
def live_federation(folder: Path) -> Iterator[RoadNation]:
    ready, made = threading.Event(), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await made[0].nodes["immigration"].app(scope, receive, send)
            return
        await receive()
        async with a_federation(folder, is_running=True) as three:
            made.extend((three, asyncio.get_running_loop()))
            scope["state"][STATE] = None
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as address:
        assert ready.wait(120), "the federation did not start"
        yield RoadNation(address.replace("127.0.0.1", "localhost"), *made)
