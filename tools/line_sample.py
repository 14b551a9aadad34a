"""Write docs/tour/line-carousel.json: the reply that LINE gets for a shared location, made by the product itself.

    .venv/bin/python tools/line_sample.py

Deterministic: four invented outlets, a frozen clock. A test checks the file against line-bot-sdk's own models.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

from banyan.channel.line.messages import Look, messages_of
from banyan.kernel.catalogue.dialogue import Reply, Utterance
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.node import open_node
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import (
    BoardEvent,
    Item,
    ItemsSet,
    Notice,
    NoticesChanged,
    Place,
    PlacesChanged,
    StockTick,
    Window,
)
from banyan.settings import Settings
from banyan.wire.line import write_reply

SAMPLE = Path(__file__).parents[1] / "docs/tour/line-carousel.json"
AT = EpochS(1_795_395_600.0)
"""2026-11-23 09:00 in Taiwan, a Monday morning."""
HERE = (121.6044, 23.9769)
UNIT = {"zh-Hant": "片", "en": "pieces"}
ITEMS = (
    Item("mask-adult", {"zh-Hant": "成人口罩", "en": "Adult masks"}, UNIT, 20, "mask"),
    Item("mask-child", {"zh-Hant": "兒童口罩", "en": "Child masks"}, UNIT, 10, "mask"),
)
COUNTS = (("9900000001", 186, 40), ("9900000002", 200, 0), ("9900000003", 12, 55), ("9900000004", 0, 8))
RESERVED = (0, 120, 0, 0)
SPOTS = ((121.6051, 23.9774), (121.6082, 23.9790), (121.6010, 23.9731), (121.6060, 23.9760))
NAMES = ("榕樹藥局", "美崙示範藥局", "溝仔尾衛生站", "花崗山藥局")


def events() -> tuple[BoardEvent, ...]:
    """The journal of the invented board."""
    places = tuple(
        Place(
            code=code,
            name=name,
            address=f"花蓮縣花蓮市示範路{number}號",
            phone=f"(03)832000{number}",
            county="花蓮縣",
            town="花蓮市",
            town_code="10015010",
            lon=lon,
            lat=lat,
            located="agree",
            hours="N" * 14 + "Y" * 7,
        )
        for number, ((code, _, _), name, (lon, lat)) in enumerate(zip(COUNTS, NAMES, SPOTS, strict=True), 1)
    )
    notice = Notice("9900000002", sale=Window(570, 720), plate=Window(510, 570), text="號碼牌發完為止")
    tick = StockTick(
        at=AT,
        as_of=EpochS(AT - 120),
        source="sample",
        items=("mask-adult", "mask-child"),
        codes=tuple(code for code, _, _ in COUNTS),
        counts=(tuple(adult for _, adult, _ in COUNTS), tuple(child for _, _, child in COUNTS)),
        reserved=(RESERVED, (0,) * len(COUNTS)),
    )
    return (ItemsSet(AT, ITEMS), PlacesChanged(AT, places), NoticesChanged(AT, (notice,)), tick)


async def answered(folder: Path) -> Reply:
    """The product's answer to 附近哪裡還有成人口罩 from HERE."""
    settings = Settings(services=("banyan.service.supplies.parts:SERVICE",))
    async with open_node(folder, settings, clock=lambda: AT) as node:
        kept = kept_of(node.drawers["supplies"])
        for event in events():
            await kept.commit(event)
        asked = Utterance(text="附近哪裡還有成人口罩", place=HERE)
        reply = await node.gate.call("supplies.ask", asked, caller=ANONYMOUS)
    assert isinstance(reply, Reply), "the question tool answers Reply"
    return reply


def made() -> str:
    """The sample's text."""
    with tempfile.TemporaryDirectory() as folder:
        reply = asyncio.run(answered(Path(folder)))
    messages = messages_of([reply], Look("https://data.example.gov.tw", "zh-Hant"))
    body = json.loads(write_reply("0f3779fba3b349968c5d07db31eab56f", messages))
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    SAMPLE.write_text(made(), encoding="utf-8")
