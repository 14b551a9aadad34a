"""Reading questions, and answering them without saying what the data does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.make import Node, a_node

import banyan.service.opendata.parts  # noqa: F401 - registers every part
from banyan.kernel.catalogue.dialogue import Reply, Utterance
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM
from banyan.service.opendata import uploads
from banyan.service.opendata.answer.parse import is_additive, read
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.service import SERVICE

Ask = Callable[[str], Awaitable[Reply]]

STATIONS = """站名,縣市,鄉鎮市區,時雨量,收容人數
玉里,花蓮縣,玉里鎮,1.5,120
瑞穗,花蓮縣,瑞穗鄉,4.5,80
板橋,新北市,板橋區,0,300
大安北,臺北市,大安區,2,40
大安中,臺中市,大安區,3,60
"""


@pytest.mark.parametrize(
    ("text", "county", "town", "codes"),
    [
        ("花蓮縣的雨量", "花蓮縣", "", 0),
        ("花蓮雨量", "花蓮縣", "", 0),
        ("台東縣 雨量", "臺東縣", "", 0),
        ("玉里鎮雨量", "花蓮縣", "玉里鎮", 1),
        ("新北市板橋區", "新北市", "板橋區", 1),
        ("台北縣板橋市", "新北市", "板橋區", 1),
        ("大安區的雨量", "", "大安區", 2),
        ("rain in Hualien County", "花蓮縣", "", 0),
        ("hsinchu city rainfall", "新竹市", "", 0),
    ],
)
def test_a_place_is_found_anywhere_in_a_question(text: str, county: str, town: str, codes: int) -> None:
    spot = read(text).spot
    assert spot is not None
    assert (spot.county, spot.town, len(spot.town_codes)) == (county, town, codes)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("請問哪裡還買得到大人口罩？", ("成人口罩",)),
        ("花蓮有沒有藥房", ("藥局",)),
        ("Where can I get sandbags", ("沙包",)),
        ("ＰＭ２．５ 多少", ("pm2.5",)),
        ("雨量", ("雨量",)),
        ("", ()),
        ("？？？", ()),
    ],
)
def test_a_subject_is_put_in_the_datas_words(text: str, subjects: tuple[str, ...]) -> None:
    assert read(text).subjects == subjects


def test_only_counts_may_be_added_up() -> None:
    assert is_additive("成人口罩剩餘數")
    assert is_additive("收容人數")
    assert not is_additive("時雨量")
    assert not is_additive("pm2.5")
    assert not is_additive("空氣品質指數")


def on_stations(folder: Path, story: Callable[[Node, Ask], Awaitable[None]]) -> None:
    async def run() -> None:
        async with a_node(folder, [SERVICE]) as node:
            staged = node.drawers["opendata"].work / "stations.csv"
            await asyncio.to_thread(staged.write_text, STATIONS, "utf-8")
            request = Publish(file=uploads.offer(staged), filename="stations.csv", name="stations", title="雨量站")
            await node.gate.call("opendata.publish", request, caller=SYSTEM)

            async def ask(text: str) -> Reply:
                reply = await node.gate.call("opendata.answer", Utterance(text=text), caller=ANONYMOUS)
                assert isinstance(reply, Reply)
                return reply

            await story(node, ask)

    asyncio.run(run())


def test_a_measure_is_ranged_and_a_count_is_added(tmp_path: Path) -> None:
    async def story(node: Node, ask: Ask) -> None:
        rain = await ask("花蓮縣時雨量多少")
        assert "最低 1.5、最高 4.5、平均 3，共 2 筆" in rain.text
        assert "合計" not in rain.text
        people = await ask("花蓮縣收容人數")
        assert "合計 200，共 2 筆" in people.text
        assert people.sources[0].path == "/dataset/stations"

    on_stations(tmp_path, story)


def test_a_town_of_two_counties_means_both_and_says_so_by_its_rows(tmp_path: Path) -> None:
    async def story(node: Node, ask: Ask) -> None:
        both = await ask("大安區收容人數")
        assert "合計 100，共 2 筆" in both.text

    on_stations(tmp_path, story)


def test_what_no_table_knows_scores_nothing(tmp_path: Path) -> None:
    async def story(node: Node, ask: Ask) -> None:
        for text in ("市長是誰", "雨量為什麼這麼大", "火星雨量", "asdf", "'; DROP TABLE x; --", "％"):
            assert (await ask(text)).score == 0.0, text

    on_stations(tmp_path, story)


def test_a_private_table_answers_nobody(tmp_path: Path) -> None:
    async def story(node: Node, ask: Ask) -> None:
        staged = node.drawers["opendata"].work / "plan.csv"
        await asyncio.to_thread(staged.write_text, "站名,警戒水位\n祕密橋,3\n", "utf-8")
        request = Publish(file=uploads.offer(staged), filename="plan.csv", name="plan", title="水位", private=True)
        await node.gate.call("opendata.publish", request, caller=SYSTEM)
        assert (await ask("警戒水位")).score == 0.0
        feed = (await node.client.get("/api/feed")).text
        assert "plan" not in feed
        assert "stations" in feed

    on_stations(tmp_path, story)
