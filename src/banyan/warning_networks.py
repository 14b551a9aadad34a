"""The channels by which a real node's warnings reach people, as node.toml names them: cell broadcast, LINE, and
SMS by the operators (area_sms.py).

Exercises and tests have no such channels here: a sink is a network without people, which a demonstration has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from banyan.cell_door import open_door
from banyan.craft.cells.model import CellTable
from banyan.craft.cells.reading import read_cells
from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.naming import Bsc
from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.storage.durable import make_folders
from banyan.limits_alerts import LINE_WARNING_FOLLOWERS_BYTES, LINE_WARNING_FOLLOWERS_S, LINE_WARNING_TIME_S
from banyan.outward import Said, ask
from banyan.service.alerts.afar import Afar
from banyan.service.alerts.model import Channel
from banyan.service.alerts.outlets import Transport
from banyan.service.alerts.sending import Cells, Chat
from banyan.settings import BscAt, CellSettings, Settings, line_secrets_from_environment
from banyan.wire.line import TEXT_UNITS, TextMessage, Unreadable, cut, read_followers, write_broadcast

FOLDER: Final = "cells"
BROADCAST: Final = "/v2/bot/message/broadcast"
FOLLOWERS: Final = "/v2/bot/insight/followers"
TAIPEI: Final = timedelta(hours=8)
COUNTED_AFTER: Final = timedelta(days=1)
"""LINE counts a day once it is over, by Japan's clock; the day before is there by Taipei's morning."""


async def open_channels(
    stack: AsyncExitStack, data: Path, settings: Settings, *, clock: Clock, afar: Afar | None = None
) -> Mapping[Channel, Transport]:
    """Open what node.toml names; closed with the stack. Raises Invalid naming what is missing."""
    found: dict[Channel, Transport] = {}
    if settings.cells.enabled:
        found["cells"] = await open_cells(stack, data / FOLDER, settings.cells, clock=clock)
    if settings.line.warnings:
        if not settings.line.enabled:
            raise Invalid.at("line.warnings", "needs line.enabled")
        _, token = line_secrets_from_environment()
        found["chat"] = await open_line(stack, settings.line.api_url, token, clock=clock)
    if afar is not None:
        found["sms"] = afar
    return found


async def open_cells(stack: AsyncExitStack, folder: Path, settings: CellSettings, *, clock: Clock) -> Cells:
    """A centre that listens for the controllers, and connects to those that have a port."""
    table = await asyncio.to_thread(table_of, settings.file, "cells.file")
    bscs = [await asyncio.to_thread(bsc_of, one) for one in settings.bscs]
    if not bscs:
        raise Invalid.at("cells.bscs", "name at least one base station controller")
    make_folders(folder)
    centre = Centre(folder, bscs, clock=clock)
    stack.push_async_callback(centre.close)
    await centre.start(settings.host, settings.port)
    await open_door(stack, centre, settings.apps, settings.door_port)
    return Cells(centre, lambda: table)


def bsc_of(at: BscAt) -> Bsc:
    """A controller with its cells. Raises Invalid."""
    cells = frozenset(table_of(at.cells_file, f"cells.bscs {at.name}").ids) if at.cells_file else None
    return Bsc(name=at.name, host=at.host, port=at.port or None, cells=cells, has_no_end=at.has_no_end)


def table_of(file: str, field: str) -> CellTable:
    """A file's cells. Raises Invalid: a warning that misses cells without a word is worse than no start."""
    try:
        read = read_cells(Path(file).read_bytes())
    except OSError as error:
        raise Invalid.at(field, f"{file or 'no file'}: {error.strerror}") from error
    if read.bad_rows:
        first = read.bad[0]
        raise Invalid.at(
            field, f"{file}: {read.bad_rows} bad rows; the first, line {first.line}: {first.field}: {first.fix}"
        )
    return read.table


async def open_line(stack: AsyncExitStack, api_url: str, token: str, *, clock: Clock) -> Chat:
    """A broadcast to everybody who follows the account. How many those are is asked at the start and now and then."""
    followers = [0]
    address, headers = api_url.rstrip("/"), {"Authorization": f"Bearer {token}"}
    task = asyncio.create_task(_count(followers, partial(followers_of, address, headers, clock)))
    stack.push_async_callback(_ended, task)

    async def post(key: str, texts: tuple[str, ...]) -> int:
        body = write_broadcast([TextMessage(cut(text, TEXT_UNITS)) for text in texts])
        keyed = headers | {"Content-Type": "application/json", "X-Line-Retry-Key": key}
        return (await _ask("POST", address + BROADCAST, keyed, body)).status

    return Chat(post, lambda: followers[0])


async def followers_of(address: str, headers: Mapping[str, str], clock: Clock) -> int | None:
    """Whom a broadcast would reach, by the newest day that LINE has counted; None when it does not say."""
    day = datetime.fromtimestamp(clock(), UTC) + TAIPEI - COUNTED_AFTER
    said = await _ask("GET", f"{address}{FOLLOWERS}?date={day:%Y%m%d}", headers)
    if said.status != 200:
        return None
    try:
        return read_followers(said.body)
    except Unreadable:
        return None


async def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Said:
    """The address is the operator's own word in node.toml, so it may be inside."""
    at_most = LINE_WARNING_FOLLOWERS_BYTES if method == "GET" else 0
    return await ask(method, url, headers, body, time_s=LINE_WARNING_TIME_S, at_most=at_most, allow_private=True)


async def _count(followers: list[int], count: Callable[[], Awaitable[int | None]]) -> None:
    while True:
        found = await count()
        if found is not None:
            followers[0] = found
        await asyncio.sleep(LINE_WARNING_FOLLOWERS_S)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
