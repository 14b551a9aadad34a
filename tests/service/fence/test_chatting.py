"""By chat: linked once by her own code, asked beside the SMS, answered by a press that is bound to the question."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.make import NOW
from tests.service.fence.world import HEALTH, LEE, WANG, World, in_a_world

from banyan.chat_asking import BY, connect_chat, message_of
from banyan.errors import Conflict, Denied, Unavailable
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage.store import Statement
from banyan.service.fence.answering import HEARD_S
from banyan.service.fence.chatting import hear
from banyan.service.fence.shelf import ChatSaid, lend_chat

ALL_CHATS = Statement("chats", "", "select held, contact, address, lang from chat")
ALL_STEPS = Statement("steps", "", "select kind, note from step")
HERS, ANOTHERS = "U" + "1" * 32, "U" + "2" * 32


class Chats(msgspec.Struct):
    """A chat that keeps what it was given; `down` so often it cannot be reached."""

    told: list[tuple[str, ChatSaid, str]] = []
    down: int = 0
    is_blocked: bool = False

    async def push(self, to: str, said: ChatSaid, key: str) -> bool:
        if self.down:
            self.down -= 1
            raise Unavailable("down", remedy="again")
        if key not in {one[2] for one in self.told}:
            self.told.append((to, said, key))
        return not self.is_blocked


class Phone(msgspec.Struct):
    """Somebody's chat at the node."""

    world: World
    user: str = HERS

    async def say(self, text: str = "", data: str = "", lang: Any = "zh-Hant") -> ChatSaid | None:
        context = self.world.node.gate.context("fence", BY)
        return await hear(context, self.user, text, data, lang)

    async def press(self, said: ChatSaid, at: int) -> str:
        found = await self.say(data=said.choices[at][1])
        assert found is not None
        return found.text


def chatting(world: World) -> Chats:
    chats = Chats()
    lend_chat(world.node.drawers["fence"], chats)
    return chats


async def linked(world: World, number: str = WANG, *, lang: Any = "zh-Hant") -> Phone:
    code = (await world.call("link_chat", world.citizen(number))).code
    phone = Phone(world)
    found = await phone.say(("連結 " if lang == "zh-Hant" else "link ") + code, lang=lang)
    assert found is not None
    assert found.lang == lang
    assert ("已連結" if lang == "zh-Hant" else "Linked") in found.text
    return phone


async def asked(world: World, case: str, chats: Chats) -> ChatSaid:
    await world.signal(case, "left", "strong")
    await world.later(130)
    return chats.told[-1][1]


@pytest.mark.parametrize(
    ("lang", "labels"),
    [
        ("zh-Hant", ["我在家", "我不在家，因為⋯", "請打電話給我"]),
        ("en", ["I am home", "I am not, because…", "Call me"]),
    ],
)
def test_who_linked_her_chat_is_asked_there_and_her_press_counts_as_the_pages_answer(
    lang: str, labels: list[str]
) -> None:
    async def story(world: World) -> None:
        chats, case = chatting(world), await world.register()
        phone = await linked(world, lang=lang)
        said = await asked(world, case, chats)
        assert [one[0] for one in said.choices] == labels
        assert [one[0] for one in chats.told] == [HERS]
        assert len(world.sms._campaigns) == 1, "and by SMS"
        stranger = Phone(world, ANOTHERS)
        assert "不是問這個聊天" in await stranger.press(said, 0)
        assert await phone.press(said, 0) in ("收到，您在家。謝謝。", "Thank you: you are home.")
        (work,) = await world.work()
        assert work.answer == "home"
        assert "said-home-chat" in await world.said(case)
        for at in (0, 1, 2):
            assert await phone.press(said, at) in (
                "這個問題已經回答過了。有變化請打 1922。", "This question is answered. Call 1922 if it changed.",
            )  # fmt: skip
        assert (await world.said(case)).count("said-home-chat") == 1
        own = await world.call("mine", world.citizen())
        assert (own.chat, own.is_asked) == ("linked", False)
        assert [bool(one.answered) for one in own.asked] == [True]
        assert {one.by for one in own.steps if one.kind == "said-home-chat"} == {"person"}

    in_a_world(story)


def test_i_am_not_because_reaches_the_case_worker_with_the_reason() -> None:
    async def story(world: World) -> None:
        chats, case = chatting(world), await world.register()
        phone = await linked(world)
        said = await asked(world, case, chats)
        reply = await phone.say(data=said.choices[1][1])
        assert reply is not None
        assert [one[0] for one in reply.choices] == ["就醫", "買東西", "避難或家裡有危險", "其他"]
        (work,) = await world.work()
        assert (work.stage, work.answer) == ("worker", "away")
        assert "承辦人員" in (await phone.press(reply, 0))
        await phone.press(reply, 1)
        assert await phone.say("我在買菜") is None, "she has said why: what follows is for the dialogue"
        seen = await world.call("open_case", HEALTH, case=case, reason="告警處理")
        assert [one.words for one in seen.steps if one.kind == "said-why"] == ["就醫"]

    in_a_world(story)


def test_why_may_be_written_and_is_sealed() -> None:
    async def story(world: World) -> None:
        chats, case = chatting(world), await world.register()
        phone = await linked(world)
        said = await asked(world, case, chats)
        await phone.press(said, 1)
        assert await phone.say("樓上失火，全家在公園") is not None
        seen = await world.call("open_case", HEALTH, case=case, reason="告警處理")
        assert [one.words for one in seen.steps if one.kind == "said-why"] == ["樓上失火，全家在公園"]
        rows = await world.node.drawers["fence"].sql.read(lambda tx: [*tx.rows(ALL_CHATS), *tx.rows(ALL_STEPS)])
        kept = b"".join(one if isinstance(one, bytes) else str(one).encode() for row in rows for one in row)
        assert "失火".encode() not in kept
        assert HERS.encode() not in kept

    in_a_world(story)


