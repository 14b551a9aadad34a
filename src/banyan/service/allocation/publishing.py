"""An approved plan becomes open data: two datasets for each item, whose versions are the plans."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events import Event
from banyan.service.allocation.deciding import APPROVED
from banyan.service.allocation.model import Inputs, Plan
from banyan.service.allocation.reading import seen
from banyan.service.allocation.service import SERVICE
from banyan.service.allocation.shelf import Dataset, shelf_of
from banyan.service.allocation.views import adjusted, row_view
from banyan.service.allocation.wording import MESSAGES

PLAN_COLUMNS: Final = (
    "醫事機構代碼", "機構名稱", "縣市鄉鎮", "日期", "箱數", "數量", "占缺口百分比", "理由代碼", "理由", "理由（英文）",
)  # fmt: skip
INPUT_COLUMNS: Final = (
    "醫事機構代碼", "機構名稱", "縣市鄉鎮", "經度", "緯度", "預期數量", "標準誤", "最低箱數", "最低量原因",
    "存放上限箱數", "現有數量",
)  # fmt: skip


@SERVICE.on(APPROVED)
async def publish(ctx: Context, event: Event) -> None:
    """At least once; the portal takes the same file twice as one version."""
    shelf = shelf_of(ctx.db)
    if shelf is None or shelf.publish is None:
        return
    kept, inputs, made, acts = await seen(ctx, event.subject)
    final = await asyncio.to_thread(adjusted, inputs, made, acts)
    for make in (plan_dataset, inputs_dataset):
        await shelf.publish(await asyncio.to_thread(partial(make, kept.id, inputs, final)))


def plan_csv(inputs: Inputs, final: Plan) -> bytes:
    """A row an outlet, with its reason in both languages."""
    views = (row_view(inputs, final, row) for row in range(len(inputs.outlets.code)))
    return _sheet(
        PLAN_COLUMNS,
        (
            (one.code, one.name, one.town, inputs.day, one.boxes, one.units, one.ratio, one.why, *one.reason.values())
            for one in views
        ),
    )


def inputs_csv(inputs: Inputs) -> bytes:
    """The columns that the plan follows from; what is not of an outlet stands in inputs.json."""
    rows = inputs.outlets
    columns = (rows.code, rows.name, rows.town, rows.lon, rows.lat, rows.expected, rows.error, rows.floor)
    return _sheet(INPUT_COLUMNS, zip(*columns, rows.floor_of, rows.room, rows.stock, strict=True))


def plan_dataset(id: str, inputs: Inputs, final: Plan) -> Dataset:
    return _dataset("plan", id, inputs, plan_csv(inputs, final), PLAN_COLUMNS)


def inputs_dataset(id: str, inputs: Inputs, final: Plan) -> Dataset:
    return _dataset("inputs", id, inputs, inputs_csv(inputs), INPUT_COLUMNS)


def _dataset(which: str, id: str, inputs: Inputs, body: bytes, columns: Sequence[str]) -> Dataset:
    def said(key: str, lang: str) -> str:
        return MESSAGES.text(
            f"allocation.dataset.{which}_{key}", lang, item=inputs.title.get(lang, inputs.item), id=id, day=inputs.day
        )

    return Dataset(
        name=f"allocation-{inputs.item}-{which}",
        filename=f"allocation-{inputs.item}-{which}.csv",
        body=body,
        title=said("title", "zh-Hant"),
        title_en=said("title", "en"),
        notes=said("notes", "zh-Hant"),
        notes_en=said("notes", "en"),
        tags=("物資分配", inputs.title.get("zh-Hant", inputs.item)),
        columns={
            name: MESSAGES.text(f"allocation.column.{which}_{place}", "zh-Hant") for place, name in enumerate(columns)
        },
    )


def _sheet(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\r\n")
    sheet.writerow(head)
    sheet.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
