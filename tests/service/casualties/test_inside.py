"""The pages behind a sign-in: family and officers, in both languages, without script; and who sees nothing there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from tests.make import SECRET, Client, Reply
from tests.service.casualties.test_pages import posted, ways
from tests.service.casualties.world import (
    LEE,
    MACKAY,
    STRANGER,
    TAIWAN,
    WANG,
    WHY,
    WORKER,
    World,
    hospital,
    in_a_world,
)

from banyan.channel.web import build_portal
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.node import ROOT
from banyan.service.casualties.parts import SERVICE
from banyan.settings import Site

MING = {"name": "王曉明", "sex": "男", "born": "79/3/12", "number": WANG, "ward": "7A-12", "phone": "02-2543-3535"}


def at_the_door(story: Callable[[World, Client], Awaitable[None]], *, is_ordered: bool = True) -> None:
    async def inside(world: World) -> None:
        who = {"mackay": MACKAY, "worker": WORKER, "stranger": STRANGER, "parent": world.guardian(WANG)}
        who |= {"ming": world.citizen(WANG), "lee": world.citizen(LEE), "weak": world.citizen(LEE, "aal1")}
        door = build_door(
            world.node.catalogue,
            world.node.gate,
            identify=who.get,
            settings=DoorSettings(secret=SECRET, work=world.node.data / "work", rate_scale=0.0),
            log=lambda name, fields: None,
            render=build_portal([SERVICE], site=Site(), web=ROOT / "web").render,
        )
        await story(world, Client(door))

    in_a_world(inside, is_ordered=is_ordered)


async def staff(client: Client, who: str = "worker", **fields: str) -> Reply:
    return await client.post("/casualties/staff", body=posted(fields), headers=ways(who))


def hidden(page: Reply, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([0-9a-f]{{32}})"', page.text)


@pytest.mark.parametrize("lang", ["", "/en"])
def test_pages_open_for_everybody_and_show_nobody(lang: str) -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING)
        for path in (
            "/casualties",
            "/casualties/family",
            "/casualties/staff",
            "/casualties/press",
            "/casualties/report",
        ):
            for head in ({}, ways("lee"), ways("stranger")):
                page = await client.get(lang + path, headers=head)
                assert page.status == 200, path
                assert page.text.count("<h1") == 1
                assert "曉明" not in page.text
                assert "7A-12" not in page.text
                assert "{" not in re.sub(r"<(script|style|meta).*?>", "", page.text), "a message with a hole"

    at_the_door(story)


def test_the_family_sees_the_ward_and_is_told_that_it_was_written_down() -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING)
        asked = {"person": WANG, "name": "王曉明", "relation": "parent"}
        done = await client.post("/casualties/family", body=posted(asked), headers=ways("lee"))
        assert done.status == 200
        for word in ("7A-12", "02-2543-3535", "馬偕", "已記下"):
            assert word in done.text
        assert done.header("cache-control") == "private, no-store"
        wrong = await client.post("/casualties/family", body=posted({**asked, "name": "王大明"}), headers=ways("lee"))
        assert (wrong.status, "1999" in wrong.text) == (404, True)
        empty = await client.post("/casualties/family", body=posted({"name": "王曉明"}), headers=ways("lee"))
        assert empty.status == 422
        assert 'id="f-person-error"' in empty.text
        typo = await client.post("/casualties/family", body=posted({**asked, "person": "A123"}), headers=ways("lee"))
        assert (typo.status, 'id="f-person-error"' in typo.text) == (422, True)
        weak = await client.post("/casualties/family", body=posted(asked), headers=ways("weak"))
        assert weak.status == 403
        assert "7A-12" not in weak.text

    at_the_door(story)


def test_she_and_her_parent_see_her_way_and_who_looked() -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, {**MING, "status": "轉院", "towards": "臺大"})
        world.now[0] += 3_600
        await world.report(TAIWAN, {"name": "王曉明", "born": "79/3/12", "ward": "9B"})
        found = await staff(client, do="find", **{"find-name": "王小明"})
        await staff(client, do="chain", id=hidden(found, "id")[0], reason=WHY)
        for who, title in (("ming", "我自己"), ("parent", "我代理的人")):
            page = await client.get("/casualties/family", headers=ways(who))
            for word in (title, "臺大", "9B", "馬偕", WHY, WORKER.agency):
                assert word in page.text, word

    at_the_door(story)


def test_officers_find_join_part_and_protect() -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING, {"name": "陳美玉", "sex": "女"})
        await world.report(TAIWAN, {"name": "陳美玉", "sex": "女"})
        page = await client.get("/casualties/staff", headers=ways("worker"))
        assert "陳○玉" in page.text
        assert "姓名相同" in page.text
        one, other = hidden(page, "one")[0], hidden(page, "other")[0]
        nothing = await staff(client, do="merge", one=one, other=other, reason="")
        assert nothing.status == 422
        done = await staff(client, do="merge", one=one, other=other, reason=WHY)
        assert "兩筆已合併為一人" in done.text
        assert "沒有要決定的" in done.text
        found = await staff(client, do="find", **{"find-name": "Chen Mei-yu"})
        seen = await staff(client, do="chain", id=hidden(found, "id")[0], reason=WHY)
        assert {"馬偕", "臺大"} <= set(re.findall("馬偕|臺大", seen.text))
        parted = await staff(client, do="split", one=hidden(seen, "one")[0], hospital="臺大", reason=WHY)
        assert "已拆成兩人" in parted.text
        whole = await staff(client, do="record", **{"record-person": WANG, "record-reason": WHY})
        assert "1990-03-12" in whole.text
        assert "7A-12" in whole.text
        hid = await staff(client, do="protect", **{"protect-person": WANG, "protect-reason": "保護令"})
        assert "對外一律查無此人" in hid.text
        assert (await client.post("/casualties", body=posted({"name": "王曉明", "secret": "6789"}),
                                  headers=ways(""))).status == 404  # fmt: skip
        shown = await staff(client, do="show", **{"protect-person": WANG, "protect-reason": "撤銷"})
        assert "保護已解除" in shown.text
        assert "合併" in shown.text

    at_the_door(story)


def test_without_an_order_or_as_another_agency_the_page_says_why() -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING)
        page = await client.get("/casualties/staff", headers=ways("worker"))
        assert "沒有生效中的命令" in page.text
        for fields in (
            {"do": "find", "find-name": "王曉明"},
            {"do": "record", "record-person": WANG, "record-reason": WHY},
        ):
            refused = await staff(client, **fields)
            assert refused.status == 403
            assert "王○明" not in refused.text
            assert "1990" not in refused.text
        other = await staff(client, "stranger", do="find", **{"find-name": "王曉明"})
        assert "不在這次事件的承辦名單" in other.text
        assert (await staff(client, "stranger", do="nothing")).status == 422

    at_the_door(story, is_ordered=False)


def test_a_pasted_sheet_names_the_cell() -> None:
    async def story(world: World, client: Client) -> None:
        sheet = "姓名\t性別\t生日\t身分證字號\t狀況\n陳美玉\t女\t1985-13-02\t\t急診\n李四\t?\t\t\t\n\t男\t\t\t"
        done = await client.post(
            "/casualties/report", body=posted({"text": sheet, "do": "paste"}), headers=ways("mackay")
        )
        for cell in ("C2 格（生日）", "B3 格（性別）", "A4 格（完整姓名）"):
            assert cell in done.text
        assert "1985-13" not in done.text

    at_the_door(story)


def test_the_press_sees_counts_and_tombstones() -> None:
    async def story(world: World, client: Client) -> None:
        many = [{"name": f"王{one}", "born": f"19{60 + at}-01-01"} for at, one in enumerate("一二三四五六七八九十")]
        await world.report(MACKAY, *many)
        few = [{"name": f"陳{one}", "born": f"19{60 + at}-01-01"} for at, one in enumerate("一二三四五")]
        await world.report(TAIWAN, *few)
        await world.report(hospital("長庚"), {"name": "陳美玉"})
        page = await client.get("/en/casualties/press")
        assert "馬偕" in page.text
        assert "長庚" not in page.text, "one person"
        assert "臺大" not in page.text, "else subtraction tells of the one"
        assert "0 have ended" in page.text

    at_the_door(story)
