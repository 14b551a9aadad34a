"""Prism as the LINE server, on the document that `openapi.py` reads out of LINE's SDK: our channel really sends.

The SDK's models, asked in `test_official.py`, take a wrong value that a validator of LINE's server would not; Prism
asks a JSON Schema of all of it, by another hand, over HTTP. The strict fake of `official.py` stays for what a mock does
not do: being busy once, and taking a reply token once only.
"""

from __future__ import annotations

import asyncio
import copy
import http.client
import json
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.channel.chat.test_chat import river
from tests.channel.line.desk import HERE, TOKEN, Desk, an_event, message, on_desk
from tests.channel.line.test_official import PYTHON, QUESTIONS, SAMPLE, a_reply
from tests.make import missing

from banyan.channel.line.messages import Look, messages_of
from banyan.channel.line.sending import PATH, Line, Post, Tried, send
from banyan.chat_asking import PATH as PUSH
from banyan.chat_asking import LineChat, message_of
from banyan.kernel.catalogue.dialogue import Language
from banyan.kernel.events.clock import EpochS
from banyan.service.fence.shelf import MESSAGES, ChatSaid
from banyan.service.supplies.asking import operation
from banyan.wire import line as wire
from banyan.wire.line import TextMessage, write_reply

FOLDER = Path(__file__).parent
PRISM = FOLDER / "peers/node_modules/@stoplight/prism-cli/dist/index.js"
FIRST_S = 240
"""Prism compiles a schema when it is first asked: 4 s of a processor."""
Body = dict[str, Any]
STRUCTS = [one for one in vars(wire).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)]
pytestmark = pytest.mark.peers


class Prism:
    """A running one, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.lines: list[str] = []
        self.url = ""
        self._stdout = process.stdout
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def started(self) -> None:
        self._ready.wait(FIRST_S)
        assert self.url, self.lines

    def _read(self) -> None:
        assert self._stdout is not None
        for line in self._stdout:
            self.lines.append(line)
            if "Prism is listening on " in line:
                self.url = line.split("Prism is listening on ")[1].strip()
                self._ready.set()
        self._ready.set()

    def ended(self) -> None:
        self._reader.join()

    def status(self, body: object, *, path: str = PATH, **headers: str) -> int:
        """What is answered to a body, with a token unless `headers` are given."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=FIRST_S)
        sent = {"content-type": "application/json"} | (headers or {"authorization": f"Bearer {TOKEN}"})
        connection.request("POST", path, json.dumps(body), sent)
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In CI it can be made."""
    node, sdk = shutil.which("node"), any(PYTHON.parents[1].glob("lib/python*/site-packages/linebot/__init__.py"))
    if node is None or not PRISM.exists() or not sdk:
        why = "no .venv-peers with line-bot-sdk, or no npm ci in tests/channel/line/peers"
        missing(why)
    path = tmp_path_factory.mktemp("line") / "openapi.json"
    subprocess.run([PYTHON, FOLDER / "openapi.py", path], check=True, timeout=FIRST_S)
    return path


@pytest.fixture(scope="module")
def prism(document: Path) -> Iterator[Prism]:
    command = ["node", str(PRISM), "mock", "--port", "0", "--errors", str(document)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        running = Prism(process)
        try:
            running.started()
            assert running.status(json.loads(write_reply("token", [TextMessage("好")]))) == 200
            yield running
        finally:
            process.terminate()
            running.ended()


def test_the_document_is_what_the_sdk_knows_of_sending(document: Path) -> None:
    told = json.loads(document.read_text(encoding="utf-8"))
    sending = {one: told["paths"][f"/v2/bot/message/{one}"]["post"] for one in ("push", "multicast", "narrowcast")}
    reply = told["paths"][PATH]["post"]
    assert {*reply["responses"]} == {"200", "400", "429"}
    refusals = ["400", "403", "409", "429"]
    taken = {"push": "200", "multicast": "200", "narrowcast": "202"}
    assert {name: [*one["responses"]] for name, one in sending.items()} == {
        name: [status, *refusals] for name, status in taken.items()
    }
    assert all([one["name"] for one in each["parameters"]] == ["X-Line-Retry-Key"] for each in sending.values())
    known = told["components"]["schemas"]
    asked = known["ReplyMessageRequest"]
    assert (asked["required"], asked["properties"]["messages"]["maxItems"]) == (["replyToken", "messages"], 5)
    assert known["QuickReply"]["properties"]["items"]["maxItems"] == 13
    assert known["FlexBox"]["properties"]["layout"]["enum"] == ["horizontal", "vertical", "baseline"]
    assert known["FlexText"]["properties"]["adjustMode"]["enum"] == ["shrink-to-fit"]
    assert {*known["Message"]["discriminator"]["mapping"]} >= {"text", "flex", "template", "sticker", "location"}


Story = Callable[[Desk], Any]


def sent_to(prism: Prism, folder: Path) -> tuple[list[Body], list[int]]:
    """Every reply of the product to our questions, sent as a node sends; and the statuses of Prism's answers."""
    line, bodies, statuses = Line(prism.url, TOKEN), list[Body](), list[int]()

    async def post(body: bytes) -> Tried:
        tried = await line.post(body)
        bodies.append(json.loads(body))
        statuses.append(tried.status)
        return tried

    async def story(desk: Desk) -> None:
        hello = [message(HERE), message({"type": "sticker", "id": "1"}), an_event("follow"), an_event("join")]
        for said in (QUESTIONS, hello, QUESTIONS):  # the second time with a place
            for one in said:
                event = message({"type": "text", "id": "1", "text": one}) if isinstance(one, str) else one
                assert (await desk.post(event)).status == 200

    on_desk(folder, story, services=[operation.SERVICE, river()], post=post)
    line.close()
    return bodies, statuses


