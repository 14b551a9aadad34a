"""How the operator of this machine looks at and stops campaigns: a socket in the data folder that only the node's user
can open, one line of JSON each way. It gives counts and never a number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec

from banyan.craft.notify.line import Figures
from banyan.craft.notify.model import CAMPAIGN, Notifier, Progress
from banyan.errors import UNREADABLE, Unavailable

SOCKET: Final = "control.sock"
LINE_BYTES: Final = 65_536
TIME_S: Final = 30.0
LONGEST_PATH: Final = 100
"""Of a socket's path: Linux allows 107 octets."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    verb: Literal["status", "stop"]
    campaign: str = ""


class Told(msgspec.Struct, frozen=True):
    """`stopped`: how many messages will not be sent; None when there is no such campaign."""

    campaigns: tuple[Progress, ...] = ()
    binds: tuple[Figures, ...] = ()
    stopped: int | None = None
    fault: str = ""


@asynccontextmanager
async def listening(folder: Path, notifier: Notifier, figures: Callable[[], list[Figures]]) -> AsyncIterator[None]:
    """Answer orders while this is open. A folder with too long a name has no socket."""
    path = folder / SOCKET
    if len(str(path).encode()) > LONGEST_PATH:
        yield
        return
    path.unlink(missing_ok=True)  # left by a process that was killed; the drawer's lock says that it is gone

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIME_S):
                line = await reader.readline()
                writer.write(msgspec.json.encode(await obeyed(line, notifier, figures)) + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # whoever asked is gone, or sent a line without end
        finally:
            writer.close()

    server = await asyncio.start_unix_server(answer, path, limit=LINE_BYTES)
    path.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        path.unlink(missing_ok=True)


async def obeyed(line: bytes, notifier: Notifier, figures: Callable[[], list[Figures]]) -> Told:
    """What one order gives."""
    try:
        order = msgspec.json.decode(line, type=Order)
    except UNREADABLE:
        return Told(fault="that is no order")
    if order.verb == "status":
        return Told(tuple(await notifier.campaigns()), tuple(figures()))
    if CAMPAIGN.fullmatch(order.campaign) is None or await notifier.progress(order.campaign) is None:
        return Told()
    return Told(stopped=await notifier.stop(order.campaign))


async def asked(data: Path, order: Order) -> Told:
    """Ask the running node. Raises Unavailable when none runs there, or it sends no SMS."""
    try:
        async with asyncio.timeout(TIME_S):
            reader, writer = await asyncio.open_unix_connection(data / "sms" / SOCKET, limit=64 * LINE_BYTES)
            writer.write(msgspec.json.encode(order) + b"\n")
            line = await reader.readline()
            writer.close()
        return msgspec.json.decode(line, type=Told)
    except (OSError, TimeoutError, ValueError, *UNREADABLE) as error:
        raise Unavailable(
            f"no node that sends SMS runs on {data}.",
            remedy="Start it with ./banyan up, or name its folder with --data.",
        ) from error
