"""The pages work without script, in both languages: a family asks, a hospital reports, and no address holds a name."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest
from tests.make import SECRET, Client
from tests.service.casualties.world import MACKAY, WANG, WORKER, World, in_a_world

from banyan.channel.web import build_portal
from banyan.kernel.exchange import DoorSettings, build_door
from banyan.node import ROOT
from banyan.service.casualties.parts import SERVICE
from banyan.settings import Site

MING = {"name": "王曉明", "sex": "male", "born": "79/3/12", "number": WANG}
SHEET = "姓名\t性別\t生日\t身分證字號\t狀況\n陳美玉\t女\t1985-01-02\t\t加護病房\n李四\t?\t\t\t"


def at_the_door(story: Callable[[World, Client], Awaitable[None]]) -> None:
    async def inside(world: World) -> None:
        door = build_door(
            world.node.catalogue,
            world.node.gate,
            identify={"mackay": MACKAY, "worker": WORKER}.get,
            settings=DoorSettings(secret=SECRET, work=world.node.data / "work", rate_scale=0.0),
            log=lambda name, fields: None,
            render=build_portal([SERVICE], site=Site(), web=ROOT / "web").render,
        )
        await story(world, Client(door))

    in_a_world(inside)


def ways(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}", "content-type": "application/x-www-form-urlencoded"}


def posted(fields: dict[str, str]) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_a_family_asks_and_reads_a_masked_answer(lang: str) -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING)
        head = {"content-type": "application/x-www-form-urlencoded", "accept-language": lang}
        page = await client.get("/casualties", headers=head)
        assert page.status == 200
        assert page.text.count("<h1") == 1
        assert 'method="post"' in page.text
        for field in ("name", "secret"):
            assert f'<label for="f-{field}">' in page.text
        asked = {"name": "王曉明", "secret": "6789"}
        found = await client.post("/casualties", body=posted(asked), headers=head)
        assert found.status == 200
        assert "王○明" in found.text
        assert "馬偕" in found.text
        assert "王曉明" not in found.text
        assert found.header("cache-control") == "private, no-store"

    at_the_door(story)


def test_nobody_a_wrong_secret_and_an_empty_box_are_told_plainly() -> None:
    async def story(world: World, client: Client) -> None:
        await world.report(MACKAY, MING)
        head = {"content-type": "application/x-www-form-urlencoded", "accept-language": "en"}
        pages = []
        for secret in ("0000", "1991-01-01"):
            found = await client.post("/casualties", body=posted({"name": "王曉明", "secret": secret}), headers=head)
            assert found.status == 404
            pages.append(re.sub(r"\d{2}:\d{2}:\d{2}|[0-9a-f]{32}", "", found.text))
        assert "1999" in pages[0]
        assert len(set(map(len, pages))) == 1
        empty = await client.post("/casualties", body=posted({"name": "", "secret": ""}), headers=head)
        assert empty.status == 422
        assert 'id="f-name-error"' in empty.text
        long = await client.post("/casualties", body=posted({"name": "王" * 101, "secret": "1"}), headers=head)
        assert long.status == 422

    at_the_door(story)


def test_a_hospital_reports_one_and_pastes_a_sheet() -> None:
    async def story(world: World, client: Client) -> None:
        page = await client.get("/casualties/report", headers=ways("mackay"))
        assert "馬偕" in page.text
        assert 'id="f-born"' in page.text
        done = await client.post("/casualties/report", body=posted({**MING, "do": "one"}), headers=ways("mackay"))
        assert done.status == 200
        sheet = posted({"text": SHEET, "do": "paste"})
        pasted = await client.post("/casualties/report", body=sheet, headers=ways("mackay"))
        assert pasted.status == 200
        assert "3" in pasted.text
        assert (await world.seen("陳美玉", "1985-01-02")).condition == "contact"
        wrong = posted({**MING, "number": "A123456788", "do": "one"})
        refused = await client.post("/casualties/report", body=wrong, headers=ways("mackay"))
        assert refused.status == 422
        assert 'id="f-number-error"' in refused.text

    at_the_door(story)


def test_others_cannot_report() -> None:
    async def story(world: World, client: Client) -> None:
        page = await client.get("/casualties/report")
        assert page.status == 200
        assert "<textarea" not in page.text
        refused = await client.post("/casualties/report", body=posted({**MING, "do": "one"}), headers=ways("worker"))
        assert refused.status == 403

    at_the_door(story)