@pytest.fixture(scope="module")
def spoken(prism: Prism, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Body], list[int]]:
    return sent_to(prism, tmp_path_factory.mktemp("node"))


def test_prism_takes_every_reply_of_the_product(prism: Prism, spoken: tuple[list[Body], list[int]]) -> None:
    bodies, statuses = spoken
    assert len(statuses) == 2 * len(QUESTIONS) + 4
    assert {*statuses} == {200}, prism.lines[-20:]
    assert prism.status(json.loads(SAMPLE.read_text(encoding="utf-8"))) == 200, "the sample of the docs"
    kinds = {one["type"] for body in bodies for one, _ in objects(body) if "type" in one}
    tags = {one.__struct_config__.tag for one in STRUCTS if one.__struct_config__.tag}
    assert kinds | {"postback"} == tags, "all that we can write; postback below"


@pytest.mark.parametrize("lang", ["zh-Hant", "en"])
def test_prism_takes_what_the_fence_asks_and_answers_in_a_chat(prism: Prism, lang: Language) -> None:
    words = {one: MESSAGES.text(f"fence.{one}", lang) for one in ("press_home", "press_away", "press_call", "chat_ask")}
    presses = [(words[f"press_{one}"], f"fence/{'0' * 16}/{one}/{'0' * 32}") for one in ("home", "away", "call")]
    said = ChatSaid(words["chat_ask"], lang, tuple(presses))
    push = json.loads(wire.write_push("U" + "1" * 32, [message_of(said)]))
    assert prism.status(push, path=PUSH) == 200, prism.lines[-20:]
    assert prism.status(push | {"to": 5}, path=PUSH) == 400
    chat, key = LineChat(prism.url, TOKEN), "123e4567-e89b-42d3-a456-426614174000"
    assert asyncio.run(chat.push("U" + "1" * 32, said, key)), prism.lines[-20:]
    body = json.loads(write_reply("token", [message_of(said)]))
    assert [one["action"]["type"] for one in body["messages"][0]["quickReply"]["items"]] == ["postback"] * 3
    assert prism.status(body) == 200, prism.lines[-20:]