def test_call_me_puts_her_on_the_call_list_and_stops_no_clock() -> None:
    async def story(world: World) -> None:
        chats, case = chatting(world), await world.register()
        await world.call("note_call", HEALTH, case=case, result="home")
        phone = await linked(world)
        said = await asked(world, case, chats)
        for _ in range(2):
            assert "打電話給您" in await phone.press(said, 2)
        found = await world.call("call_list", HEALTH)
        assert [(one.case, one.is_urgent) for one in found.calls] == [(case, True)]
        assert (await world.said(case)).count("said-call-chat") == 1
        await world.later(600)
        assert (await world.work())[0].stage == "worker", "no answer in ten minutes, as ever"
        assert "您在家" in await phone.press(said, 0), "and she may still answer"

    in_a_world(story)


def test_a_forged_an_old_or_anothers_press_moves_nothing() -> None:
    async def story(world: World) -> None:
        chats, case, other = chatting(world), await world.register(), await world.register(LEE)
        phone = await linked(world)
        said = await asked(world, case, chats)
        home, away = said.choices[0][1], said.choices[1][1]
        token = away.rpartition("/")[2]
        changed = home[:-1] + ("0" if home[-1] != "0" else "1")
        forged = (home.replace("home", "away"), changed, "fence/", "fence/x/home/y",
                  home.rpartition("/")[0] + "/" + token, f"fence/{'0' * 16}/home/{token}")  # fmt: skip
        for data in forged:
            found = await phone.say(data=data)
            assert found is not None
            assert "過期" in found.text, data
        assert await phone.say(data="口罩") is None, "not ours"
        assert (await world.work())[0].answer == ""
        await world.signal(other, "left", "weak")
        await world.later(130)
        assert len(chats.told) == 1, "who linked no chat is asked by SMS alone"
        world.now[0] = NOW + 130 + HEARD_S + 60
        assert "過期" in await phone.press(said, 0)
        await world.call("unlink_chat", world.citizen())
        again = await asked(world, case, chats)
        assert again is said, "unlinked: nothing new is said there"
        assert await phone.say("你好") is None

    in_a_world(story)


def test_a_code_links_once_in_its_time_and_only_by_herself() -> None:
    async def story(world: World) -> None:
        chatting(world)
        await world.register()
        code = (await world.call("link_chat", world.citizen())).code
        later = (await world.call("link_chat", world.citizen())).code
        thief, phone = Phone(world, ANOTHERS), Phone(world)
        for wrong in (code, "AAAAA-AAAAA"):
            found = await thief.say(f"連結 {wrong}")
            assert found is not None
            assert "連結碼不對" in found.text
        assert "已連結" in str(await phone.say(f"link {later.lower()}"))
        assert "連結碼不對" in str(await thief.say(f"連結 {later}"))
        third = (await world.call("link_chat", world.citizen())).code
        world.now[0] += 601
        assert "連結碼不對" in str(await thief.say(f"連結 {third}"))
        person = world.citizen()
        acting = Caller("representative", "r", assurance="aal2", subject=person.subject, mandate="m")
        with pytest.raises(Denied):
            await world.call("link_chat", acting)

    in_a_world(story)


def test_a_chat_that_is_down_is_tried_again_and_asked_once_and_words_bring_the_question_back() -> None:
    async def story(world: World) -> None:
        chats, case = chatting(world), await world.register()
        phone = await linked(world)
        chats.down = 1
        await world.signal(case, "left", "strong")
        with pytest.raises(Unavailable):
            await world.later(130)
        assert chats.told == []
        await world.later(120)  # the timer's lease is over, as after a crash
        assert len(chats.told) == 1
        again = await phone.say("什麼事？")
        assert again is not None
        assert again.choices == chats.told[0][1].choices, "the same question: LINE's buttons go with the next message"
        await phone.press(again, 0)
        assert (await world.work())[0].answer == "home"
        assert (await world.said(case)).count("chatted") == 1

    in_a_world(story)


def test_without_a_chat_there_is_nothing_to_link_and_after_the_end_nothing_is_kept() -> None:
    async def story(world: World) -> None:
        case = await world.register()
        with pytest.raises(Conflict):
            await world.call("link_chat", world.citizen())
        node = world.node
        connect_chat(
            node.drawers, node.settings, node.gate, scopes=node.scopes, lawful=node.lawful
        )  # no LINE here: nothing happens
        assert (await world.call("mine", world.citizen())).chat == ""
        chatting(world)
        phone = await linked(world)
        world.now[0] = NOW + 29 * 86_400
        await world.later(300)
        rows = await world.node.drawers["fence"].sql.read(lambda tx: tx.rows(ALL_CHATS))
        assert rows == []
        assert await phone.say("你好") is None
        assert await world.said(case) == []

    in_a_world(story)


def test_what_is_said_fits_the_chat() -> None:
    said = ChatSaid("問", "zh-Hant", tuple((f"選項{at}" * 10, "d" * 100) for at in range(20)))
    message = message_of(said)
    assert message.quick_reply is not None
    assert len(message.quick_reply.items) == 13
    assert message_of(ChatSaid("好", "en")).quick_reply is None
