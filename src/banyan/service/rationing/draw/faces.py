"""A published draw as files, for anybody's own tools: `draw.json` and `ranks.csv`. They never change."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from banyan.errors import Conflict
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.rationing.draw import keeping
from banyan.service.rationing.draw.operations import Named, Nothing, bundle_of
from banyan.service.rationing.draw.shelf import both
from banyan.service.rationing.service import SERVICE

VERIFIER: Final = Path(__file__).parents[5] / "docs" / "verify-draw.py"
FOR_EVER: Final = (("Cache-Control", "public, max-age=31536000, immutable"), ("Access-Control-Allow-Origin", "*"))


@SERVICE.operation(
    "draw_ranks",
    title={"zh-Hant": "抽籤名次檔", "en": "A draw's ranks"},
    summary={"zh-Hant": "每張籤的名次，依序一行一張。", "en": "Each ticket's rank, one a row, in order."},
    data=OPEN,
    audience="public",
    channels=(),
)
async def draw_ranks(ctx: Context, request: Named) -> FaceAnswer:
    """The file as it is kept, sent with ranges. Raises NotFound, Conflict before it is published."""
    kept = await keeping.found(ctx.db, request.draw)
    if kept.draw.state != "published":
        raise Conflict(both("not_public"), remedy=both("not_public_remedy"), kind="not_public")
    return FaceAnswer(ctx.db.blobs.path(kept.ranks), media_type="text/csv; charset=utf-8", headers=FOR_EVER)


@SERVICE.operation(
    "draw_file",
    title={"zh-Hant": "抽籤驗證檔（檔案）", "en": "A draw's bundle as a file"},
    summary={"zh-Hant": "重算一場抽籤所需的一切。", "en": "All it takes to run a draw again."},
    data=OPEN,
    audience="public",
    channels=(),
)
async def draw_file(ctx: Context, request: Named) -> FaceAnswer:
    """Raises NotFound, Conflict before it is published."""
    made = bundle_of(await keeping.found(ctx.db, request.draw))
    return FaceAnswer(msgspec.json.format(msgspec.json.encode(made), indent=1), headers=FOR_EVER)


@SERVICE.face("GET", path="/rationing/draws/{draw}/draw.json", rate="read")
async def file(request: FaceRequest) -> FaceAnswer:
    """What a draw was made of."""
    return await _sent(request, "draw_file")


@SERVICE.face("GET", path="/rationing/draws/{draw}/ranks.csv", rate="bulk")
async def ranks(request: FaceRequest) -> FaceAnswer:
    """Everybody's rank."""
    return await _sent(request, "draw_ranks")


@SERVICE.operation(
    "draw_verifier",
    title={"zh-Hant": "抽籤驗證程式", "en": "The draws' verifier"},
    summary={
        "zh-Hant": "一頁長的程式，任何人都能用來重算一場抽籤。",
        "en": "A page of Python by which anybody runs a draw again.",
    },
    data=OPEN,
    audience="public",
    channels=(),
)
async def draw_verifier(ctx: Context, request: Nothing) -> FaceAnswer:
    """As it stands in the docs, where a test runs it."""
    return FaceAnswer(VERIFIER, media_type="text/x-python; charset=utf-8")


@SERVICE.face("GET", path="/rationing/verify-draw.py", rate="read")
async def verifier(request: FaceRequest) -> FaceAnswer:
    """The verifier, to be run elsewhere."""
    answer = await request.call("rationing.draw_verifier", Nothing())
    assert isinstance(answer, FaceAnswer), "a file is sent as it is"
    return answer


async def _sent(request: FaceRequest, operation: str) -> FaceAnswer:
    answer = await request.call(f"rationing.{operation}", {"draw": request.params["draw"]})
    assert isinstance(answer, FaceAnswer), "a file is sent as it is"
    return answer
