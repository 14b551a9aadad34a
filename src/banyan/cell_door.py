"""osmo-cbc's REST door over this node's cell broadcast centre, where node.toml names apps for it (decision 0122).

It is on the loopback and nowhere else: its credentials go in clear, so whoever is elsewhere comes by a tunnel. No order
is lent to it: tests, exercises and operators' messages pass, a warning of people takes the release at /alerts/desk.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import uvicorn

from banyan.craft.notify.cells.door import Door
from banyan.craft.notify.cells.model import CellBroadcaster
from banyan.errors import Invalid, Unavailable
from banyan.kernel.exchange.server import QuietServer
from banyan.limits_alerts import ECBE_CONNECTIONS, ECBE_SECRET_CHARACTERS
from banyan.settings import CellApp

LOOPBACK: Final = "127.0.0.1"


async def open_door(stack: AsyncExitStack, centre: CellBroadcaster, apps: Sequence[CellApp], port: int) -> int:
    """Serve until the stack is left; the port, 0 when no app is named and nothing listens. Raises Invalid."""
    if not apps:
        return 0
    secrets = {one.name: sha256(secret_of(one).encode()).hexdigest() for one in apps}
    if len(secrets) != len(apps):
        raise Invalid.at("cells.apps", "give each app a name of its own")
    listening = _listening(port)
    stack.callback(listening.close)
    config = uvicorn.Config(
        Door(centre, secrets), log_level="warning", access_log=False, lifespan="off", limit_concurrency=ECBE_CONNECTIONS
    )
    server = QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stack.push_async_callback(_ended, server, serving)
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    return int(listening.getsockname()[1])


def secret_of(app: CellApp) -> str:
    """From BANYAN_CELLS_<NAME>, or from a file that nobody else may read. Raises Invalid naming what is missing."""
    where, name = f"cells.apps {app.name}", f"BANYAN_CELLS_{app.name.upper().replace('-', '_')}"
    found = os.environ.get(name, "")
    if not found and app.secret_file:
        path = Path(app.secret_file)
        try:
            if path.stat().st_mode & 0o077:
                raise Invalid(f"{where}: others may read {path}", remedy=f"chmod 600 {path}")
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(
                f"{where}: {path} cannot be read", remedy="Put the app's secret there, in one line."
            ) from error
    if len(found) < ECBE_SECRET_CHARACTERS:
        raise Invalid(
            f"{where}: no secret of at least {ECBE_SECRET_CHARACTERS} characters",
            remedy=f"Set {name}, or name a secret_file.",
        )
    return found


def _listening(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
    except OSError as error:
        made.close()
        raise Unavailable(
            f"cells.door_port: {LOOPBACK}:{port} cannot be listened on ({error.strerror}).", remedy="Choose another."
        ) from error
    return made


async def _ended(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await asyncio.gather(serving, return_exceptions=True)
