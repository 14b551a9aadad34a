"""The demonstration's chat without LINE: each person's own, a code links it, what is asked there is answered there."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path

import msgspec
import pytest
from tests.make import NOW, SECRET, Client
from tests.service.fence import world as fence_world
from tests.service.fence.world import LEE, ONLY, World, a_world
from tests.service.rationing.preorder.test_pages import see, send

from banyan.channel.web import build_portal
from banyan.demo.handset.service import build_handset
from banyan.demo.handset.talking import KEPT, PEOPLE, Bubble, Handset
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.node import ROOT, open_node
from banyan.service.fence.shelf import ChatSaid
from banyan.settings import Settings


def the_door(world: World) -> Client:
    """A door where a token stands for a person; its `handset` is the node's own."""
    who = {"wang": world.citizen(), "lee": world.citizen(LEE), "officer": fence_world.HEALTH}
    services = list(world.node.catalogue.services.values())
    work = world.node.data / "w"
    work.mkdir()
    return Client(
        build_door(
            world.node.catalogue, world.node.gate, identify=who.get,
            settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0), log=lambda name, fields: None,
            render=build_portal(services, site=Settings().site, web=ROOT / "web").render,
        )
    )  # fmt: skip


def test_who_is_asked_answers_on_the_simulated_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence_world, "open_node", partial(open_node, is_demo=True))

    async def run() -> None:
        async with a_world(tmp_path, [float(NOW)], settings=msgspec.structs.replace(ONLY)) as world:
            await world.order()
            client, case = the_door(world), await world.register()
            assert "先以民眾登入" in await see(client, "/handset")
            assert "先以民眾登入" in await see(client, "/handset", "officer")
            assert (await send(client, "/handset", "officer", text="hello")).status == 403
            await world.signal(case, "left", "strong")
            await world.later(130)  # asked by SMS, before there is a chat
            code = (await world.call("link_chat", world.citizen())).code
            assert (await send(client, "/handset", "wang", text=f"連結 {code}")).status == 303
            page = await see(client, "/handset", "wang")
            assert "已連結" in page
            assert "您在家嗎" in page, "what is open is asked there too"
            assert "已連結" not in await see(client, "/handset", "lee"), "everybody their own"
            (home,) = re.findall(r'value="(fence/[0-9a-f]{16}/home/[0-9a-f]{32})"', page)
            assert "不是問這個聊天" in (await see(client, "/handset", "lee") + await pressed(client, "lee", home))
            assert (await world.work())[0].answer == ""
            assert "您在家。謝謝" in await pressed(client, "wang", home)
            assert (await world.work())[0].answer == "home"
            unknown = await send(client, "/handset", "wang", text="口罩")
            assert "只認得連結碼" in unknown.text
            assert (await send(client, "/handset", "wang", text=" ")).status == 422
            hers = await world.register(LEE)
            code = (await world.call("link_chat", world.citizen(LEE))).code
            assert (await send(client, "/handset", "lee", text=f"連結 {code}")).status == 303
            assert "您在家嗎" not in await see(client, "/handset", "lee")
            await world.signal(hers, "left", "strong")
            await world.later(130)
            assert "您在家嗎" in await see(client, "/handset", "lee"), "pushed by itself"

    asyncio.run(run())


async def pressed(client: Client, who: str, data: str) -> str:
    assert (await send(client, "/handset", who, text="我在家", data=data)).status == 303
    return await see(client, "/handset", who)


def test_a_real_node_has_no_simulated_phone(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_world(tmp_path, [float(NOW)]) as world:
            assert "handset" not in world.node.catalogue.services
            assert (await Client(world.node.app).get("/handset")).status == 404

    asyncio.run(run())


def test_a_push_is_taken_once_and_chats_have_a_bound() -> None:
    handset = Handset()
    for _ in range(2):
        assert handset.take("a", ChatSaid("once", "en"), "k")
    assert handset.shown("a") == (Bubble(False, "once"),)
    for number in range(KEPT + 5):
        handset.take("b", ChatSaid(str(number), "en"), f"b{number}")
    assert [one.text for one in handset.shown("b")] == [str(number) for number in range(5, KEPT + 5)]
    for number in range(PEOPLE):
        handset.take(f"c{number}", ChatSaid("x", "en"), f"c{number}")
    assert handset.shown("a") == ()
    assert asyncio.run(handset.say("d", "hello", "", "en")) is False
    assert build_handset(handset).operations == {}, "nothing is reached but by its page"
