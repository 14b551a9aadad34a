"""A portal with a stock map in this process, whose stock the test changes: small events, or a real day's nation."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from tests.make import live_node, shared_data
from tests.service.supplies.make import ADULT, AT, CHILD, EVENTS, a_tick

from banyan.channel.web import build_portal
from banyan.craft.place import county_names, load_atlas, town_names, towns_of
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Service
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import (
    BoardEvent,
    ItemsSet,
    Notice,
    NoticesChanged,
    Place,
    PlacesChanged,
    StockTick,
    Window,
)
from banyan.service.supplies.parts import SERVICE
from banyan.settings import Site

ROOT = Path(__file__).parents[4]
WEB = ROOT / "web"
MASKS = "supplies/raw/maskdata_20200214T085535.csv.gz"
OUTLETS = "supplies/outlets.csv.gz"
MORNING = EpochS(1_581_641_735.0)
"""2020-02-14 08:55:35 in Taiwan."""

A_DAY: tuple[BoardEvent, ...] = (
    *EVENTS,
    NoticesChanged(AT, (Notice("0145080011", sale=Window(540, 1_020), plate=Window(510, 511), text="一人兩片"),)),
    a_tick([("592202A296", 5, 12)], at=AT + 30, gone=("5945010003",)),
)
"""Hualien has 200 in stock and 5 at a second that is doubtful and nearly out; Ji'an's is off the list; all 120 of
Taipei's are promised to plate holders."""
PATHS = (
    *("/supplies", "/supplies?area=10015&least=0", "/supplies?q=沒有這家店"),
    *("/supplies?lat=23.9769&lon=121.6044&radius=2000&least=0", "/supplies/outlet/5901010004", "/supplies/shell"),
    *("/supplies/outlet/592202A296?item=mask-child", "/supplies/kiosk", "/supplies/kiosk?area=10015010"),
    *("/supplies/print/10015010", "/supplies/print/63000050?size=large"),
    *("/supplies/widget?area=10015010", "/supplies/developers"),
)
"""Every page of the map over A_DAY, in Chinese."""


class Stage(msgspec.Struct, frozen=True):
    """The portal's address; `commit` writes an event as a source would, and comes back when it is on the board."""

    url: str
    clock: list[EpochS]
    queue: list[BoardEvent]

    def commit(self, event: BoardEvent) -> None:
        from urllib.request import Request, urlopen

        self.queue.append(event)
        with urlopen(Request(f"{self.url}/stage/commit", b"", method="POST"), timeout=10) as answer:
            assert answer.status == 200

    def get(self, path: str) -> str:
        from urllib.parse import quote
        from urllib.request import Request, urlopen

        with urlopen(Request(self.url + quote(path, safe="/?&=%.,"), headers={"Accept": "text/html"})) as answer:
            return str(answer.read().decode())


@contextmanager
def stage(folder: Path, events: Sequence[BoardEvent], *, at: float) -> Iterator[Stage]:
    """A live portal over `events` whose clock stands at `at` until the test moves it."""
    fill(folder / SERVICE.name, events)
    clock, queue = [EpochS(at)], list[BoardEvent]()
    own = Service("stage", title={"zh-Hant": "測試", "en": "Test"}, package="banyan.channel.web")
    nodes: list[Any] = []

    async def commit(request: FaceRequest) -> FaceAnswer:
        kept = kept_of(nodes[0].drawers["supplies"])
        while queue:
            await kept.commit(queue.pop(0))
        return FaceAnswer(b"{}")

    own.face("POST", path="/stage/commit")(commit)
    portal = build_portal([SERVICE], site=Site(), web=WEB)
    with live_node(folder, [SERVICE], clock=lambda: clock[0], render=portal.render, extra=[own, *portal.services]) as (
        url,
        node,
    ):
        nodes.append(node)
        yield Stage(url, clock, queue)


def fill(folder: Path, events: Sequence[BoardEvent]) -> None:
    """A drawer whose journal holds the events: a node that opens it shows them."""

    folder.mkdir(parents=True, exist_ok=True)

    async def write() -> None:
        drawer = open_drawer(folder, service="supplies", package=SERVICE.package, clock=lambda: EpochS(0))
        try:
            kept = kept_of(drawer)
            for event in events:
                await kept.commit(event)
        finally:
            await close_drawer(drawer)

    with ThreadPoolExecutor(1) as aside:  # a browser's test has a loop of its own in this thread
        aside.submit(lambda: asyncio.run(write())).result()


def a_real_morning(*, copies: int = 1) -> list[BoardEvent]:
    """14 February 2020, 08:55: every outlet of the official file, with points where they are known. `copies` lays as
    many nations beside each other, some metres apart."""
    found = _rows(OUTLETS)
    lon, lat = (np.array([float(row[name] or "nan") for row in found]) for name in ("lon", "lat"))
    atlas, towns = load_atlas(), towns_of(lon, lat)
    assert atlas is not None and towns is not None, "npm ci was run in web/"  # noqa: PT018
    codes = [atlas.towns[town].code if town >= 0 else "" for town in towns]
    by_code = {row["id"]: (row, place) for place, row in enumerate(found)}
    places, stock = [], []
    for copy in range(copies):
        for row in _rows(MASKS):
            code, known = row["醫事機構代碼"], by_code.get(row["醫事機構代碼"])
            places.append(_place(row, known, (lon, lat, codes), copy))
            adult, child = (int(row[name]) for name in row if "總剩餘數" in name or "口罩剩餘數" in name)
            stock.append((code if not copy else f"{copy}{code[1:]}", adult, child))
    tick = StockTick(
        at=MORNING,
        as_of=MORNING,
        source="masks",
        items=(ADULT.id, CHILD.id),
        codes=tuple(code for code, _, _ in stock),
        counts=(tuple(adult for _, adult, _ in stock), tuple(child for _, _, child in stock)),
    )
    return [ItemsSet(MORNING, (ADULT, CHILD)), PlacesChanged(MORNING, tuple(places)), tick]


def _place(row: dict[str, str], known: tuple[dict[str, str], int] | None, where: Any, copy: int) -> Place:
    lon, lat, codes = where
    place = known[1] if known is not None and np.isfinite(lon[known[1]]) else -1
    code = codes[place] if place >= 0 else ""
    own = row["醫事機構代碼"]
    return Place(
        code=own if not copy else f"{copy}{own[1:]}",
        name=row["醫事機構名稱"],
        address=row["醫事機構地址"],
        phone=row["醫事機構電話"],
        county=county_names().get(code[:5], ""),
        town=town_names().get(code, ""),
        town_code=code,
        lon=float(lon[place]) + copy * 0.001 if place >= 0 else None,
        lat=float(lat[place]) + copy * 0.0007 if place >= 0 else None,
        located="single" if place >= 0 else "none",
    )


def _rows(path: str) -> list[dict[str, str]]:
    text = gzip.decompress(shared_data(path).read_bytes()).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))
