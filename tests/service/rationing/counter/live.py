"""A live node whose personas sign in by one click, for a browser: `tests/make.live_server` over a real node."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.access.going import pressed
from tests.make import live_server

from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import seed_registers
from banyan.demo.personas import seed_personas
from banyan.demo.rationing import seed_rationing
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.hot import STATE
from banyan.node import Node, open_node
from banyan.settings import Settings

NODE = Settings(
    services=tuple(
        f"banyan.service.{name}.parts:SERVICE" for name in ("identity", "powers", "mydata", "supplies", "rationing")
    )
)


@contextmanager
def a_live_node(folder: Path, clock: Clock) -> Iterator[str]:
    """Its address."""
    ready = threading.Event()
    opened: list[Node] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await opened[0].app(scope, receive, send)
            return
        await receive()
        async with open_node(folder, NODE, clock=clock, is_demo=True) as node:
            keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
            await seed_personas(node.persons)
            await seed_registers(node.drawers, keeping)
            await seed_rationing(node.gate, node.drawers, keeping, member=node.settings.member)
            opened.append(node)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(120), "the node did not start"
        yield url.replace("127.0.0.1", "localhost")


def sign_in(page: Any, url: str, persona: str, lang: str = "") -> None:
    """One click of the demonstration."""
    page.goto(f"{url}{lang}/openid/login", wait_until="domcontentloaded")
    pressed(page, f"button[name=persona][value='{persona}']")
