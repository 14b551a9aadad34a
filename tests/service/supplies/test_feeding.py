"""Feeding through open data itself: publish a file, and the board follows; a broken one changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.make import TOKEN, Node, a_node
from tests.service.supplies.make import AT
from tests.service.supplies.national import HEAD, Snapshot, a_file, few, series

from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.events import feed
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.opendata import uploads
from banyan.service.opendata.parts import SERVICE as OPENDATA
from banyan.service.supplies import feeding
from banyan.service.supplies.board import Board
from banyan.service.supplies.following import SourceView
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.looks import listed_on
from banyan.service.supplies.model import Window
from banyan.service.supplies.parts import SERVICE

OLD_HEAD = HEAD.replace("成人口罩剩餘數", "成人口罩總剩餘數")
ITEMS = ("mask-adult", "mask-child")


class Town:
    """A node with open data and supplies, and a hand to publish and to look."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.count = 0

    async def call(self, operation: str, **values: Any) -> Any:
        return await self.node.gate.call(operation, values, caller=SYSTEM)

    async def publish(self, text: str | bytes, name: str = "masks", **asked: Any) -> None:
        """Publish, and let supplies handle the events it has not handled yet, as its attendant does."""
        self.count += 1
        path = self.node.drawers["opendata"].work / f"up-{self.count}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        ticket = uploads.offer(path)
        await self.call("opendata.publish", file=ticket, filename=f"{name}.csv", name=name, **asked)
        await self.follow_feed()

    async def follow_feed(self) -> None:
        own, theirs = (self.node.drawers[name].sql for name in ("supplies", "opendata"))
        after = await own.read(lambda tx: feed.cursor(tx, "test"))
        for event in await feed.read(theirs, after):
            if event.topic in ("version.published", "version.renewed"):
                await feeding.published(self.node.gate.context("supplies", SYSTEM), event)
            await own.write(lambda tx, seq=event.seq: feed.move_cursor(tx, "test", seq))

    async def begin(self, text: str) -> None:
        await self.call("supplies.save_item", id="mask-adult", title="成人口罩", title_en="Adult masks", unit="片")
        await self.call("supplies.save_item", id="mask-child", title="兒童口罩", title_en="Child masks", few=10)
        await self.publish(text)
        await self.call("supplies.follow_register", source="nhi", register="masks", role="stock")

    @property
    def board(self) -> Board:
        return kept_of(self.node.drawers["supplies"]).board

    def shown(self) -> dict[str, tuple[int, ...]]:
        return listed_on(self.board, ITEMS)

    async def source(self, id: str = "nhi") -> SourceView:
        found: tuple[SourceView, ...] = await self.call("supplies.sources")
        return next(view for view in found if view.source == id)

    async def held(self, id: str = "nhi") -> str:
        held = (await self.source(id)).held
        return held.reason if held else ""

    async def told(self) -> list[tuple[str, Any]]:
        events = await feed.read(self.node.drawers["supplies"].sql, 0)
        return [(event.topic, msgspec.json.decode(event.data)) for event in events]


def in_town(folder: Path, story: Callable[[Town], Awaitable[None]]) -> None:
    async def run() -> None:
        async with a_node(folder, [OPENDATA, SERVICE]) as node:
            await story(Town(node))

    asyncio.run(run())


def looks() -> list[Snapshot]:
    """Six real looks of 14 February, of about 60 outlets."""
    return [few(snapshot, 100) for snapshot in series("2020-02-14")[:6]]


def test_the_board_follows_the_register_and_its_renamed_column(tmp_path: Path) -> None:
    first, second, third = looks()[:3]

    async def story(town: Town) -> None:
        await town.begin(a_file(first, head=OLD_HEAD))
        assert town.shown() == first.counts
        view = await town.source()
        assert (view.version, view.as_of, view.held) == (1, "2020-02-14T00:55:35Z", None)
        assert view.items == {"mask-adult": "成人口罩總剩餘數", "mask-child": "兒童口罩剩餘數"}
        await town.publish(a_file(second))
        assert town.shown() == second.counts
        assert (await town.source()).items["mask-adult"] == "成人口罩剩餘數"
        [(topic, said)] = await town.told()
        assert topic == "schema.changed"
        assert (said["source"], said["register"], said["since_version"]) == ("nhi", "masks", 2)
        assert (said["old"], said["new"]) == ("成人口罩總剩餘數", "成人口罩剩餘數")
        seq = town.board.seq
        await town.publish(a_file(third))
        assert town.board.seq == seq + 1, "a tick is one event"
        assert town.shown() == third.counts
        place = town.board.places[town.board.row_of[next(iter(third.counts))]]
        assert place.name.startswith("藥局"), "names from the stock list when no places register has the code"

    in_town(tmp_path, story)


