"""A node with every case on its board, and apps that show it: a right one, and how each goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.make import Node, Reply
from tests.service.supplies.feeds.make import kept, on_board
from tests.service.supplies.make import ADULT, AT, CHILD, NOTICE, PLACES, a_tick

from banyan.errors import Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kit.check import check
from banyan.kit.claims import Taken
from banyan.kit.report import Report
from banyan.service.supplies.model import (
    BoardEvent,
    ItemsSet,
    NoticesChanged,
    Place,
    PlacesChanged,
    StockTick,
)

NODE = "http://node.test"
APP = "http://app.test/"
MORE = tuple(
    Place(
        code=code, name=name, address="花蓮縣花蓮市中華路5號", town_code="10015010", lon=lon, lat=lat, located="agree"
    )
    for code, name, lon, lat in (
        ("5999990005", "只有兒童藥局", 121.6, 23.98),
        ("5945010007", "部分保留藥局", 121.61, 23.99),
        ("5945010008", "離開名單藥局", 121.62, 23.97),
    )
)  # fmt: skip
ONLY_CHILD = StockTick(
    EpochS(AT + 30), EpochS(AT + 30), "masks", ("mask-child",), codes=("5999990005",), counts=((40,),)
)  # fmt: skip
FIRST = a_tick(
    [
        ("0145080011", 200, 50),
        ("592202A296", 0, 12),
        ("5945010003", 8, 0),
        ("5901010004", 120, 3),
        ("5945010007", 90, 20),
        ("5945010008", 30, 30),
    ],
    reserved=(0, 0, 0, 120, 60, 0),
)
EVENTS: tuple[BoardEvent, ...] = (
    ItemsSet(AT, (ADULT, CHILD)),
    PlacesChanged(AT, (*PLACES, *MORE)),
    NoticesChanged(AT, (NOTICE,)),
    FIRST,
    a_tick([], at=AT + 30, gone=["5945010008"]),
    ONLY_CHILD,
)
"""In stock, sold out, few, all reserved, partly reserved, not listed; 5999990005 never had adult masks."""
AS_OF = "2020-02-14T01:06:04Z"
LEFT = "2020-02-14T01:05:34Z"
Answer = tuple[bytes, Mapping[str, str]]


class Web:
    """The node and one app, as the kit's fetching sees them; `now` is the clock of every fetch."""

    def __init__(self, node: Node, app: Callable[[str], Answer | None], now: float) -> None:
        self._node, self._app, self.now = node, app, now
        self._loop = asyncio.get_running_loop()

    def take(self, url: str) -> Taken:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        if url.startswith(NODE):
            reply = self._ask(target)
            if reply.status != 200:
                raise Unavailable(f"{url} answered {reply.status}")
            headers, etag = dict(reply.headers), reply.header("etag")
            again = self._ask(target, {"if-none-match": etag}).status == 304 if etag else None
            return Taken(url, reply.body, headers, self.now, again)
        answer = self._app(url)
        if answer is None:
            raise Unavailable(f"{url} answered 404")
        return Taken(url, answer[0], answer[1], self.now)

    def _ask(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        asking = self._node.client.get(target, headers=headers or {})
        return asyncio.run_coroutine_threadsafe(asking, self._loop).result(10)


def checked(
    folder: Path,
    url: str = APP,
    *,
    app: Callable[[str], Answer | None] = lambda url: None,
    now: float = AT + 60,
    sample: int = 50,
) -> Report:
    """The kit's report of `url`, asked at `now`."""
    reports: list[Report] = []

    async def story(node: Node) -> None:
        web = Web(node, app, now)
        reports.append(
            await asyncio.to_thread(lambda: check(url, NODE, take=web.take, clock=lambda: now, sample=sample))
        )
        assert kept(node).board.seq == len(EVENTS)

    on_board(folder, story, EVENTS)
    return reports[0]


def broken(report: Report) -> list[str]:
    return [rule.id for rule in report.rules if rule.result == "fail"]
