"""Serve a node that is open: the HTTP server, the services' handlers and the ledger's checkpoints, until it is told to
stop."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import uvicorn

from banyan.admitting import keep_admitting
from banyan.demo.federation.hosting import hosted_here
from banyan.demonstrating import demonstrate, see_patients, started, take_payments
from banyan.errors import Unavailable
from banyan.kernel.events import system_clock
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.exchange.server import allow_connections, calm_collector, server_config
from banyan.lawful import keep_publishing
from banyan.node import ROOT, Node, open_node
from banyan.running import ADDRESS_FILE, TOKEN_FILE, write_here
from banyan.settings import load_settings
from banyan.terminal import say, write_event


async def serve(
    data: Path,
    *,
    host: str,
    port: int,
    empty: bool,
    also: tuple[str, ...] = (),
    prepare: Callable[[Node], Awaitable[None]] | None = None,
) -> int:
    """Run a node until it is told to stop (SIGINT, SIGTERM); 0 after a clean end. `also` are services besides those of
    node.toml; `prepare` is awaited once it is open and before it answers."""
    settings = load_settings(data / "node.toml", Path.cwd() / "node.toml", ROOT / "node.toml")
    settings = msgspec.structs.replace(settings, services=tuple(dict.fromkeys((*settings.services, *also))))
    if not empty:
        road = hosted_here(data, settings.road, clock=system_clock, is_usual=not port)
        settings = msgspec.structs.replace(settings, road=road)
    host, port = host or settings.http.host, port or settings.http.port
    allow_connections()
    async with open_node(data, settings, is_demo=not empty) as node:
        if prepare is not None:
            await prepare(node)
        server = _Server(server_config(node.app, host=host, port=port))
        calm_collector()
        tasks = [asyncio.create_task(_attend(node)), asyncio.create_task(_sign(node))]
        if node.road is not None:
            tasks.append(asyncio.create_task(node.road.run()))
        if not empty:
            tasks.append(asyncio.create_task(demonstrate(node, server)))
            tasks.append(asyncio.create_task(take_payments(node, server)))
            tasks.append(asyncio.create_task(see_patients(node, server)))
        tasks.append(asyncio.create_task(_greet(node, server, host, port)))
        try:
            await server.serve()
        except SystemExit as error:  # uvicorn's word for an address that cannot be had
            raise Unavailable(
                f"{host}:{port} cannot be listened on.", remedy="Is another server there? Choose one with --port."
            ) from error
        finally:
            (data / ADDRESS_FILE).unlink(missing_ok=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return 0


class _Server(uvicorn.Server):
    """uvicorn, told to stop by us: its own handler raises the signal again after serving, which would end the process
    before the drawers are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


async def _attend(node: Node) -> None:
    """Let every service's handlers work, and the register's entries come under the fence; they are awaited here."""
    log = partial(write_event, node.settings.log)
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_admitting(node.drawers, node.gate, log))
        for name, drawer in node.drawers.items():
            service = node.catalogue.services[name]
            group.create_task(Attendant(service, drawer, node.gate, log=log, jitter=random.random).run())


async def _sign(node: Node) -> None:
    """Keep the ledger's checkpoints coming."""
    await keep_publishing(node.lawful, clock=node.gate.clock, log=partial(write_event, node.settings.log))


async def _greet(node: Node, server: uvicorn.Server, host: str, port: int) -> None:
    """Say where the portal is, once it answers; and leave the address where `./banyan publish` looks for it."""
    await started(server)
    bound = server.servers[0].sockets[0].getsockname()[1] if server.servers else port
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1", "") else host  # noqa: S104 - only compared
    url = f"http://{shown}:{bound}"
    write_here(node.data, url)
    if node.is_new:
        say(f"  administrator token (shown once; kept in {node.data / TOKEN_FILE}):\n    {node.token}")
    if node.road is not None:
        edge = f"http://{shown}:{node.road.gateway.edge_port}"
        say(f"  road between agencies: {edge}/r1/…  other gateways at port {node.road.gateway.peer_port}")
    say(f"Banyan is up: {url}  (stop with Ctrl-C)")
