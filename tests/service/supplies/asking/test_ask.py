"""Answers about stock: what they say of an outlet, a town, the nation, and what they say when little is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.make import a_node, frozen_clock
from tests.service.supplies.make import ADULT, AT, CHILD, EVENTS, a_tick

from banyan.kernel.catalogue.dialogue import Reply, Utterance
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import ANONYMOUS
from banyan.limits import CARD_LINES, CARDS
from banyan.limits_supplies import SUPPLIES_NAMES, SUPPLIES_NOTICE_SHOWN
from banyan.service.supplies.asking import operation
from banyan.service.supplies.asking.hearing import hear
from banyan.service.supplies.keeping import kept_of
from banyan.service.supplies.model import BoardEvent, Notice, NoticesChanged, Place, PlacesChanged

SERVICE = operation.SERVICE
HERE = (121.604, 23.977)


def ask(
    folder: Path, *questions: str, events: Sequence[BoardEvent] = EVENTS, after_s: float = 180, **said: Any
) -> list[Reply]:
    async def run() -> list[Reply]:
        async with a_node(folder, [SERVICE], clock=frozen_clock(AT + after_s)) as node:
            for event in events:
                await kept_of(node.drawers["supplies"]).commit(event)
            replies = []
            for text in questions:
                utterance = Utterance(text=text, **said)
                replies.append(await node.gate.call("supplies.ask", utterance, caller=ANONYMOUS))
            return replies

    return asyncio.run(run())


def test_the_nearest_come_first_with_time_age_route_telephone_and_page(tmp_path: Path) -> None:
    (reply,) = ask(tmp_path, "附近哪裡還有成人口罩", place=HERE)
    assert [card.title for card in reply.cards] == ["花蓮一號藥局", "吉安藥局"], "the others have none to give"
    first = reply.cards[0]
    assert (first.status, first.tone) == ("還有 200 片", "good")
    assert first.lines[:2] == ("直線距離 42 m", "資料時間 09:05（3 分鐘前）")
    assert "現在是服務時段" in first.lines
    assert [(one.label, one.tel, one.path, one.point) for one in first.actions] == [
        ("怎麼去", "", "", (121.6044, 23.9769)),
        ("打電話", "(03)8358141", "", None),
        ("詳細資料", "", "/supplies/outlet/0145080011", None),
    ]
    assert [choice.say for choice in reply.choices] == ["附近哪裡有兒童口罩", ""]
    assert (reply.score, reply.sources[0].as_of) == (1.0, "2020-02-14T01:05:34Z")


def test_what_is_promised_is_not_offered_and_is_said(tmp_path: Path) -> None:
    one, town = ask(tmp_path, "5901010004 還有成人口罩嗎", "臺北市中正區口罩")
    card = one.cards[0]
    assert (card.status, card.tone) == ("120 片都已發號碼牌", "warn")
    assert "現場可領 0，號碼牌已保留 120" in card.lines
    assert {"號碼牌 08:30–09:00 發放", "09:00–12:00 販售", "兒童口罩：剩不多，3 片"} <= set(card.lines)
    assert town.text.startswith("臺北市中正區清單上的 1 個地點，現在都沒有成人口罩可以領。另有 120 片已發號碼牌。")
    assert town.cards == ()


def test_an_old_number_says_to_call_first_and_its_age(tmp_path: Path) -> None:
    hours, days = (
        ask(tmp_path / str(after_s), "0145080011 還有嗎", after_s=after_s)[0].cards[0].lines[0]
        for after_s in (2 * 3600, 3 * 86_400)
    )
    assert hours == "資料時間 09:05（2 小時前），較舊，請先打電話"
    assert days == "資料時間 2020-02-14 09:05（3 天前），較舊，請先打電話"


def test_an_outlet_that_left_the_list_is_neither_zero_nor_full(tmp_path: Path) -> None:
    gone = a_tick([], at=AT + 60, gone=["0145080011"])
    (reply,) = ask(tmp_path, "0145080011 還有嗎", events=[*EVENTS, gone])
    assert (reply.cards[0].status, reply.cards[0].tone) == ("目前不在清單上，不知道有沒有", "unknown")


def test_a_county_is_told_by_its_towns_and_a_town_of_many_counties_is_asked_for(tmp_path: Path) -> None:
    county, which = ask(tmp_path, "花蓮縣口罩", "中正區口罩")
    assert county.grid is not None
    assert county.grid.rows == (("花蓮市", "1", "200"), ("吉安鄉", "1", "80"))
    assert [choice.say for choice in which.choices] == ["臺北市中正區 成人口罩"], "only where there are outlets"


def test_a_place_is_asked_for_with_the_nations_sum(tmp_path: Path) -> None:
    (reply,) = ask(tmp_path, "where can I get masks", lang="en")
    assert reply.asks == "place"
    assert reply.text.startswith("2 places in the country have Adult masks: 280 pieces to be had.")


@pytest.mark.parametrize("text", ["快篩哪裡有", "9999999999 還有口罩嗎"])
def test_what_is_not_on_the_board_is_said_with_no_score(tmp_path: Path, text: str) -> None:
    (reply,) = ask(tmp_path, text)
    assert reply.score == 0.0
    assert "沒有" in reply.text
    assert reply.sources == ()


def test_an_empty_board_answers_nothing(tmp_path: Path) -> None:
    assert ask(tmp_path, "附近哪裡有口罩", events=())[0] == operation.NOTHING


def test_names_are_followed_as_they_change_and_stay_bounded(tmp_path: Path) -> None:
    many = [Place(f"70000000{number:02d}", "安康藥局", county="臺北市", town_code="63000050") for number in range(15)]
    renamed = Place("0145080011", "新名藥局", town_code="10015010")

    async def run() -> list[Reply]:
        async with a_node(tmp_path, [SERVICE], clock=frozen_clock(AT + 60)) as node:
            kept = kept_of(node.drawers["supplies"])
            for event in EVENTS:
                await kept.commit(event)
            replies = []
            for question in ("花蓮一號藥局還有嗎", "新名藥局還有嗎", "安康藥局還有嗎", "安康還有口罩嗎"):
                if len(replies) == 1:
                    await kept.commit(PlacesChanged(EpochS(AT), (renamed, *many)))
                replies.append(await node.gate.call("supplies.ask", Utterance(text=question), caller=ANONYMOUS))
            return replies

    before, after, called, part = asyncio.run(run())
    assert before.cards[0].title == "花蓮一號藥局"
    assert after.cards[0].title == "新名藥局"
    assert len(called.cards) == CARDS
    assert "15 個地點" in called.text
    assert part.score == 0.0, f"a part of more than {SUPPLIES_NAMES} names is a word, not a name"


def test_the_longest_notice_stays_a_line(tmp_path: Path) -> None:
    notice = Notice("592202A296", text="排隊請勿喧嘩" * 100)
    (reply,) = ask(tmp_path, "592202A296 還有嗎", events=[*EVENTS, NoticesChanged(EpochS(AT), (notice,))])
    lines = reply.cards[0].lines
    assert len(lines) <= CARD_LINES
    assert any(line.endswith("…") and len(line) <= SUPPLIES_NOTICE_SHOWN + 5 for line in lines)
    assert any("1,200 公尺" in line for line in lines)


def test_any_item_is_heard_by_its_own_title() -> None:
    water = an_item("water", "瓶裝水", "Bottled water")
    boots = an_item("boots", "雨鞋", "Rain boots")
    items = [ADULT, CHILD, water, boots]
    assert hear("附近哪裡有雨鞋", items, ()).items == ("boots",)
    assert hear("nearest rain boots", items, ()).items == ("boots",)
    assert hear("哪裡領礦泉水", items, ()).items == ("water",)
    assert hear("哪裡有口罩", items, ()).items == ("mask-adult", "mask-child")
    assert hear("水位", items, ()).left == "位"


def an_item(name: str, zh: str, en: str) -> Any:
    return type(ADULT)(name, {"zh-Hant": zh, "en": en}, {"zh-Hant": "份", "en": "pieces"})


@pytest.mark.parametrize(
    "text", ["口" * 300, "a" * 300, "附近" * 150, "0145080011" * 30, "\u0000\u202e口罩", "％＆＊（"]
)
def test_hostile_words_only_go_unanswered(tmp_path: Path, text: str) -> None:
    assert ask(tmp_path, text)[0].score in (0.0, 0.9, 0.995, 1.0)
