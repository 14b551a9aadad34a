"""Builders for tests: real data, a frozen clock, a whole node in a folder, a live server, an ASGI client."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
import uvicorn

from banyan.kernel.catalogue import Catalogue, Service
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange import App, DoorSettings, Gate, Remote, Render, build_door
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.exchange.hot import STATE
from banyan.kernel.exchange.keys import Keys
from banyan.kernel.exchange.server import server_config
from banyan.kernel.exchange.token import holder_of
from banyan.kernel.storage.drawer import Drawer

TOKEN = "a-token-only-for-tests-0123456789"
SECRET = b"a secret only for tests, 32 bytes long or more"
NOW = EpochS(1_795_438_800.0)
"""2026-11-23T13:00:00Z, the moment of every frozen clock."""


def frozen_clock(at: float = NOW) -> Clock:
    return lambda: EpochS(at)


def missing(what: str) -> NoReturn:
    """What a test needs is not there: the test is skipped, in CI it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def shared_data(path: str) -> Path:
    """A file of `../shared/data` beside the checkout. Missing: the test is skipped, in CI it fails."""
    root = Path(os.environ.get("BANYAN_SHARED_DATA") or Path(__file__).parents[2] / "shared/data")
    found = root / path
    if not found.exists():
        missing(f"shared data missing: {found}")
    return found


class Node(msgspec.Struct):
    """A node under test. `logged` holds the structured log, `client` talks to the door in this process."""

    app: App
    gate: Gate
    catalogue: Catalogue
    drawers: Mapping[str, Drawer]
    logged: list[tuple[str, Mapping[str, str | int | float]]]
    client: Client


@asynccontextmanager
async def a_node(
    folder: Path,
    services: Sequence[Service],
    *,
    clock: Clock | None = None,
    render: Render | None = None,
    remotes: Mapping[str, Remote] | None = None,
    extra: Sequence[Service] = (),
    keys: Keys | None = None,
    **settings: Any,
) -> AsyncIterator[Node]:
    """Drawers for `services` under `folder`, catalogue, gate and door; all closed at the end. `extra` are channels:
    services without a drawer.

    `settings` are fields of DoorSettings; rate limits are off unless `rate_scale` says otherwise.
    """
    from banyan.kernel.storage import close_drawer, open_drawer

    clock = clock or frozen_clock()
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    drawers: dict[str, Drawer] = {}
    logged: list[tuple[str, Mapping[str, str | int | float]]] = []
    try:
        for service in services:
            drawers[service.name] = await opened(
                open_drawer(folder / service.name, service=service.name, package=service.package, clock=clock)
            )

        catalogue = Catalogue([*services, *extra])
        gate = Gate(
            catalogue,
            drawers,
            clock=clock,
            emit=emit_to_feeds(drawers, clock),
            log=lambda name, fields: logged.append((name, fields)),
            remotes=remotes,
        )
        chosen = {"secret": SECRET, "work": work, "rate_scale": 0.0} | settings
        app = build_door(
            catalogue,
            gate,
            identify=holder_of(TOKEN),
            settings=DoorSettings(**chosen),
            log=lambda name, fields: logged.append((name, fields)),
            render=render,
            keys=keys,
        )
        await gate.start()
        yield Node(app, gate, catalogue, drawers, logged, Client(app))
        await gate.stop()
    finally:
        for drawer in drawers.values():
            await opened(close_drawer(drawer))


async def opened(made: Any) -> Any:
    """The value of a maybe-awaitable."""
    return await made if asyncio.iscoroutine(made) else made


class Reply(msgspec.Struct):
    """An answer of the door."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name.lower())

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Client:
    """Talks to an ASGI app in this process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def get(self, target: str, **options: Any) -> Reply:
        return await self.request("GET", target, **options)

    async def post(self, target: str, **options: Any) -> Reply:
        return await self.request("POST", target, **options)

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: object = None,
        form: Mapping[str, str] | None = None,
        body: bytes | Sequence[bytes] = b"",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        token: str = "",
        scheme: str = "http",
        address: str = "127.0.0.1",
    ) -> Reply:
        """One request. `target` is a path with an optional query, percent-encoded by the caller."""
        from urllib.parse import unquote, urlencode

        sent = [(name.lower(), value) for name, value in (headers.items() if isinstance(headers, Mapping) else headers)]
        if json is not None:
            body, sent = msgspec.json.encode(json), [("content-type", "application/json"), *sent]
        elif form is not None:
            body = urlencode(form).encode()
            sent = [("content-type", "application/x-www-form-urlencoded"), *sent]
        if token:
            sent.append(("authorization", f"Bearer {token}"))
        if not any(name == "host" for name, _ in sent):
            sent.append(("host", "localhost"))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": scheme,
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent],
            "client": (address, 1234),
            "server": ("127.0.0.1", 8000),
        }
        chunks = [body] if isinstance(body, bytes) else list(body)
        return await self._run(scope, chunks)

    async def _run(self, scope: dict[str, Any], chunks: list[bytes]) -> Reply:
        reply = Reply(0, [], b"")
        finished = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if chunks:
                chunk = chunks.pop(0)
                return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}
            await finished.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in message["headers"]]
            else:
                reply.body += message.get("body", b"")
                if not message.get("more_body", False):
                    finished.set()

        await asyncio.create_task(self._app(scope, receive, send))
        return reply


@contextmanager
def live_server(app: App) -> Iterator[str]:
    """Serve `app` with our own uvicorn settings on a free loopback port, in a thread; yields its base URL."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def live_node(folder: Path, services: Sequence[Service], **options: Any) -> Iterator[tuple[str, Node]]:
    """A whole node behind a live server: the node lives in the server's own event loop."""
    ready = threading.Event()
    made: list[Node] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await made[0].app(scope, receive, send)
            return
        await receive()
        async with a_node(folder, services, **options) as node:
            made.append(node)
            scope["state"][STATE] = getattr(node.app, "hot", None)
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(30), "the node did not start"
        yield url, made[0]
