"""Against LINE's own SDK (line-bot-sdk, .venv-peers): signatures, webhooks, every message we make, and a whole turn.

The SDK's models stand in for LINE's server: a field or a value they do not know is refused. Prism stands in for it in
`test_prism.py`.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.channel.chat.test_chat import river
from tests.channel.line.desk import CHANNEL_SECRET, HERE, SETUP, TOKEN, Desk, an_event, message, on_desk, webhook
from tests.make import a_node, frozen_clock, live_node, missing
from tests.service.supplies.make import AT, EVENTS

from banyan.channel.line import build_line
from banyan.channel.line.messages import Look, messages_of
from banyan.chat_asking import message_of
from banyan.kernel.catalogue import Catalogue
from banyan.kernel.catalogue.dialogue import Card, Choice, Grid, Reply, Source
from banyan.service.fence.shelf import ChatSaid
from banyan.service.supplies.asking import operation
from banyan.service.supplies.keeping import kept_of
from banyan.wire import line

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/bin/python"
SCRIPT = Path(__file__).with_name("official.py")
SAMPLE = ROOT / "docs/tour/line-carousel.json"
pytestmark = pytest.mark.peers


class Judge:
    """The SDK in its own process, started once."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, verb: str, **said: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"verb": verb, **said}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def faults(self, bodies: Sequence[object]) -> list[str]:
        """What the SDK has against any of these replies."""
        return [fault for body in bodies if (fault := self.ask("check", body=body))]


