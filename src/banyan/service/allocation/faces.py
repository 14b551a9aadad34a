"""Downloads: a plan's inputs and document as the bytes that its hashes are of, and its tables as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Final

from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.service.allocation.publishing import inputs_csv, plan_csv
from banyan.service.allocation.reading import Named, seen
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.views import adjusted

CSV: Final = "text/csv; charset=utf-8"
JSON: Final = "application/json"


def _file(name: str, zh: str, en: str) -> None:
    """Declare the operation that makes a file, and its face."""

    @SERVICE.operation(
        f"file_{name.replace('.', '_')}",
        title={"zh-Hant": zh, "en": en},
        summary={"zh-Hant": f"下載 {name}。", "en": f"Download {name}."},
        data=OPEN,
        audience="public",
        path=f"/allocation/plans/{{id}}/{name}",
        channels=("feed",),
        answers=FaceAnswer,
    )
    async def make(ctx: Context, request: Named) -> bytes:
        kept, inputs, made, acts = await seen(ctx, request.id)
        if name == "inputs.json":
            return await asyncio.to_thread(ctx.db.blobs.path(kept.inputs).read_bytes)
        if name == "plan.json":
            return await asyncio.to_thread(ctx.db.blobs.path(kept.document).read_bytes)
        if name == "inputs.csv":
            return await asyncio.to_thread(inputs_csv, inputs)
        return await asyncio.to_thread(lambda: plan_csv(inputs, adjusted(inputs, made, acts)))

    @SERVICE.face("GET", path=f"/allocation/plans/{{id}}/{name}", rate="query", channel="web")
    async def face(request: FaceRequest) -> FaceAnswer:
        id = request.params["id"]
        body = await request.call(f"allocation.file_{name.replace('.', '_')}", {"id": id})
        headers = (("Content-Disposition", f'attachment; filename="allocation-{id}-{name}"'),)
        return FaceAnswer(body, media_type=CSV if name.endswith("csv") else JSON, headers=headers)


_file("inputs.json", "計畫的輸入", "Inputs of a plan")
_file("plan.json", "計畫文件", "Document of a plan")
_file("inputs.csv", "計畫的輸入（表格）", "Inputs of a plan as a table")
_file("plan.csv", "計畫（表格）", "A plan as a table")


@SERVICE.face("GET", path="/allocation/plans/{id}/towns.csv", rate="query", channel="web")
async def towns(request: FaceRequest) -> FaceAnswer:
    """Units per 1,000 residents by town, as `allocation.fairness` answers."""
    found = await request.call("allocation.fairness", {"id": request.params["id"]})
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\r\n")
    sheet.writerow(("縣市鄉鎮", "地點數", "數量", "人口數", "每千人數量"))
    sheet.writerows(
        [
            one.town,
            one.outlets,
            one.units,
            one.people if one.people is not None else "",
            one.per_1000 if one.per_1000 is not None else "",
        ]
        for one in found.towns
    )
    headers = (("Content-Disposition", 'attachment; filename="towns.csv"'),)
    return FaceAnswer(text.getvalue().encode("utf-8-sig"), media_type=CSV, headers=headers)


@SERVICE.face("GET", path="/allocation/plans/{id}/moves.csv", rate="query", channel="web")
async def moves(request: FaceRequest) -> FaceAnswer:
    """Redistributions proposed, as `allocation.moves` answers."""
    found = await request.call("allocation.moves", {"id": request.params["id"]})
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\r\n")
    sheet.writerow(("由", "名稱", "到", "名稱", "鄉鎮", "箱數", "公尺", "理由"))
    sheet.writerows(
        [one.give, one.give_name, one.take, one.take_name, one.town, one.boxes, one.metres, one.reason[request.lang]]
        for one in found
    )
    headers = (("Content-Disposition", 'attachment; filename="moves.csv"'),)
    return FaceAnswer(text.getvalue().encode("utf-8-sig"), media_type=CSV, headers=headers)
