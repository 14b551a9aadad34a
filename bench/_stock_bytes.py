"""Bytes a client takes in a minute: our feed of changes beside the whole official CSV every 30 s, on the real series.

The board is filled from the real snapshots of a day of 2020, one commit each, in a real node; after each the feeds are
asked over its door, as a client would, and the bodies counted, gzip and plain.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench._stock_board import DATA, ITEMS, NAMES  # noqa: E402

from banyan.kernel.events.clock import EpochS  # noqa: E402
from banyan.node import open_node  # noqa: E402
from banyan.service.supplies.keeping import kept_of  # noqa: E402
from banyan.service.supplies.model import ItemsSet, Place, PlacesChanged, StockTick  # noqa: E402
from banyan.settings import Settings  # noqa: E402

POLLS_A_MINUTE = 2
DAYS = ("2020-02-09", "2020-02-14", "2020-03-03")
CSV = "/api/supplies/official/mask.csv"


def looks(day: str) -> Iterator[StockTick]:
    """A tick for each snapshot of the day: what changed since the one before."""
    before: dict[str, tuple[int, int]] = {}
    with gzip.open(DATA / f"stock_series_{day}.csv.gz", "rt", encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for moment, block in groupby(rows, key=lambda row: row[0]):
            now = {code: (int(adult), int(child)) for _, code, adult, child in block}
            changed = {code: pair for code, pair in now.items() if before.get(code) != pair}
            at = EpochS(datetime.fromisoformat(moment).timestamp())
            counts = tuple(tuple(pair[place] for pair in changed.values()) for place in (0, 1))
            gone = tuple(before.keys() - now.keys())
            yield StockTick(at, at, "masks", NAMES, tuple(changed), counts, gone=gone)
            before = now


def outlets() -> PlacesChanged:
    with gzip.open(DATA / "outlets.csv.gz", "rt", encoding="utf-8-sig", newline="") as file:
        places = [
            Place(
                code=row["id"],
                name=row["name"],
                address=row["address"],
                phone=row["phone"],
                lon=float(row["lon"]) if row["lon"] else None,
                lat=float(row["lat"]) if row["lon"] else None,
                located="single" if row["lon"] else "none",
            )
            for row in csv.DictReader(file)
        ]
    return PlacesChanged(EpochS(1.0), tuple(places))


async def got(app: Any, target: str, encoding: str) -> int:
    """Bytes of the body of a GET."""
    path, _, query = target.partition("?")
    size = 0
    status = 0

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal size, status
        status = message.get("status", status)
        size += len(message.get("body", b""))

    headers = [(b"host", b"localhost"), *([(b"accept-encoding", encoding.encode())] if encoding else [])]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await asyncio.create_task(app(scope, receive, send))
    assert status == 200, f"{target}: {status}"
    return size


async def day_of(day: str) -> dict[str, Any]:
    """Bytes a client-minute of one day, from its second snapshot to its last."""
    whole = {"plain": 0, "gzip": 0}
    delta = {"plain": 0, "gzip": 0}
    with tempfile.TemporaryDirectory() as folder:
        async with open_node(Path(folder), Settings()) as node:
            kept = kept_of(node.drawers["supplies"])
            await kept.commit(ItemsSet(EpochS(1.0), ITEMS))
            await kept.commit(outlets())
            ticks = list(looks(day))
            before = 0
            for number, tick in enumerate(ticks):
                seq = (await kept.commit(tick)).seq
                for name, encoding in (("plain", ""), ("gzip", "gzip")):
                    if number:
                        whole[name] += await got(node.app, CSV, encoding)
                        delta[name] += await got(node.app, f"/api/supplies/changes?after={before}", encoding)
                before = seq
    news = len(ticks) - 1
    minutes = (ticks[-1].as_of - ticks[0].as_of) / 60
    return {
        "snapshots": len(ticks),
        "minutes": round(minutes, 1),
        "csv_bytes": {name: size // news for name, size in whole.items()},
        "delta_bytes": {name: size // news for name, size in delta.items()},
        "csv_a_minute": {name: size // news * POLLS_A_MINUTE for name, size in whole.items()},
        "csv_when_changed_a_minute": {name: round(size / minutes) for name, size in whole.items()},
        "delta_a_minute": {name: round(size / minutes) for name, size in delta.items()},
        "delta_each_30_s_a_minute": {name: size // news * POLLS_A_MINUTE for name, size in delta.items()},
    }


def measured(days: tuple[str, ...] = DAYS) -> dict[str, Any]:
    return {day: asyncio.run(day_of(day)) for day in days}


if __name__ == "__main__":
    import json

    print(json.dumps(measured(), indent=1))