def test_prism_takes_any_reply_of_hostile_words(prism: Prism) -> None:
    dice, statuses = random.Random(11), []
    for _ in range(40):
        replies = [a_reply(dice) for _ in range(dice.randrange(1, 5))]
        if messages := messages_of(replies, Look("https://data.example.gov.tw", dice.choice(("zh-Hant", "en")))):
            statuses.append(prism.status(json.loads(write_reply("token", messages))))
    assert len(statuses) > 30
    assert {*statuses} == {200}, prism.lines[-20:]


def objects(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Body, tuple[str | int, ...]]]:
    """Every object inside, with its path."""
    if isinstance(value, dict):
        yield value, path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from objects(part, (*path, name))


def broken(body: Body) -> Iterator[tuple[str, Body]]:
    """Copies of a reply with one fault each, at every kind of object in it."""
    seen = set[tuple[str, ...]]()
    for number, (found, path) in enumerate(objects(body)):
        shape = (*(str(one) for one in path if isinstance(one, str)), str(found.get("type")))
        if shape in seen:
            continue
        seen.add(shape)
        for fault in ("unknown field", "wrong kind"):
            made = copy.deepcopy(body)
            target = [one for one, _ in objects(made)][number]
            if fault == "unknown field":
                target["unheard_of"] = 1
            elif "type" in target:
                target["type"] = "unheard-of"
            else:
                continue
            yield f"{fault} in {'.'.join(shape)}", made


def test_a_broken_reply_is_refused_wherever_it_is_broken(prism: Prism, spoken: tuple[list[Body], list[int]]) -> None:
    flex = next(body for body in spoken[0] if any(one["type"] == "flex" for one in body["messages"]))
    text = next(body for body in spoken[0] if "quickReply" in body["messages"][0])
    faults = [*broken(flex), *broken(text)]
    assert len(faults) > 20
    one = text["messages"][0]
    items = one["quickReply"]["items"]
    box = copy.deepcopy(flex)
    next(found for found, _ in objects(box) if found.get("type") == "box")["layout"] = "diagonal"
    more = {
        "six messages": text | {"messages": [one] * 6},
        "no message": text | {"messages": []},
        "no token": {"messages": [one]},
        "a number for a text": text | {"messages": [one | {"text": 5}]},
        "no text": text | {"messages": [{"type": "text"}]},
        "14 quick replies": text | {"messages": [one | {"quickReply": {"items": items[:1] * 14}}]},
        "a layout that is none": box,
        "no altText": flex | {"messages": [{"type": "flex", "contents": {"type": "carousel", "contents": []}}]},
    }
    taken = {name for name, made in (*faults, *more.items()) if prism.status(made) != 400}
    assert taken == {"wrong kind in messages.quickReply.items.action"}, "whose type is any text for the SDK too"
    assert prism.status(text | {"messages": [one | {"quickReply": {"items": items[:1] * 13}}]}) == 200


def test_prism_knows_who_may_and_where(prism: Prism) -> None:
    body = json.loads(write_reply("token", [TextMessage("好")]))
    assert prism.status(body, accept="application/json") == 401
    assert prism.status(body, path="/v2/bot/message/answer") == 404


def test_a_refused_reply_is_told_as_refused(prism: Prism) -> None:
    """The channel's own sender, once. What it writes is spoilt on the way, for it writes nothing that is wrong."""
    line, tries = Line(prism.url, TOKEN), list[int]()

    async def spoilt(body: bytes) -> Tried:
        return await post(body.replace(b'"text":"', b'"test":"'))

    async def post(body: bytes) -> Tried:
        tried = await line.post(body)
        tries.append(tried.status)
        return tried

    async def pause(_: float) -> None:
        raise AssertionError("a refused reply is not tried again")

    async def run(way: Post) -> str:
        return await send("token", [TextMessage("好")], way, clock=lambda: EpochS(0), pause=pause)

    assert asyncio.run(run(spoilt)) == "refused"
    assert asyncio.run(run(post)) == "sent"
    assert tries == [400, 200]
    line.close()
