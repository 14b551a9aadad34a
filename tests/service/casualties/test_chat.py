"""The public's question in the chat, in both languages: asked field by field, answered masked, refused in one way."""

from __future__ import annotations

from typing import Any

import pytest
from tests.service.casualties.world import ANONYMOUS, MACKAY, World, in_a_world

from banyan.channel.talk.engine import Talk
from banyan.channel.talk.state import State
from banyan.kernel.catalogue.dialogue import Language, Utterance


async def said(world: World, lang: Language, *lines: str) -> list[Any]:
    talk, state, turns = Talk(list(world.node.catalogue.operations.values())), State(lang=lang), []

    async def call(operation: str, request: Any, *, purpose: str = "") -> Any:
        return await world.node.gate.call(operation, request, caller=ANONYMOUS, purpose=purpose)

    for line in lines:
        turn = await talk.turn(Utterance(line, lang=lang), state, call)
        state = turn.state
        turns.append(turn)
    return turns


@pytest.mark.parametrize(
    ("lang", "start", "yes", "words"),
    [
        ("zh-Hant", "傷病患查詢", "送出", ("完整姓名", "生日或證號末四碼", "王○明（男，30-39 歲）在馬偕：治療中")),
        (
            "en",
            "casualty",
            "send",
            ("Full name", "Birth date or last four digits", "王○明 (male, 30-39) is at 馬偕: in care"),
        ),
    ],
)
def test_a_family_asks_in_the_chat(lang: Language, start: str, yes: str, words: tuple[str, str, str]) -> None:
    async def story(world: World) -> None:
        await world.report(MACKAY, {"name": "王曉明", "sex": "男", "born": "79/3/12"})
        turns = await said(world, lang, start, "王曉明", "79/3/12", yes)
        assert words[0] in turns[0].replies[-1].text
        assert words[1] in turns[1].replies[-1].text
        assert turns[3].status == "answered"
        assert words[2] in turns[3].replies[0].text
        assert "王曉明" not in turns[3].replies[0].text
        refused = []
        for name, secret in (("王曉明", "79/3/13"), ("張無忌", "79/3/12")):
            turns = await said(world, lang, start, name, secret, yes)
            assert turns[3].status == "failed"
            refused.append(turns[3].replies[0].text)
        assert refused[0] == refused[1]
        assert "1999" in refused[0]

    in_a_world(story)
