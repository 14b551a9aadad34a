"""An outlet that counts itself is shown as it counts: a register's older word, or its silence, changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from tests.make import NOW, a_node
from tests.service.supplies.national import a_file
from tests.service.supplies.test_feeding import SERVICE, Town, in_town, looks

from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.supplies import tills
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import Window


async def tell(town: Town, *stocks: tuple[str, str, int, int], at: float = NOW) -> None:
    rows = [dict(zip(("outlet", "item", "count", "reserved"), one, strict=True)) for one in stocks]
    data = msgspec.Raw(msgspec.json.encode({"at": at, "stocks": rows}))
    await tills.counted(town.node.gate.context("supplies", SYSTEM), Event("stock.counted", "", data))


def test_a_register_says_nothing_more_of_an_outlet_that_counts_itself(tmp_path: Path) -> None:
    first, second, third = looks()[:3]

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        code, other = list(first.counts)[:2]
        await tell(town, (code, "mask-adult", 77, 30))
        board, row = town.board, town.board.row_of[code]
        assert (board.count(0)[row], board.reserved(0)[row], board.available(0)[row]) == (77, 30, 47)
        assert board.row_as_of(0, row) == NOW, "its number has its own time"
        assert board.row_as_of(0, board.row_of[other]) == first.at, "of no other is anything new known"
        await town.publish(a_file(second))
        assert town.shown() == second.counts | {code: (77, first.counts[code][1])}
        without = {key: counts for key, counts in third.counts.items() if key != code}
        await town.publish(a_file(msgspec.structs.replace(third, counts=without)))
        assert board.available(0)[row] == 47, "off the file's list, on its own"
        assert (await town.source()).held is None

    in_town(tmp_path, story)


def test_a_restart_and_an_item_saved_later_show_what_was_told(tmp_path: Path) -> None:
    async def run(stage: int) -> None:
        async with a_node(tmp_path, [SERVICE]) as node:
            town = Town(node)
            if stage == 1:
                await tell(town, ("5901010004", "mask-adult", 12, 0), ("5901010004", "mask-child", 5, 5))
                assert town.board.size == 0, "nobody has saved the items"
                await town.call("supplies.save_item", id="mask-adult", title="成人口罩", title_en="Adult masks")
            assert town.board.available(0).tolist() == [12]
            assert kept_of(node.drawers["supplies"]).tills == {"5901010004"}
            seq = town.board.seq
            await tills.show_all(node.gate.context("supplies", SYSTEM))
            assert town.board.seq == seq, "what stands is not told again"

    for stage in (1, 2):
        asyncio.run(run(stage))


def test_an_outlets_own_notice_goes_before_the_registers(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        first = looks()[0]
        await town.begin(a_file(first))
        code = next(iter(first.counts))
        said = {"at": NOW, "outlet": code, "sale": [540, 720], "plate": [], "text": "今日 200 份"}
        event = Event("notice.announced", code, msgspec.Raw(msgspec.json.encode(said)), EpochS(NOW))
        await tills.announced(town.node.gate.context("supplies", SYSTEM), event)
        answer = await town.call("supplies.outlet", code=code)
        assert (answer.outlet.sale, answer.outlet.plate, answer.outlet.notice) == (
            Window(540, 720),
            None,
            "今日 200 份",
        )
        notices = f"醫事機構代碼,販售開始,販售結束,公告\r\n{code},14:00,15:00,別的話\r\n"
        await town.publish(notices, name="notices")
        await town.call("supplies.follow_register", source="n", register="notices", role="notices")
        assert (await town.call("supplies.outlet", code=code)).outlet.notice == "今日 200 份"

    in_town(tmp_path, story)
