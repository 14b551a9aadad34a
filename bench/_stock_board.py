"""The board under measurement in bench/stock_http.py: the real outlets of February 2020, grown by neighbours of them.

Both servers make it from the same numbers, so their answers can be compared.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from pathlib import Path

from banyan.kernel.events.clock import EpochS
from banyan.service.supplies.model import BoardEvent, Item, ItemsSet, Place, PlacesChanged, StockTick

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BANYAN_SHARED_DATA") or ROOT.parent / "shared/data") / "supplies"
ITEMS = (
    Item("mask-adult", {"zh-Hant": "成人口罩", "en": "Adult masks"}, {"zh-Hant": "片", "en": "pieces"}, 20, "mask"),
    Item("mask-child", {"zh-Hant": "兒童口罩", "en": "Child masks"}, {"zh-Hant": "片", "en": "pieces"}, 10, "mask"),
)
NAMES = tuple(item.id for item in ITEMS)
NEAR_DEGREES = 0.02
"""How far a made outlet lies from the real one it is a neighbour of: about 2 km, so towns stay dense."""
CHUNK = 20_000
"""Outlets of one event: an event of the journal has JOURNAL_FRAME_BYTES."""
SHARE = 10
"""One in so many outlets changes in a tick."""


def places(size: int, seed: int = 20200214) -> Iterator[Place]:
    """`size` outlets with a point: the real ones first, then neighbours of them."""
    draw = random.Random(seed)
    with gzip.open(DATA / "outlets.csv.gz", "rt", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    located = [row for row in rows if row["lon"]]
    for number in range(size):
        row = located[number] if number < len(located) else draw.choice(located)
        is_real = number < len(located)
        yield Place(
            code=row["id"] if is_real else f"G{number:09d}",
            name=row["name"],
            address=row["address"],
            phone=row["phone"],
            county=row["county"],
            town=row["town"],
            town_code="10015010",
            lon=float(row["lon"]) + (0 if is_real else draw.gauss(0, NEAR_DEGREES)),
            lat=float(row["lat"]) + (0 if is_real else draw.gauss(0, NEAR_DEGREES)),
            located=draw.choice(("agree", "agree", "agree", "single", "differ")),
            hours="".join(draw.choice("NNNY") for _ in range(21)),
            hours_note="",
        )


def events(size: int, at: float) -> Iterator[BoardEvent]:
    """The events that make the board, with a first look at `at`."""
    now = EpochS(at)
    yield ItemsSet(now, ITEMS)
    codes: list[str] = []
    chunk: list[Place] = []
    for place in places(size):
        chunk.append(place)
        codes.append(place.code)
        if len(chunk) == CHUNK:
            yield PlacesChanged(now, tuple(chunk))
            chunk = []
    if chunk:
        yield PlacesChanged(now, tuple(chunk))
    draw = random.Random(size)
    for start in range(0, size, CHUNK):
        yield look(codes[start : start + CHUNK], at, draw)


def look(codes: list[str], at: float, draw: random.Random) -> StockTick:
    """One look at these outlets: a third sold out, some with all of it promised."""
    adult = tuple(draw.choice((0, 40, 200, 400)) and draw.randrange(1, 400) for _ in codes)
    child = tuple(draw.choice((0, 0, 50, 100)) and draw.randrange(1, 100) for _ in codes)
    held = tuple(count if draw.random() < 0.1 else 0 for count in adult)
    now = EpochS(at)
    return StockTick(now, now, "bench", NAMES, tuple(codes), (adult, child), (held, (0,) * len(codes)))


def ticks(codes: list[str], at: float, count: int = 8) -> list[StockTick]:
    """Looks made ahead, to be taken in turn: in each, one outlet in SHARE has another number."""
    draw = random.Random(len(codes))
    return [look(draw.sample(codes, max(1, len(codes) // SHARE)), at + number, draw) for number in range(1, count + 1)]


async def change(take: Callable[[StockTick], Awaitable[object]], codes: list[str], at: float, every_s: float) -> None:
    """Once told by SIGUSR1, take another look every `every_s` seconds, for ever."""
    looks = cycle(ticks(codes, at))
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    await told.wait()
    while True:
        await take(next(looks))
        await asyncio.sleep(every_s)


def targets(count: int, seed: int = 7) -> list[str]:
    """Paths with query: people stand near outlets; one in five asks for children's masks, one for open ones only."""
    draw = random.Random(seed)
    spots = [(place.lon, place.lat) for place in places(5_000)]
    made = []
    for _ in range(count):
        lon, lat = draw.choice(spots)
        assert lon is not None
        assert lat is not None
        item = NAMES[draw.random() < 0.2]
        extra = "&open=true" if draw.random() < 0.2 else ""
        lon, lat = lon + draw.gauss(0, 0.01), lat + draw.gauss(0, 0.01)
        made.append(f"/api/supplies/nearest_stock?lon={lon:.5f}&lat={lat:.5f}&item={item}&k=10{extra}")
    return made
