"""The web chat: JSON and a page without script, the same conversation, its state signed and carried by the form."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from tests.make import SECRET, Client, a_node

from banyan.channel.chat import build_chat
from banyan.channel.talk.links import tel_of
from banyan.channel.web import build_portal
from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.catalogue.dialogue import Card, Choice, Grid, Reply, Source, Utterance
from banyan.settings import Site

Story = Callable[[Client], Awaitable[None]]
TEXT = {"zh-Hant": "測試", "en": "Test"}
Label = Annotated[str, msgspec.Meta(min_length=2, max_length=20, extra={"label": {"zh-Hant": "名稱", "en": "Name"}})]


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Label


class Ordered(msgspec.Struct, frozen=True):
    name: str
    channel: str


def river() -> Service:
    """A service with one question tool and one form."""
    service = Service("river", title=TEXT, package="tests.channel.chat")

    @service.operation("answer", title=TEXT, summary=TEXT, data=("open",), audience="public", channels=("chat",))
    async def answer(ctx: Context, request: Utterance) -> Reply:
        if "沙包" in request.text:
            go = Choice("路線", point=(121.6, 23.9))
            call = Choice("電話", tel="(03)8358141#12")
            actions = (go, call, Choice("頁", path="/depot/1"), Choice("說", say="水位"))
            return Reply("最近的沙包", 1.0, cards=(Card("<i>倉庫</i>", "剩 8 個", "warn", ("42 m",), actions),))
        if "水位" not in request.text:
            return Reply("", 0.0)
        source = Source("水位站", "/dataset/river", "2026-11-23T12:50:00Z", "水利署")
        grid = Grid(("站", "公尺"), (("<b>橋</b>", "3.2"),), 1)
        return Reply("水位 3.2 公尺", 0.9, (source,), grid)

    @service.operation(
        "order",
        title={"zh-Hant": "申請沙包", "en": "Order sandbags"},
        summary=TEXT,
        data=("open",),
        audience="public",
        effect="write",
        purpose="public-intake",
        channels=("chat",),
        keys=("沙包",),
    )
    async def order(ctx: Context, request: Order) -> Ordered:
        return Ordered(request.name, ctx.caller.channel)

    return service


def on_chat(folder: Path, story: Story) -> None:
    async def run() -> None:
        service = river()
        chat = build_chat(list(Catalogue([service]).operations.values()), secret=SECRET, contact="02-1234")
        portal = build_portal([service, chat], site=Site(), web=folder)
        async with a_node(folder, [service], extra=[chat, *portal.services], render=portal.render) as node:
            await story(node.client)

    asyncio.run(run())


def test_the_api_talks_and_carries_its_state(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        hello = (await client.post("/api/chat", json={})).json
        assert hello["status"] == "welcome"
        assert [choice["say"] for choice in hello["replies"][0]["choices"]][-1] == "申請沙包"
        asked = (await client.post("/api/chat", json={"text": "現在水位多少"})).json
        assert (asked["status"], asked["replies"][0]["sources"][0]["publisher"]) == ("answered", "水利署")
        form = (await client.post("/api/chat", json={"text": "沙包"})).json
        assert form["status"] == "asking"
        named = (await client.post("/api/chat", json={"text": "王家", "state": form["state"]})).json
        sent = (await client.post("/api/chat", json={"text": "送出", "state": named["state"]})).json
        assert sent["status"] == "done"
        assert sent["replies"][0]["grid"]["rows"] == [["name", "王家"], ["channel", "chat"]]

    on_chat(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "headers", "lang"),
    [
        ("How high is the river?", {}, "en"),
        ("How high is the river?", {"Accept-Language": "zh-TW"}, "zh-Hant"),
        ("水位 now", {}, "zh-Hant"),
        ("23.98, 121.61", {}, "zh-Hant"),
    ],
)
def test_a_program_that_names_no_language_is_answered_in_its_words(
    tmp_path: Path, text: str, headers: dict[str, str], lang: str
) -> None:
    async def story(client: Client) -> None:
        assert (await client.post("/api/chat", json={"text": text}, headers=headers)).json["lang"] == lang

    on_chat(tmp_path, story)


@pytest.mark.parametrize(
    "body", [{"text": "x" * 301}, {"state": "x" * 9000}, {"who": 1}, {"lang": "fr"}, {"place": [1]}, []]
)
def test_what_is_no_question_is_refused(tmp_path: Path, body: object) -> None:
    async def story(client: Client) -> None:
        assert (await client.post("/api/chat", json=body)).status == 422

    on_chat(tmp_path, story)


def state_of(page: str) -> str:
    found = re.search(r'class="chat-form".*?name="state" value="([^"]*)"', page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_the_page_talks_without_script_in_both_languages(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        first = await client.get("/chat")
        assert first.status == 200
        answered = await client.post("/chat", form={"text": "現在水位多少", "state": state_of(first.text)})
        assert "水位 3.2 公尺" in answered.text
        assert "2026-11-23 12:50" in answered.text
        assert "&lt;b&gt;橋&lt;/b&gt;" in answered.text
        assert "<b>橋</b>" not in answered.text
        form = await client.post("/chat", form={"text": "申請沙包"})
        short = await client.post("/chat", form={"text": "王", "state": state_of(form.text)})
        assert "長度至少 2" in short.text
        named = await client.post("/chat", form={"text": "王家", "state": state_of(short.text)})
        sent = await client.post("/chat", form={"text": "送出", "state": state_of(named.text)})
        assert "已完成" in sent.text
        english = await client.get("/en/chat")
        assert "Just ask" in english.text
        unknown = await client.post("/en/chat", form={"text": "who won"})
        assert "I don&#39;t know" in unknown.text
        assert "02-1234" in (await client.post("/en/chat", form={"text": "human"})).text

    on_chat(tmp_path, story)


def test_words_in_an_address_are_not_answered(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        page = await client.get("/chat?text=%E6%B0%B4%E4%BD%8D")
        assert "3.2 公尺" not in page.text

    on_chat(tmp_path, story)


def test_a_card_says_its_state_in_words_and_offers_what_can_be_done(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        page = (await client.post("/en/chat", form={"text": "哪裡有沙包"})).text
        card = page[page.index("chat-card-warn") : page.index("</ol>")]
        assert "剩 8 個" in card
        assert "&lt;i&gt;倉庫&lt;/i&gt;" in card
        assert 'href="tel:+88638358141"' in card
        assert "destination=23.900000,121.600000" in card
        assert 'href="/en/depot/1"' in card
        assert 'name="text" value="水位"' in card
        said = (await client.post("/api/chat", json={"text": "哪裡有沙包"})).json["replies"][0]["cards"][0]
        assert (said["title"], said["tone"], said["actions"][0]["point"]) == ("<i>倉庫</i>", "warn", [121.6, 23.9])

    on_chat(tmp_path, story)


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("(03)8358141", "tel:+88638358141"),
        ("02-2331234轉5", "tel:+88622331234"),
        ("8358141", "tel:8358141"),
        ("1922", "tel:1922"),
        ("0912-345-678 分機9", "tel:+886912345678"),
        ("", ""),
        ("無", ""),
        ("javascript:alert(1)", ""),
        ("1" * 40, ""),
        ("０３８３５８１４１", ""),
    ],
)
def test_a_number_is_dialled_or_not_offered(number: str, address: str) -> None:
    assert tel_of(number) == address
