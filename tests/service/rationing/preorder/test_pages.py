"""The pages of preorder by plain forms: an officer makes a round, people register and pay, a store hands out."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tests.make import SECRET, Client, Reply
from tests.service.rationing.preorder.world import CLOSES, DAY, OFFICE, OPENS, Play, World, a_number, a_round

from banyan.channel.web import build_portal
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.kernel.identity.caller import Caller
from banyan.node import ROOT
from banyan.service.rationing.parts import SERVICE
from banyan.service.rationing.preorder.words import TAIPEI
from banyan.settings import Settings

TILL = Caller("officer", "s-1", agency="TW/COM/STORE", assurance="aal2")


def at_the_door(world: World) -> Client:
    """A door where a token stands for a caller."""
    who = {"office": OFFICE, "till": TILL, "lin": world.citizen(1), "wang": world.citizen(2)}
    work = world.node.data / "w"
    work.mkdir(exist_ok=True)
    return Client(
        build_door(
            world.node.catalogue,
            world.node.gate,
            identify=who.get,
            settings=DoorSettings(secret=SECRET, work=work, rate_scale=0.0),
            log=lambda name, fields: None,
            render=build_portal([SERVICE], site=Settings().site, web=ROOT / "web").render,
        )
    )


async def see(client: Client, path: str, who: str = "") -> str:
    headers = {"authorization": f"Bearer {who}"} if who else {}
    reply = await client.get(path, headers=headers)
    assert reply.status == 200, reply.text
    return reply.text


async def send(client: Client, path: str, who: str, **form: str) -> Reply:
    headers = {"authorization": f"Bearer {who}"} if who else {}
    return await client.request("POST", path, headers=headers, form=form)


def the_form() -> dict[str, str]:
    round = a_round(outlets="TW/COM/STORE", reserve_hours="24", mode="draw", forfeit="stock", renews="")
    local = {name: datetime.fromtimestamp(at, TAIPEI).strftime("%Y-%m-%dT%H:%M") for name, at in round.items()
             if isinstance(at, float)}  # fmt: skip
    texts: dict[str, Any] = {name: str(value) for name, value in round.items() if name != "reserve_pay_s"}
    return texts | local


def test_everything_by_forms(play: Play) -> None:
    async def story(world: World) -> None:
        client = at_the_door(world)
        made = await send(client, "/rationing/rounds/desk", "office", do="save", **the_form())
        assert made.status == 303, made.text
        assert "第三十七週成人口罩" in await see(client, "/rationing/rounds/desk", "office")
        assert "第三十七週成人口罩" not in await see(client, "/rationing/rounds")
        await send(client, "/rationing/rounds/desk", "office", do="publish", round="w37-adult")
        assert "即將開始" in await see(client, "/rationing/rounds")
        world.now[0] = OPENS + 60
        asked = {"round": "w37-adult", "do": "register"}
        wrong = await send(client, "/rationing/orders", "lin", **asked)
        assert (wrong.status, 'href="#f-born"' in wrong.text) == (422, True)
        for who in ("lin", "lin", "wang"):
            assert (await send(client, "/rationing/orders", who, **asked, born="1980-05-01")).status == 303
        assert "已登記" in await see(client, "/rationing/orders", "lin")
        await world.draw()
        assert "請付 NT$52" in await see(client, "/rationing/orders", "lin")
        assert (await send(client, "/rationing/orders", "lin", round="w37-adult", do="atm")).status == 303
        shown = await see(client, "/rationing/orders", "lin")
        account = re.search(r"012-(\d{14})", shown)
        assert account is not None
        world.book.pay(world.book.by_account(account[1]), 52)
        await world.deliver()
        shown = await see(client, "/en/rationing/orders", "lin")
        code = re.search(r"([0-9A-Z]{4}-[0-9A-Z]{4})</strong>", shown)
        assert code is not None
        card = await send(client, "/rationing/orders", "wang", round="w37-adult", do="card")
        assert card.header("location").startswith("/card/")
        world.now[0] = CLOSES + 4 * DAY
        assert 'value="TW/COM/STORE"' in await see(client, "/rationing/pickup", "till")
        asked = {"code": code[1], "person": a_number(1), "outlet": "TW/COM/STORE/12"}
        assert "可以發放：9 個" in (await send(client, "/rationing/pickup", "till", **asked)).text
        assert "已經領過" in (await send(client, "/rationing/pickup", "till", **asked)).text
        assert (await send(client, "/rationing/pickup", "till", **(asked | {"code": "0" * 8}))).status == 404
        assert (await send(client, "/rationing/pickup", "till", **(asked | {"outlet": "X"}))).status == 403
        assert (await send(client, "/rationing/pickup", "till", code="")).status == 422
        await world.turn()
        rows = list(csv.DictReader(io.StringIO((await client.get("/rationing/rounds.csv")).text)))
        assert [(one["id"], one["collected"], one["kept"]) for one in rows] == [("w37-adult", "1", "52")]

    play(story)


def test_the_officers_form_says_what_does_not_fit(play: Play) -> None:
    async def story(world: World) -> None:
        client = at_the_door(world)
        bad = the_form() | {"price": "4.5", "opens": "", "id": "", "outlets": ""}
        wrong = await send(client, "/rationing/rounds/desk", "office", do="save", **bad)
        assert wrong.status == 422
        for field in ("price", "opens", "id", "outlets"):
            assert f'href="#f-{field}"' in wrong.text
        late = the_form() | {"pay_until": the_form()["opens"]}
        wrong = await send(client, "/rationing/rounds/desk", "office", do="save", **late)
        assert (wrong.status, 'href="#f-pay_until"' in wrong.text) == (422, True)
        again = await send(client, "/rationing/rounds/desk", "office", do="publish", round="nothing")
        assert again.status == 409

    play(story)


def test_pages_show_strangers_where_to_sign_in_and_nothing_else(play: Play) -> None:
    async def story(world: World) -> None:
        await world.publish()
        await world.register(1)
        client = at_the_door(world)
        for path in ("/rationing/orders", "/rationing/pickup", "/rationing/rounds/desk"):
            for lang in ("", "/en"):
                shown = await see(client, lang + path)
                assert f"{lang}/openid/login?next={quote(path, safe='')}" in shown
                assert 'method="post"' not in shown.partition("<main")[2]
        form = the_form() | {"do": "register", "round": "w37-adult", "code": "0" * 8, "person": "y", "outlet": "z"}
        for path in ("/rationing/orders", "/rationing/pickup", "/rationing/rounds/desk"):
            assert (await send(client, path, "", **form)).status in (401, 403)
        assert (await world.figures()).states == {"registered": 1}

    play(story)
