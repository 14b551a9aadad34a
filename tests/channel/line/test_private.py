"""Who is known by their chat: one person alone with us is heard by composition's ear first; everybody else talks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.channel.line.desk import USER, Desk, an_event, message, on_desk

from banyan.channel.line import Heard, lend_ear
from banyan.wire.line import Message, TextMessage


def test_a_person_alone_is_heard_first_and_the_dialogue_hears_the_rest(tmp_path: Path) -> None:
    heard: list[Heard] = []

    async def ear(one: Heard) -> Sequence[Message] | None:
        heard.append(one)
        return [TextMessage("已連結")] if one.text.startswith("連結") or one.data else None

    async def story(desk: Desk) -> None:
        lend_ear(desk.node.drawers["line"], ear)
        assert await desk.say("連結 ABCDE-FGHJK") == ["已連結"]
        assert await desk.say("link me") != ["已連結"], "the dialogue's"
        group = {"type": "group", "groupId": "C" + "1" * 32, "userId": USER}
        await desk.say("連結 ABCDE-FGHJK", source=group)
        await desk.post(an_event("postback", postback={"data": "fence/1/home/2"}))
        await desk.post(an_event("postback", postback={"data": "fence/1/home/2"}, source=group))
        assert [(one.user, one.text, one.data, one.lang) for one in heard] == [
            (USER, "連結 ABCDE-FGHJK", "", "zh-Hant"),
            (USER, "link me", "", "en"),
            (USER, "", "fence/1/home/2", "en"),
        ]
        twice = message({"type": "text", "id": "1", "text": "連結 ABCDE-FGHJK"})
        await desk.post(twice)
        await desk.post(twice)
        assert len(heard) == 4, "a redelivery is not heard again"

    on_desk(tmp_path, story)


def test_without_the_signature_nobody_is_heard(tmp_path: Path) -> None:
    heard: list[Heard] = []

    async def ear(one: Heard) -> Sequence[Message] | None:
        heard.append(one)
        return []

    async def story(desk: Desk) -> None:
        lend_ear(desk.node.drawers["line"], ear)
        event = an_event("postback", postback={"data": "fence/1/home/2"})
        assert (await desk.post(event, sign="AAAA")).status == 400
        assert heard == []

    on_desk(tmp_path, story)
