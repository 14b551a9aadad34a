"""Reminders in a linked chat: once, by day, of what still holds, in the words of the SMS, as she chose."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.channel.line.desk import CHANNEL_SECRET, TOKEN, USER, message, webhook
from tests.make import Client
from tests.service.fence.test_chat_over_line import a_line
from tests.service.rationing.preorder.test_pages import at_the_door, see, send
from tests.service.rationing.preorder.test_reminding import ROUND, by_day, sender_of, sent
from tests.service.rationing.preorder.world import DAY, ONLY, STORE, Play, World, a_number, a_world

from banyan.errors import Conflict, Denied, NotFound, Unavailable
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage.store import Statement
from banyan.limits_rationing import PREORDER_CHAT_CODE_S, PREORDER_KEEP_S
from banyan.reminding import lend_chat_reminders
from banyan.service.rationing.preorder.chats import hear
from banyan.settings import LINE_SECRETS, Line
from banyan.wire.line import signature

MINE, OTHERS = "U" + "1" * 32, "U" + "2" * 32
ALL = Statement("all", "All chats.", "select preorder, sealed from preorder_chat")
BEFORE = Statement("before", "Nothing passed on.", "update preorder_chat set done = 0, waits = 1")


class Said:
    """A chat that takes each key once, as LINE does. While `is_down` nobody answers; whom it `refuses` blocked us."""

    def __init__(self) -> None:
        self.said: dict[str, tuple[str, str]] = {}
        self.tries = 0
        self.is_down = False
        self.refuses: set[str] = set()

    async def say(self, to: str, text: str, key: str) -> bool:
        self.tries += 1
        if self.is_down:
            raise Unavailable("busy", remedy="again")
        if to in self.refuses:
            return False
        self.said.setdefault(key, (to, text))
        return True

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.said.values()]


def chat_of(world: World) -> Said:
    chat = Said()
    lend_chat_reminders(world.drawer, world.node.scopes, world.node.lawful, chat)
    return chat


async def link(world: World, number: int, user: str = MINE) -> str:
    """Her code, sent from a chat; what is answered."""
    made = await world.call("link_preorder_chat", world.citizen(number), round=ROUND)
    return str(await hear(world.drawer, user, f"連結 {made.code}", "zh-Hant", world.node.gate.clock()))


async def kept(world: World) -> list[Any]:
    return await world.drawer.sql.read(lambda tx: tx.rows(ALL))


def test_who_linked_a_chat_is_told_there_what_the_sms_says_and_beside_it(play: Play) -> None:
    async def story(world: World) -> None:
        notifier, chat = sender_of(world), chat_of(world)
        await world.publish()
        await world.call("preorder", world.citizen(0), round=ROUND, born="1980-05-01", telephone="0912345678")
        await world.register(1, 2)
        assert "chat" in (await world.mine(0)).can
        assert "已連結" in await link(world, 0)
        assert (await world.mine(1)).check_word in await link(world, 1, OTHERS)
        assert ((await world.mine(0)).is_chat_linked, (await world.mine(2)).is_chat_linked) == (True, False)
        await world.draw()
        await by_day(world)
        assert sorted(to for to, _ in chat.said.values()) == [MINE, OTHERS]
        (sms,) = await sent(notifier)
        (mine,) = [text for to, text in chat.said.values() if to == MINE]
        assert mine == sms.text, "no more than the SMS says"
        assert "http" not in mine
        world.now[0] = (await world.order(0)).pay_by - DAY + 1
        await by_day(world)
        assert len(chat.said) == 4
        await world.pay(0)
        world.now[0] += 4 * DAY
        await by_day(world)
        code = (await world.mine(0)).pickup_code
        await world.call("collect", STORE, code=code, person=a_number(0), outlet="TW/COM/STORE/0412")
        assert (await world.mine(0)).is_chat_linked is False

    play(story)


def test_it_is_said_once_whatever_fails_and_while_it_holds(play: Play) -> None:
    async def story(world: World) -> None:
        chat = chat_of(world)
        await world.publish()
        await world.register(0)
        await link(world, 0)
        chat.is_down = True
        await world.draw()
        await by_day(world)
        assert (chat.said, chat.tries > 0) == ({}, True), "tried, and the worker went on"
        chat.is_down = False
        await world.turn()
        await world.drawer.sql.write(lambda tx: tx.run(BEFORE))  # it died after the chat had it
        await world.turn()
        assert len(chat.said) == 1
        chat.is_down = True
        world.now[0] = (await world.order(0)).pay_by - DAY + 1
        await by_day(world)
        await world.pay(0)
        chat.is_down = False
        await by_day(world)
        assert len(chat.said) == 1, "that it is not paid is true no more"

    play(story)


def test_a_mother_with_two_orders_is_told_once_a_day_and_who_blocked_us_stops_nobody(play: Play) -> None:
    async def story(world: World) -> None:
        chat = chat_of(world)
        chat.refuses = {OTHERS}
        await world.publish()
        await world.register(0, 1, 2)
        for number, user in ((0, MINE), (1, MINE), (2, OTHERS)):
            await link(world, number, user)
        await world.draw()
        await by_day(world)
        assert [to for to, _ in chat.said.values()] == [MINE]
        tries = chat.tries
        await by_day(world)
        assert chat.tries == tries, "what was refused is not tried for ever"

    play(story)


def test_a_code_links_once_in_time_and_by_its_own_person(play: Play) -> None:
    async def story(world: World) -> None:
        chat_of(world)
        await world.publish()
        await world.register(0)

        async def say(code: str, user: str = MINE) -> str | None:
            return await hear(world.drawer, user, f"link {code}", "en", world.node.gate.clock())

        first = (await world.call("link_preorder_chat", world.citizen(0), round=ROUND)).code
        second = (await world.call("link_preorder_chat", world.citizen(0), round=ROUND)).code
        assert await say(first) is None, "a newer code was given"
        assert "linked" in str(await say(second.lower().replace("-", "")))
        assert await say(second, OTHERS) is None, "it was used"
        assert await hear(world.drawer, MINE, "口罩", "zh-Hant", world.node.gate.clock()) is None
        third = (await world.call("link_preorder_chat", world.citizen(0), round=ROUND)).code
        world.now[0] += PREORDER_CHAT_CODE_S + 1
        assert "new one" in str(await say(third))
        mother = msgspec.structs.replace(world.citizen(0), kind="representative")
        for caller in (mother, Caller("officer", "o", agency="TW/GOV/NHI", assurance="aal2")):
            with pytest.raises(Denied):
                await world.call("link_preorder_chat", caller, round=ROUND)
        with pytest.raises(NotFound):
            await world.call("link_preorder_chat", world.citizen(1), round=ROUND)

    play(story)


@pytest.mark.parametrize("end", ["withdraw", "unlink", "cancel"])
def test_the_link_is_deleted_with_the_order_or_when_she_says_so(play: Play, end: str) -> None:
    async def story(world: World) -> None:
        chat = chat_of(world)
        await world.publish()
        await world.register(0)
        await link(world, 0)
        assert len(await kept(world)) == 1
        if end == "withdraw":
            await world.call("withdraw_preorder", world.citizen(0), round=ROUND)
        elif end == "unlink":
            assert (await world.call("unlink_preorder_chat", world.citizen(0), round=ROUND)).was_linked
            assert not (await world.call("unlink_preorder_chat", world.citizen(0), round=ROUND)).was_linked
        else:
            await world.call("act_on_round", round=ROUND, do="cancel")
        await by_day(world)
        assert (await kept(world), chat.said) == ([], {})
        if end != "unlink":
            with pytest.raises(Conflict):
                await world.call("link_preorder_chat", world.citizen(0), round=ROUND)

    play(story)


def test_who_she_is_in_her_chat_is_sealed_and_the_rounds_end_destroys_the_key(play: Play) -> None:
    async def story(world: World) -> None:
        chat_of(world)
        await world.publish()
        await world.register(0)
        await link(world, 0)
        ((_, sealed),) = await kept(world)
        assert MINE.encode() not in sealed
        keys, id = world.node.scopes, (await world.order(0)).id
        assert await keys.open(f"preorder:{ROUND}", b"chats", sealed, context=id.encode()) == MINE.encode()
        await world.draw()
        world.now[0] += 12 * DAY + PREORDER_KEEP_S
        for _ in range(3):
            await by_day(world)
        with pytest.raises(NotFound):
            await keys.open(f"preorder:{ROUND}", b"chats", sealed, context=id.encode())

    play(story)


def test_a_node_without_a_chat_offers_none_and_one_with_it_shows_the_code_once(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(0, 1)
        assert "chat" not in (await world.mine(0)).can
        with pytest.raises(Conflict):
            await world.call("link_preorder_chat", world.citizen(0), round=ROUND)
        chat_of(world)
        client = at_the_door(world)
        assert "也在聊天提醒我" in await see(client, "/rationing/orders", "lin")
        shown = await send(client, "/rationing/orders", "lin", do="link", round=ROUND)
        assert (shown.status, "連結 " in shown.text) == (200, True)
        assert "連結 " not in await see(client, "/rationing/orders", "lin")
        code = shown.text.split("連結 ")[1][:11]
        assert "已連結" in str(await hear(world.drawer, MINE, f"連結 {code}", "zh-Hant", world.node.gate.clock()))
        assert "聊天提醒已開啟" in await see(client, "/rationing/orders", "lin")
        assert (await send(client, "/rationing/orders", "lin", do="unlink", round=ROUND)).status == 303
        assert await kept(world) == []

    play(story)


def test_over_line_a_code_is_heard_and_a_reminder_is_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LINE_SECRETS[0], CHANNEL_SECRET)
    monkeypatch.setenv(LINE_SECRETS[1], TOKEN)

    async def post(world: World, text: str) -> None:
        body = webhook(message({"type": "text", "id": "1", "text": text}))
        headers = {"X-Line-Signature": signature(CHANNEL_SECRET.encode(), body)}
        assert (await Client(world.node.app).post("/line/webhook", body=body, headers=headers)).status == 200

    async def run(url: str, asked: list[Any]) -> None:
        async with a_world(tmp_path, msgspec.structs.replace(ONLY, line=Line(enabled=True, api_url=url))) as world:
            await world.publish()
            await world.register(0)
            code = (await world.call("link_preorder_chat", world.citizen(0), round=ROUND)).code
            await post(world, f"連結 {code}")
            assert "已連結" in asked.pop()[2]["messages"][0]["text"]
            await world.draw()
            await by_day(world)
            (kind, key, push) = asked.pop()
            assert (kind, push["to"], len(key)) == ("push", USER, 36)
            assert (await world.mine(0)).check_word in push["messages"][0]["text"]

    with a_line() as (url, asked):
        asyncio.run(run(url, asked))
