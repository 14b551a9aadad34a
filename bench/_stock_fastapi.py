"""FastAPI's side of bench/stock_http.py: the same board and kernel in its own process, JSON by orjson.

Written as a careful developer would: parameters declared with `Query`, unknown ones refused, the outlet's part of an
answer kept as a dict until its row changes, the whole written by orjson and sent without a second validation.
"""

import asyncio
import math
import sys
import time
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

sys.path.append(str(Path(__file__).parents[1] / ".venv/lib/python3.11/site-packages"))  # numba, for the same kernel

import msgspec
import orjson
import uvicorn
from bench._stock_board import change, events
from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from banyan.craft.place import grid
from banyan.kernel.events.clock import EpochS, iso
from banyan.service.supplies.board import Board
from banyan.service.supplies.confidence import confidence
from banyan.service.supplies.hours import is_open, slot_at
from banyan.service.supplies.model import StockTick

READY = b"x" * 6_500
"""As long as an answer of ten outlets."""


class Ask(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    item: Annotated[str, Field(max_length=40)] = ""
    k: Annotated[int, Field(ge=1, le=50)] = 10
    least: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    radius: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    open: bool = False


def build(size: int, at: float, every_s: float) -> FastAPI:
    board = Board()
    for seq, event in enumerate(events(size, at), 1):
        board.apply(seq, event)
    grid.warm().join()
    outlets: dict[int, dict[str, Any]] = {}

    async def take(tick: StockTick) -> None:
        for row in board.apply(board.seq + 1, tick).rows:
            outlets.pop(row, None)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        task = asyncio.create_task(change(take, list(board.row_of), at, every_s))
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)
    said = lru_cache(4_096)(iso)

    def outlet(row: int) -> dict[str, Any]:
        known = outlets.get(row)
        if known is None:
            known = outlets[row] = msgspec.to_builtins(board.shown(row))
        return known

    @app.get("/api/supplies/nearest_stock")
    async def nearest_stock(ask: Annotated[Ask, Query()]) -> Response:
        item = board.item_of.get(ask.item, -1) if ask.item else 0
        if item < 0:
            raise HTTPException(404, "no such item")
        now = EpochS(time.time())
        slot = slot_at(now)
        rows, apart = board.nearest(
            ask.lon, ask.lat, item, k=ask.k, least=ask.least, radius_m=ask.radius or math.inf,
            slot=slot if ask.open else -1,
        )  # fmt: skip
        slots = board.slots()
        near = []
        for row, metres in zip(rows, apart, strict=True):
            as_of, opened = board.row_as_of(item, row), is_open(int(slots[row]), slot)
            sure = confidence(now - as_of, board.status(row, item), board.places[row].located, is_open=opened)
            near.append(
                {
                    "metres": round(metres),
                    "open": opened,
                    "as_of": said(as_of) if as_of > 0 else "",
                    "confidence": sure,
                    "outlet": outlet(row),
                }
            )
        answer = {"item": ask.item, "as_of": said(board.as_of[item]), "seq": board.seq, "places": near}
        return Response(orjson.dumps(answer), media_type="application/json")

    @app.get("/bare")
    async def bare(ask: Annotated[Ask, Query()]) -> Response:
        """The framework's own part: the parameters validated, and bytes that are ready."""
        return Response(READY, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])), port=int(sys.argv[1]), loop="uvloop",
        http="httptools", log_level="error", access_log=False,
    )  # fmt: skip