@pytest.fixture(scope="module")
def sdk() -> Iterator[Judge]:
    """In CI it must be there."""
    if not any(PYTHON.parents[1].glob("lib/python*/site-packages/linebot/__init__.py")):
        missing("no .venv-peers with line-bot-sdk")
    command = [PYTHON, SCRIPT, CHANNEL_SECRET, TOKEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Judge(process)
        process.terminate()


def test_the_sdk_takes_a_warning_to_everybody(sdk: Judge) -> None:
    body = json.loads(line.write_broadcast([line.TextMessage("花蓮縣淹水警戒"), line.TextMessage("Flood warning")]))
    assert sdk.faults([body | {"notificationDisabled": False}]) == []
    assert sdk.faults([body | {"area": "10015"}])


def test_the_sdk_takes_the_fences_question_in_a_chat(sdk: Judge) -> None:
    said = message_of(
        ChatSaid("您在家嗎？", "zh-Hant", (("我在家", "fence/1/home/2"), ("請打電話給我", "fence/1/call/2")))
    )
    body = json.loads(line.write_push("U" + "1" * 32, [said]))
    assert sdk.faults([body | {"notificationDisabled": False}]) == []
    assert sdk.faults([body | {"area": "10015"}])
    reply = json.loads(line.write_reply("token", [said]))
    assert sdk.faults([reply]) == []


def test_the_sdk_and_we_agree_on_every_signature(sdk: Judge) -> None:
    bodies = [
        webhook(),
        webhook(message(HERE)),
        webhook(message({"type": "text", "id": "1", "text": "口罩🇹🇼"})),
        b"{}x",
    ]
    right = [line.signature(CHANNEL_SECRET.encode(), body) for body in bodies]
    signs = [*right, *right[1:], right[0], "", "x", right[0].lower()]
    pairs = list(zip([*bodies, *bodies, bodies[0]], signs, strict=False))
    seen = [sdk.ask("parse", body=body.decode(), signature=sign) for body, sign in pairs]
    ours = [line.is_signed(CHANNEL_SECRET.encode(), body, sign) for body, sign in pairs]
    assert [one["valid"] for one in seen] == ours
    assert True in ours
    assert False in ours


def test_the_sdk_reads_the_events_that_we_read(sdk: Judge) -> None:
    told = (
        (message(HERE), "MessageEvent:LocationMessageContent"),
        (message({"type": "text", "id": "1", "text": "口罩", "quoteToken": "q"}), "MessageEvent:TextMessageContent"),
        (an_event("follow", follow={"isUnblocked": False}), "FollowEvent:NoneType"),
        (an_event("postback", postback={"data": "口罩"}), "PostbackEvent:NoneType"),
        (an_event("unfollow", replyToken=None), "UnfollowEvent:NoneType"),
    )
    bodies = [webhook(event) for event, _ in told]
    signs = [line.signature(CHANNEL_SECRET.encode(), body) for body in bodies]
    seen = [sdk.ask("parse", body=body.decode(), signature=sign) for body, sign in zip(bodies, signs, strict=True)]
    assert [one["kinds"] for one in seen] == [[kind] for _, kind in told]
    for body, (event, _) in zip(bodies, told, strict=True):
        (read,), unreadable = line.read_events(body, 1)
        assert (read.type, read.webhook_event_id, unreadable) == (event["type"], event["webhookEventId"], 0)


QUESTIONS = (
    "附近哪裡還有成人口罩", "花蓮縣口罩", "花蓮市口罩", "中正區口罩", "全國還有多少口罩", "0145080011 還有嗎",
    "5901010004 幾點發號碼牌", "中正藥局什麼時候賣完", "口罩", "今天天氣如何", "不知道", "真人", "A123456789",
    "救命", "說明", "申請沙包", "王家", "送出", "水位多少", "沙包在哪裡",
    "where can I get masks near me", "masks in Hualien", "help", "human",
)  # fmt: skip


def test_every_reply_of_the_product_is_valid_for_the_sdk(sdk: Judge, tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for text in QUESTIONS:
            await desk.say(text)
        for event in (message(HERE), message({"type": "sticker", "id": "1"}), an_event("follow"), an_event("join")):
            await desk.post(event)
        for text in QUESTIONS:
            await desk.say(text)  # with a place
        assert len(desk.sent.bodies) == 2 * len(QUESTIONS) + 4
        assert sdk.faults(desk.sent.bodies) == []
        kinds = {message["type"] for body in desk.sent.bodies for message in body["messages"]}
        assert kinds == {"text", "flex"}

    on_desk(tmp_path, story, services=[operation.SERVICE, river()])


HOSTILE = (
    "",
    " ",
    "口罩",
    "🇹🇼" * 9,
    "👨‍👩‍👧" * 40,
    "é" * 7,
    "x" * 6000,
    "\u202e\u0000",
    "https://a.b",
    "\n\n",
    "臺" * 500,
)


def a_reply(dice: random.Random) -> Reply:
    """A reply of any shape the kernel allows, made of hostile texts."""

    def word() -> str:
        return dice.choice(HOSTILE)

    def choice() -> Choice:
        kinds = (
            {"say": word()},
            {"path": "/" + "p" * dice.choice((1, 2000))},
            {"tel": dice.choice(("(03)8358141", "無"))},
        )
        return Choice(word(), **dice.choice((*kinds, {"point": (121.6, 23.9)})))

    def card() -> Card:
        lines = tuple(word() for _ in range(dice.randrange(9)))
        return Card(word(), word(), dice.choice(("good", "warn", "bad", "unknown")), lines, (choice(), choice()))

    width = dice.randrange(4)
    rows = tuple(tuple(word() for _ in range(width)) for _ in range(dice.randrange(11)))
    return Reply(
        word(),
        1.0,
        sources=(Source(word(), "/a", dice.choice(("", "2026-11-23T12:50:00Z")), word()),) * dice.randrange(2),
        grid=Grid(tuple(word() for _ in range(width)), rows, 99) if dice.random() < 0.5 else None,
        choices=tuple(choice() for _ in range(dice.randrange(20))),
        cards=tuple(card() for _ in range(dice.randrange(11))),
    )


def test_any_reply_of_hostile_words_becomes_messages_that_the_sdk_takes(sdk: Judge) -> None:
    dice, bodies = random.Random(7), []
    for _ in range(120):
        replies = [a_reply(dice) for _ in range(dice.randrange(1, 5))]
        if messages := messages_of(replies, Look("https://data.example.gov.tw", dice.choice(("zh-Hant", "en")))):
            bodies.append(json.loads(line.write_reply("token", messages)))
            within_limits(bodies[-1])
    assert len(bodies) > 100
    assert sdk.faults(bodies) == []


def within_limits(body: dict[str, Any]) -> None:
    """LINE's written limits, which its SDK does not know."""
    assert 1 <= len(body["messages"]) <= 5
    for said in body["messages"]:
        quick = [item["action"] for item in said.get("quickReply", {"items": []})["items"]]
        assert len(quick) <= 13
        buttons = []
        if said["type"] == "text":
            assert 1 <= line.units(said["text"]) <= 5000
        else:
            assert 1 <= line.units(said["altText"]) <= 400
            assert len(msgspec.json.encode(said["contents"])) <= 50_000
            assert 1 <= len(said["contents"]["contents"]) <= 12
            for bubble in said["contents"]["contents"]:
                assert all(one["text"].strip() for one in bubble["body"]["contents"])
                buttons += [one["action"] for one in bubble.get("footer", {"contents": []})["contents"]]
        for action in (*quick, *buttons):
            assert 1 <= line.units(action["label"]) <= 20
            assert action.get("uri", "https:").partition(":")[0] in ("https", "http", "tel")
            assert line.units(action.get("uri", "")) <= 1000
            assert line.units(action.get("text", "x")) in range(1, 301)


def test_a_location_signed_by_the_sdk_is_replied_to_line_with_the_true_stocks(sdk: Judge, tmp_path: Path) -> None:
    """SDK -> our node over HTTP -> LINE over HTTP, which is busy once; then the carousel against brute force."""
    clock = frozen_clock(AT + 180)

    async def prepare() -> list[tuple[str, int]]:
        async with a_node(tmp_path, [operation.SERVICE], clock=clock) as node:
            board = kept_of(node.drawers["supplies"]).board
            for event in EVENTS:
                await kept_of(node.drawers["supplies"]).commit(event)
            have = [row for row in range(board.size) if board.available(0)[row] > 0]
            near = sorted(have, key=lambda row: (board.lon()[row] - 121.604) ** 2 + (board.lat()[row] - 23.977) ** 2)
            return [(board.places[row].name, int(board.available(0)[row])) for row in near]

    truth = asyncio.run(prepare())
    setup = msgspec.structs.replace(SETUP, api_url=f"http://127.0.0.1:{sdk.ask('serve', statuses=[429])}")
    operations = list(Catalogue([operation.SERVICE]).operations.values())
    channel = build_line(operations, setup, clock=clock, log=lambda *_: None)
    with live_node(tmp_path, [operation.SERVICE, channel], clock=clock) as (url, _):
        place = {"latitude": 23.977, "longitude": 121.604, "id": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "token": "abc"}
        statuses = [sdk.ask("deliver", url=f"{url}/line/webhook", **place) for _ in range(2)]
    busy, taken = sdk.ask("requests")
    assert statuses == [200, 200], "the redelivery is taken and not answered again"
    assert (busy["status"], taken["status"]) == (429, 200), taken["answer"]
    assert taken["body"] == busy["body"]
    assert len(taken["answer"]["sentMessages"]) == 2
    bubbles = taken["body"]["messages"][1]["contents"]["contents"]
    shown = [(one["body"]["contents"][0]["text"], one["body"]["contents"][1]["text"]) for one in bubbles]
    assert shown == [(name, f"還有 {left} 片") for name, left in truth]


def test_the_sample_in_the_docs_is_what_the_product_makes_and_the_sdk_takes(sdk: Judge) -> None:
    from tools.line_sample import made

    text = SAMPLE.read_text(encoding="utf-8")
    assert text == made(), "run .venv/bin/python tools/line_sample.py"
    assert sdk.faults([json.loads(text)]) == []