def test_broken_files_never_reach_the_board(tmp_path: Path) -> None:
    first, second, third = looks()[:3]
    good = a_file(third)
    rows = good.split("\r\n")
    broken = {
        "cut in half": good.encode()[: len(good.encode()) // 2],
        "cut early": good.encode()[:700],
        "a column missing": "\r\n".join(line.rsplit(",", 1)[0] for line in rows),
        "an older file": a_file(first),
        "numbers of the next row": a_file(moved(third)),
        "codes as numbers": good.replace("\r\n59", "\r\n1459"),
        "phone in the stock": "\r\n".join(line.replace("重慶南路", "重慶南路,") for line in rows),
        "damaged": good.encode("utf-16")[3:],
    }

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        await town.publish(a_file(second))
        seq, before = town.board.seq, town.shown()
        for what, text in broken.items():
            with suppress(Problem):  # open data itself refuses some
                await town.publish(text)
            assert town.shown() == before, what
            assert town.board.seq == seq, what
        assert await town.held() != ""
        await town.publish(good)
        assert town.shown() == third.counts
        assert await town.held() == ""
        assert [topic for topic, _ in await town.told()][-1] == "source.resumed"

    in_town(tmp_path, story)


def moved(snapshot: Snapshot) -> Snapshot:
    numbers = list(snapshot.counts.values())
    return Snapshot(snapshot.at, dict(zip(snapshot.counts, [*numbers[1:], numbers[0]], strict=True)))


def test_orders_of_rows_and_columns_are_the_same_board(tmp_path: Path) -> None:
    first, second, third = looks()[:3]
    head, *rows = [line for line in a_file(second).split("\r\n") if line]

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        await town.publish("\ufeff" + "\r\n".join([head, *reversed(rows)]))
        assert town.shown() == second.counts
        turned = [line.split(",")[::-1] for line in a_file(third).split("\r\n") if line]
        await town.publish("\n".join(",".join(line) for line in turned))
        assert town.shown() == third.counts

    in_town(tmp_path, story)


def test_a_closing_is_believed_when_two_more_looks_say_so_or_a_person_does(tmp_path: Path) -> None:
    first, *later = looks()
    night = [msgspec.structs.replace(look, counts=dict(list(look.counts.items())[:20])) for look in later]

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        for agreed in (0, 1):
            await town.publish(a_file(night[agreed]))
            view = await town.source()
            assert view.held is not None
            assert (view.held.reason, view.held.agreed, view.held.releases) == ("vanished", agreed, True)
            assert str(len(first.counts)) in view.held.why["en"]
            assert town.shown() == first.counts
        await town.follow_feed()
        await town.call("supplies.read_register_now", source="nhi")
        assert town.shown() == first.counts, "the same version again is no other look"
        await town.publish(a_file(night[2]))
        assert town.shown() == night[2].counts
        assert town.board.available(0).min() == -1, "not listed now, which is not zero"
        await town.publish(a_file(first))
        assert await town.held() == "stale"
        await town.call("supplies.accept_held", source="nhi")
        assert town.shown() == first.counts
        with pytest.raises(Conflict):
            await town.call("supplies.accept_held", source="nhi")

    in_town(tmp_path, story)


def test_registers_are_joined_and_a_second_stock_list_disturbs_nothing(tmp_path: Path) -> None:
    first, second = looks()[:2]
    codes = list(first.counts)[:3]
    places = "代碼,名稱,地址,經度,緯度\n" + "".join(
        f"{code},大藥局{n},花蓮縣花蓮市中正路{n}號,121.6{n},23.97{n}\n" for n, code in enumerate(codes)
    )
    again = places.replace("121.60", "121.62")
    hours = "機構代碼,看診星期,看診備註\n" + "".join(
        f"{code},{'N' * 21},{note}\n"
        for code, note in zip(codes, ("號碼牌 8:30 發放", "-", "每日上午9點販售"), strict=True)
    )
    notices = "機構代碼,販售開始,販售結束,保留數,公告\n"
    notices += f"{codes[0]},10:00,12:00,5,請勿提早排隊\n9999999999,10:00,12:00,5,不在名單\n"
    tests = "醫事機構代碼,快篩試劑截至目前結餘存貨數量,廠牌項目,備註\n"
    tests += f"{codes[0]},78,甲牌,下午2:00開始販售\n5999990005,39,乙牌,x\n"

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        for name, text in {"geo-a": places, "geo-b": again, "hours": hours, "notices": notices, "tests": tests}.items():
            await town.publish(text, name)
        await town.call("supplies.follow_register", source="geo-b", register="geo-b", role="places", rank=1)
        await town.call("supplies.follow_register", source="geo-a", register="geo-a", role="places")
        await town.call("supplies.follow_register", source="hours", register="hours", role="hours")
        items = {"mask-adult": "保留數"}
        await town.call("supplies.follow_register", source="notices", register="notices", role="notices", items=items)
        shown = [town.board.shown(town.board.row_of[code]) for code in codes]
        assert [one.name for one in shown] == ["大藥局0", "大藥局1", "大藥局2"]
        assert [one.located for one in shown] == ["differ", "agree", "agree"]
        assert shown[0].lon == 121.6, "the first geocoding, though it was followed second"
        assert (shown[0].sale, shown[0].plate) == (Window(600, 720), Window(510, 1440))
        assert (shown[2].sale, shown[0].notice) == (Window(540, 1440), "請勿提早排隊")
        assert town.board.stocked(town.board.row_of[codes[0]], 0).reserved == 5
        assert "9999999999" not in town.board.row_of, "no outlet by a notice alone"
        await town.call("supplies.save_item", id="rapid-test", title="快篩試劑", title_en="Rapid tests")
        await town.call("supplies.follow_register", source="tests", register="tests", role="stock")
        assert town.board.stocked(town.board.row_of["5999990005"], 2).count == 39
        assert town.board.shown(town.board.row_of["5999990005"]).notice == "廠牌項目：乙牌；x"
        assert town.shown() == first.counts
        await town.publish(a_file(second))
        assert town.shown() == second.counts
        assert town.board.stocked(town.board.row_of[codes[0]], 2).count == 78
        await town.publish(notices.replace(",5,", ",0,"), "notices")
        assert town.board.stocked(town.board.row_of[codes[0]], 0).reserved == 0
        await town.publish(places.replace(f"{codes[1]},", "5999999999,"), "geo-a")
        assert not town.board.is_gone()[town.board.row_of[codes[1]]], "the stock list and the other geocoding have it"

    in_town(tmp_path, story)


def test_after_a_restart_the_attendant_reads_what_came_meanwhile_once(tmp_path: Path) -> None:
    first, second = looks()[1:3]

    async def before(town: Town) -> None:
        await town.begin(a_file(first))

    async def after(town: Town) -> None:
        assert town.shown() == first.counts, "the journal has it"
        town.count = 50
        path = town.node.drawers["opendata"].work / "up"
        path.write_text(a_file(second))
        await town.call("opendata.publish", file=uploads.offer(path), filename="masks.csv", name="masks")
        log = lambda name, fields: town.node.logged.append((name, fields))  # noqa: E731
        seq = town.board.seq
        worker = Attendant(SERVICE, town.node.drawers["supplies"], town.node.gate, log=log, jitter=lambda: 0.5)
        work = asyncio.create_task(worker.run())
        async with asyncio.timeout(20):
            while town.shown() != second.counts:
                await asyncio.sleep(0.01)
            while await town.node.drawers["supplies"].sql.read(lambda tx: feed.cursor(tx, "attendant:opendata")) < 2:
                await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert town.board.seq == seq + 1, "timer and events read it once"
        assert not [name for name, _ in town.node.logged if name.startswith("handler.")]

    in_town(tmp_path, before)
    in_town(tmp_path, after)


def test_what_cannot_be_followed_is_refused_with_the_fix(tmp_path: Path) -> None:
    first = looks()[0]

    async def story(town: Town) -> None:
        with pytest.raises(NotFound):
            await town.call("supplies.follow_register", source="nhi", register="none", role="stock")
        await town.publish(a_file(first))
        with pytest.raises(Invalid, match="哪一種物資"):
            await town.call("supplies.follow_register", source="nhi", register="masks", role="stock")
        await town.begin(a_file(first))
        for wrong, field in (
            ({"items": {"mask-adult": "沒有的欄位"}}, "items"),
            ({"items": {"water": "成人口罩剩餘數"}}, "items"),
            ({"columns": {"code": "沒有的欄位"}}, "columns"),
            ({"columns": {"colour": "醫事機構代碼"}}, "columns"),
            ({"role": "hours"}, "columns"),
        ):
            with pytest.raises(Invalid) as refused:
                await town.call(
                    "supplies.follow_register", **{"source": "x", "register": "masks", "role": "stock"} | wrong
                )
            assert refused.value.fields[0].field == field
            assert (
                "醫事機構代碼" in refused.value.remedy
                or "mask-adult" in refused.value.remedy
                or "code" in refused.value.remedy
            )
        with pytest.raises(Conflict, match="nhi"):
            await town.call("supplies.follow_register", source="other", register="masks", role="stock")
        with pytest.raises(NotFound, match="nobody"):
            await town.call("supplies.read_register_now", source="nobody")
        denied = await town.node.client.post("/api/supplies/unfollow_register", json={"source": "nhi"})
        assert denied.status in (401, 403)
        dropped = await town.node.client.post("/api/supplies/unfollow_register", json={"source": "nhi"}, token=TOKEN)
        assert dropped.json == []
        await town.publish(a_file(looks()[1]))
        assert town.shown() == first.counts, "the board keeps what it had"
        assert town.board.as_of[0] == AT - 599

    in_town(tmp_path, story)


def test_a_register_that_is_taken_away_is_said_and_comes_back(tmp_path: Path) -> None:
    first, second = looks()[:2]

    async def story(town: Town) -> None:
        await town.begin(a_file(first))
        await town.call("opendata.delete_dataset", name="masks", purge=True)
        view = await town.call("supplies.read_register_now", source="nhi")
        assert (view.held.reason, view.version, view.held.releases) == ("no-register", 1, False)
        assert town.shown() == first.counts
        await town.publish(a_file(second))
        assert town.shown() == second.counts
        assert await town.held() == ""
        assert [topic for topic, _ in await town.told()] == ["source.held", "source.resumed"]

    in_town(tmp_path, story)
