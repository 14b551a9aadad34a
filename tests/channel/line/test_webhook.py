"""The LINE webhook: what is answered, what is answered once, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.channel.line.desk import CHANNEL_SECRET, HERE, USER, Desk, an_event, message, on_desk, webhook
from tests.make import TOKEN as ADMINISTRATOR

from banyan.errors import Unavailable
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.dialogue import Reply, Utterance
from banyan.limits import LINE_BODY_BYTES, LINE_EVENTS, UTTERANCE_CHARACTERS
from banyan.wire.line import signature


def test_a_location_is_answered_with_the_nearest_that_have_some(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        event = message(HERE)
        assert (await desk.post(event)).status == 200
        (body,) = desk.sent.bodies
        assert body["replyToken"] == event["replyToken"]
        text, flex = body["messages"]
        assert "花蓮一號藥局" in text["text"]
        bubbles = flex["contents"]["contents"]
        assert [bubble["body"]["contents"][0]["text"] for bubble in bubbles] == ["花蓮一號藥局", "吉安藥局"]
        assert [button["action"].get("uri") for button in bubbles[0]["footer"]["contents"]] == [
            "https://www.google.com/maps/dir/?api=1&destination=23.976900,121.604400",
            "tel:+88638358141",
            "http://localhost/supplies/outlet/0145080011",
        ]
        quick = [item["action"] for item in flex["quickReply"]["items"]]
        assert quick[0] == {"type": "location", "label": "分享我的位置"}
        assert {"type": "message", "label": "附近哪裡有兒童口罩", "text": "附近哪裡有兒童口罩"} in quick

    on_desk(tmp_path, story)


def test_a_question_waits_for_the_location_and_the_place_is_remembered(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert "您在哪裡" in (await desk.say("附近哪裡有兒童口罩"))[0]
        await desk.post(message(HERE))
        assert "離您最近、現在還有兒童口罩的是花蓮一號藥局" in desk.sent.texts[1]
        assert "成人口罩" in (await desk.say("成人口罩還有嗎"))[0]
        other = {"type": "user", "userId": "U" + "9" * 32}
        assert "您在哪裡" in (await desk.say("口罩還有嗎", source=other))[0], "another person is somewhere else"

    on_desk(tmp_path, story)


def test_a_place_lapses_after_an_hour_and_is_in_no_file(tmp_path: Path) -> None:
    async def tell(desk: Desk) -> None:
        await desk.post(message(HERE))
        assert USER not in json.dumps(desk.node.logged, ensure_ascii=False)

    on_desk(tmp_path, tell)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert USER.encode() not in stored
    assert b"121.604" not in stored.replace(b"121.6044", b"")

    async def ask(desk: Desk) -> None:
        assert "您在哪裡" in (await desk.say("口罩還有嗎"))[0]

    on_desk(tmp_path, ask, after_s=4000)


def test_an_event_is_answered_once_also_after_a_restart(tmp_path: Path) -> None:
    event = message({"type": "text", "id": "1", "text": "花蓮市還有口罩嗎"})
    again = event | {"deliveryContext": {"isRedelivery": True}}

    async def first(desk: Desk) -> None:
        assert (await desk.post(event, event)).status == 200
        assert (await desk.post(again)).status == 200
        assert len(desk.sent.bodies) == 1

    async def later(desk: Desk) -> None:
        assert (await desk.post(again)).status == 200
        assert desk.sent.bodies == []
        standing = await desk.node.client.get("/api/line/standing", token=ADMINISTRATOR)
        assert standing.json["counts"] == {"repeated": 1}

    on_desk(tmp_path, first)
    on_desk(tmp_path, later)


def test_what_was_not_answered_is_answered_when_it_comes_again(tmp_path: Path) -> None:
    event = message({"type": "text", "id": "1", "text": "花蓮市還有口罩嗎"})

    async def story(desk: Desk) -> None:
        assert (await desk.post(event)).status == 200
        standing = await desk.node.client.get("/api/line/standing", token=ADMINISTRATOR)
        assert standing.json["counts"] == {"broken": 1, "events": 1}

    async def raising(body: bytes) -> Any:
        raise RuntimeError("a fault of ours")

    on_desk(tmp_path, story, post=raising)

    async def later(desk: Desk) -> None:
        await desk.post(event)
        assert len(desk.sent.bodies) == 1

    on_desk(tmp_path, later)


def test_a_wrong_signature_is_refused(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for sign in ("x", "é", "=", " ", signature(b"another secret", webhook())):
            reply = await desk.post(message(HERE), sign=sign)
            assert (reply.status, reply.json["type"].rpartition("/")[2]) == (400, "line-signature"), sign
        unsigned = await desk.node.client.post("/line/webhook", body=webhook())
        assert unsigned.status == 400
        changed = webhook(message(HERE))
        reply = await desk.post(body=changed + b" ", sign=signature(CHANNEL_SECRET.encode(), changed))
        assert reply.status == 400
        assert desk.sent.bodies == []

    on_desk(tmp_path, story)


BAD_BODIES = (
    b"{",
    b"[]",
    b"null",
    b'{"events":[]}',
    b'{"destination":"U","events":{}}',
    b"\xff\xfe",
    b'{"destination":"\xff","events":[]}',
    b'{"destination":' + b'{"a":' * 50_000,
    webhook(*([{}] * (LINE_EVENTS + 1))),
)
DEEP = b'{"destination":"U","events":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}"


def test_a_body_that_is_no_webhook_is_refused_and_nothing_breaks(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for body in BAD_BODIES:
            reply = await desk.post(body=body)
            assert (reply.status, reply.json["type"].rpartition("/")[2]) == (400, "line-body"), body[:40]
        assert (await desk.post(body=DEEP)).status in (200, 400), (
            "passed over as an event that cannot be read, or refused"
        )
        assert desk.sent.bodies == []
        assert "花蓮" in (await desk.say("花蓮市還有口罩嗎"))[0]

    on_desk(tmp_path, story)


def test_a_huge_body_is_refused_before_its_signature_is_worked_out(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert (await desk.post(body=b" " * (LINE_BODY_BYTES + 1))).status == 413

    on_desk(tmp_path, story)


def test_the_verification_ping_is_answered(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert (await desk.post()).status == 200
        assert desk.sent.bodies == []

    on_desk(tmp_path, story)


BAD_EVENTS: tuple[Any, ...] = (
    {"type": "message"},
    {},
    an_event("message", message={"id": "1"}),
    an_event("message", message={"type": "text", "text": 7}),
    an_event("message", message="text"),
    an_event("message", message=HERE, timestamp="now"),
    an_event("message", message=HERE, webhookEventId=None),
    an_event("message", message=HERE, webhookEventId=""),
    an_event("message", message=HERE, webhookEventId=7),
    an_event("message", message=HERE, mode=None),
    an_event("message", message=HERE | {"latitude": "23"}),
    "text",
    None,
    7,
    [],
)


def test_an_event_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for number, event in enumerate(BAD_EVENTS, 1):
            assert (await desk.post(event, message(HERE), event)).status == 200
            assert len(desk.sent.bodies) == number, event

    on_desk(tmp_path, story)


UNSAID = (
    message(HERE, mode="standby"),
    message(HERE, replyToken=None),
    an_event("unfollow", replyToken=None),
    an_event("unsend", unsend={"messageId": "1"}, replyToken=None),
    an_event("videoPlayComplete"),
    an_event("some-day-new", thing={"a": [1]}),
)


def test_what_is_not_said_to_us_is_not_answered(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert (await desk.post(*UNSAID)).status == 200
        assert desk.sent.bodies == []
        standing = await desk.node.client.get("/api/line/standing", token=ADMINISTRATOR)
        assert standing.json["counts"] == {"standby": 1, "unspoken": 5}

    on_desk(tmp_path, story)


def test_what_is_no_text_gets_a_short_help_and_a_greeting_a_welcome(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for kind in ("sticker", "image", "video", "audio", "file", "new-kind"):
            await desk.post(message({"type": kind, "id": "1", "packageId": "1"}))
            assert "我看得懂文字和位置" in desk.sent.texts[-1]
        for place in ({"latitude": 91, "longitude": 0}, {"latitude": 0, "longitude": 1e9}, {"latitude": 1}):
            await desk.post(message({"type": "location", "id": "1"} | place))
            assert "我看得懂文字和位置" in desk.sent.texts[-1]
        await desk.post(an_event("follow", follow={"isUnblocked": False}))
        assert "您好" in desk.sent.texts[-1]
        assert f"{UTTERANCE_CHARACTERS} 個字" in (await desk.say("口" * 5000))[0]
        await desk.post(message({"type": "text", "id": "1", "text": "   "}))
        assert "我看得懂文字和位置" in desk.sent.texts[-1]
        await desk.post(an_event("postback", postback={"data": "花蓮縣還有多少成人口罩"}))
        assert "280 片" in desk.sent.texts[-1]

    on_desk(tmp_path, story)


def test_english_words_are_answered_in_english_and_a_code_in_the_language_spoken(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert "Where are you?" in (await desk.say("where can I get masks"))[0]
        assert "200 pieces left" in (await desk.say("0145080011"))[0]
        assert "還有 200 片" in (await desk.say("0145080011 還有嗎"))[0]

    on_desk(tmp_path, story)


def test_in_a_group_a_bot_is_quiet_unless_it_knows(tmp_path: Path) -> None:
    group = {"type": "group", "groupId": "C" + "1" * 32, "userId": USER}

    async def story(desk: Desk) -> None:
        assert await desk.say("今晚吃什麼", source=group) == []
        assert await desk.say("哈哈哈", source={"type": "group", "groupId": "C1"}) == []
        assert "280 片" in (await desk.say("花蓮縣還有多少成人口罩", source=group))[0]

    on_desk(tmp_path, story)


def test_an_unknown_question_is_answered_honestly_and_a_persons_number_is_not_looked_up(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        assert "我不知道" in (await desk.say("今天天氣如何"))[0]
        assert "請不要在這裡輸入身分證字號" in (await desk.say("A123456789 領過口罩嗎"))[0]

    on_desk(tmp_path, story)


def test_failed_replies_are_counted_and_logged_without_words(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.sent.statuses = [400, 503, 200]
        assert (await desk.post(message(HERE), message(HERE, source={"type": "user", "userId": "U2"}))).status == 200
        standing = await desk.node.client.get("/api/line/standing", token=ADMINISTRATOR)
        assert standing.json == {"dialogues": 2, "counts": {"events": 2, "refused": 1, "sent": 1}}
        assert (await desk.node.client.get("/api/line/standing")).status in (401, 403)

    on_desk(tmp_path, story)


def test_a_service_in_trouble_is_said_and_the_next_question_is_answered(tmp_path: Path) -> None:
    service = Service("shaky", title={"zh-Hant": "測試", "en": "Test"}, package="tests.channel.line")

    @service.operation(
        "ask", title=service.title, summary=service.title, data=("open",), audience="public", channels=("chat",)
    )
    async def ask(ctx: Context, request: Utterance) -> Reply:
        if "壞" in request.text:
            raise Unavailable("the store is away")
        return Reply("好", 1.0)

    async def story(desk: Desk) -> None:
        assert await desk.say("壞") == ["現在沒辦法查詢，請等一下再試一次。"]
        assert await desk.say("問") == ["好"]

    on_desk(tmp_path, story, services=[service])
