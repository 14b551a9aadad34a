"""When may I buy? Heard in one's own words, asked back for no more than the law needs, answered by press or page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.make import SECRET, Client
from tests.service.rationing.engine.world import taipei

from banyan.channel.web import build_portal
from banyan.epoch import EpochS
from banyan.kernel.catalogue.dialogue import Reply, Utterance
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.identity.caller import Caller
from banyan.node import ROOT, Node, open_node
from banyan.service.rationing.asking.hearing import hear, names_of
from banyan.service.rationing.asking.in_force import Band, items_in_force
from banyan.service.rationing.engine.booking import taiwan_2020
from banyan.service.rationing.parts import SERVICE
from banyan.settings import Settings

NAMES = names_of(
    {
        "mask-adult": {"zh-Hant": "成人口罩", "en": "adult masks"},
        "mask-child": {"zh-Hant": "兒童口罩", "en": "child masks"},
        "test": {"zh-Hant": "家用快篩", "en": "rapid tests"},
    }
)
NOBODY = Caller("anonymous", "none")
PARITY = taipei(2020, 2, 7)
"""A Friday: odd numbers."""
LATER = taipei(2020, 4, 9)
NODE = Settings(services=("banyan.service.identity.parts:SERVICE", "banyan.service.rationing.parts:SERVICE"))


@pytest.mark.parametrize(
    ("text", "item", "age", "digit"),
    [
        ("我什麼時候可以買?", "", None, None),
        ("我什麼時候可以買口罩？", "mask-adult", None, None),
        ("我今年７０歲，身分證尾數3，什麼時候可以買口罩？", "mask-adult", 70, 3),
        ("單號今天可以買嗎", "", None, 1),
        ("雙號明天可以買口罩嗎", "mask-adult", None, 0),
        ("小孩口罩可以買幾片", "mask-child", None, None),
        ("8 歲，證號末碼 0，我什麼時候可以買兒童口罩？", "mask-child", 8, 0),
        ("快篩可以買幾個", "test", None, None),
        ("When may I buy?", "", None, None),
        ("How many masks can I buy now?", "mask-adult", None, None),
        ("I am 40 years old, last digit 3, when can I buy child masks", "mask-child", 40, 3),
        ("aged 8, last digit of my ID is 4: when may I buy rapid tests?", "test", 8, 4),
    ],
)
def test_a_question_is_understood(text: str, item: str, age: int | None, digit: int | None) -> None:
    heard = hear(text, NAMES)
    assert (heard.is_asked, heard.left) == (True, "")
    assert (heard.item, heard.age, heard.digit) == (item, age, digit)


@pytest.mark.parametrize(
    "text",
    [
        "哪裡可以買口罩",
        "實名制的資料集",
        "口罩怎麼戴",
        "口罩地圖",
        "when may I buy a house?",
        "我可以買A123456789嗎",
        "",
    ],
)
def test_other_questions_are_left_to_others(text: str) -> None:
    heard = hear(text, NAMES)
    assert not heard.is_asked or heard.left


def test_only_what_the_law_needs_is_asked() -> None:
    adult, child = items_in_force(taiwan_2020(), PARITY)
    assert (adult.ages, adult.asks_digit) == ((), True)
    assert child.ages == (Band(0, 12), Band(13, 130))
    later = items_in_force(taiwan_2020(), LATER)[0]
    assert (later.item, later.ages, later.asks_digit) == ("mask-adult", (), False)
    assert items_in_force(taiwan_2020(), taipei(2020, 1, 1)) == ()


def in_a_node(folder: Path, now: float, story: Callable[[Node], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_node(folder, NODE, clock=lambda: EpochS(now)) as node:
            await story(node)

    asyncio.run(run())


@pytest.mark.parametrize("lang", ["zh-Hant", "en"])
def test_each_choice_is_a_whole_question_until_the_answer(tmp_path: Path, lang: str) -> None:
    async def story(node: Node) -> None:
        async def say(text: str) -> Reply:
            reply: Reply = await node.gate.call("rationing.ask", Utterance(text, lang), caller=NOBODY)  # type: ignore[arg-type]
            assert reply.score == 1.0, text
            return reply

        first = await say("我什麼時候可以買兒童口罩？" if lang == "zh-Hant" else "when may I buy child masks?")
        assert len(first.choices) == 2, "twelve and younger, or older"
        then = await say(first.choices[0].say)
        assert [one.label for one in then.choices] == list("0123456789")
        odd, even = [await say(then.choices[digit].say) for digit in (1, 2)]
        assert ("2020-02-08" in even.text, "2020-02-08" in odd.text) == (True, False)
        assert odd.choices[1].path == "/rationing/rounds"

    in_a_node(tmp_path, PARITY, story)


def test_what_nobody_rations_is_said(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.gate.call("rationing.ask", Utterance("我什麼時候可以買口罩"), caller=NOBODY)
        assert (reply.score, "沒有任何品項" in reply.text) == (1.0, True)
        other = await node.gate.call("rationing.ask", Utterance("口罩怎麼戴"), caller=NOBODY)
        assert other.score == 0.0

    in_a_node(tmp_path, taipei(2020, 1, 1), story)


def test_the_page_asks_by_pressing_and_answers(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        work = tmp_path / "w"
        work.mkdir()
        client = Client(
            build_door(
                node.catalogue,
                node.gate,
                identify={}.get,
                settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
                log=lambda name, fields: None,
                render=build_portal([SERVICE], site=Settings().site, web=ROOT / "web").render,
            )
        )
        asked = (await client.get("/rationing")).text
        assert asked.count('name="digit"') == 11
        assert 'type="text"' not in asked.split("<main")[1], "a public screen has no keyboard"
        friday = (await client.get("/rationing?item=mask-adult&digit=3&kind=citizen")).text
        assert "現在可以買 2 個" in friday
        thursday = (await client.get("/en/rationing?item=mask-adult&digit=4&kind=citizen")).text
        assert "2020-02-08" in thursday
        child = (await client.get("/rationing?item=mask-child&age=13&digit=3")).text
        assert "這個品項不賣給這個年齡" in child
        assert (await client.get("/rationing?item=gold")).status == 404
        for odd in ("digit=34", "digit=x", "digit=3&kind=king", "age=9"):
            assert "told" not in (await client.get(f"/rationing?item=mask-child&{odd}")).text.split("<main")[1]

    in_a_node(tmp_path, PARITY, story)
