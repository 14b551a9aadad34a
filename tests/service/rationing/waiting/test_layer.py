"""A room in front of a node's pages: who waits keeps their place, who may goes in, and nobody gets round it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from tests.make import Reply
from tests.service.rationing.draw.world import DECIDES, OFFICE, OTHER, World, a_world

from banyan.errors import Conflict, Denied, Invalid
from banyan.kernel.identity.caller import Caller
from banyan.service.rationing.waiting import seeds

OPENS = int(DECIDES - 1_800)
HTML = ("accept", "text/html")
Scene = Callable[[World], Awaitable[None]]


def run(folder: Path, scene: Scene) -> None:
    async def play() -> None:
        async with a_world(folder) as world:
            await scene(world)

    asyncio.run(play())


async def opened(world: World, **changed: Any) -> Any:
    asked: dict[str, Any] = {
        "room": "round-4", "title_zh": "第四輪預購", "title_en": "Preorder round 4", "paths": ["/rationing/draws"],
        "gathers": int(world.now[0]), "opens": OPENS, "until": OPENS + 7_200, "pace": 10.0,
    }  # fmt: skip
    return await world.call("waiting_open", **asked | changed)


def token_of(reply: Reply) -> str:
    return reply.header("waiting-token")


async def ask(world: World, token: str = "", path: str = "/rationing/draws", address: str = "192.0.2.7") -> Reply:
    sent = [HTML, ("cookie", f"other=1; waiting-round-4={token}")] if token else [HTML]
    return await world.client.get(path, headers=sent, address=address)


def test_who_came_before_the_opening_waits_and_comes_in_after_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        assert "公開抽籤" in (await ask(world)).text
        await opened(world)
        waits = await ask(world)
        assert (waits.status, "第四輪預購" in waits.text, "還沒排定" in waits.text) == (200, True, True)
        assert waits.header("cache-control") == "no-store"
        assert int(waits.header("refresh")) >= 20
        cookie = SimpleCookie(waits.header("set-cookie"))["waiting-round-4"]
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (token_of(waits), True, "Lax")
        token = token_of(waits)
        again = await ask(world, token)
        assert not again.header("set-cookie")  # the same place, however often it is reloaded
        world.now[0] = OPENS + 1.0
        inside = await ask(world, token)
        assert "第四輪預購" not in inside.text
        assert "公開抽籤" in inside.text
        entered = token_of(inside)
        assert entered not in ("", token)
        assert inside.header("cache-control") == "private, no-store"  # no shared cache may hand the pass on
        world.now[0] = OPENS + 800.0
        assert "第四輪預購" not in (await ask(world, entered)).text
        world.now[0] = OPENS + 902.0  # the pass is over
        assert token_of(await ask(world, entered)) not in ("", entered)

    run(tmp_path, scene)


def test_many_come_in_by_lot_and_in_english_too(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await opened(world)
        held = [token_of(await ask(world, address=f"192.0.2.{one}")) for one in range(200)]
        world.now[0] = OPENS + 5.0
        replies = [await ask(world, one) for one in held]
        places = [re.search(r'data-waiting="place">([^<]*)<', one.text) for one in replies]
        inside = sum(one is None for one in places)
        assert abs(inside - 50) < 28  # 50 places are released, and lots fall within four deviations
        numbers = [int(one[1]) for one in places if one is not None]
        assert all(1 <= one <= 150 for one in numbers)
        assert numbers != sorted(numbers)
        english = await ask(world, held[[one is not None for one in places].index(True)], path="/en/rationing/draws")
        assert "Your place" in english.text
        assert "about 1 min" in english.text
        world.now[0] = OPENS + 30.0
        assert not any(["data-waiting" in (await ask(world, one)).text for one in held])

    run(tmp_path, scene)


def test_programs_and_forms_are_told_when_to_come_again(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await opened(world, paths=["/api/rationing/draws"])
        told = await world.client.get("/api/rationing/draws", address="192.0.2.1")
        assert (told.status, told.header("content-type")) == (503, "application/problem+json")
        assert int(told.header("retry-after")) >= 20
        assert told.json["ahead"] is None
        form = await world.client.post("/api/rationing/draws", json={}, headers=[HTML], address="192.0.2.1")
        assert form.status == 503
        world.now[0] = OPENS + 2.0
        inside = await world.client.get("/api/rationing/draws", headers=[("waiting-token", token_of(told))])
        assert (inside.status, inside.json) == (200, [])
        assert token_of(inside)

    run(tmp_path, scene)


def test_nobody_gets_round_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await opened(world)
        await opened(world, room="other", paths=["/transparency"], pace=1.0)
        theirs = token_of(await ask(world, path="/transparency"))
        world.now[0] = OPENS + 1.5
        entered = token_of(await ask(world, theirs, path="/transparency"))
        for _ in range(30):
            await ask(world, address="198.51.100.9")  # a crowd, so that nobody goes straight in
        for bad in ("", "x" * 55, theirs, entered, entered[:-2] + "AA"):
            assert "data-waiting" in (await ask(world, bad)).text
        for path in ("/rationing/draws/", "/rationing/draws/x", "/en/rationing/draws", "/rationing/draws?q=1"):
            assert "data-waiting" in (await ask(world, path=path)).text
        assert "data-waiting" not in (await ask(world, path="/rationing/drawsx")).text

    run(tmp_path, scene)


def test_a_room_stands_in_the_ledger_and_shows_its_seeds_afterwards(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        made = await opened(world)
        await world.sign()
        entry = (await world.client.get(f"/api/transparency/entries?first={made.entry}&limit=1")).json[0]
        assert (entry["kind"], entry["fields"]["anchor"]) == ("waiting", made.anchor)
        assert (made.window, made.seed) == (-1, "")
        world.now[0] = OPENS + 130.0
        state = await world.client.get("/rationing/waiting/round-4/state.json")
        assert state.header("cache-control") == "public, max-age=5"
        assert state.json["window"] == 2
        assert seeds.follows(bytes.fromhex(state.json["seed"]), 2, bytes.fromhex(made.anchor))

    run(tmp_path, scene)


def test_a_room_goes_on_after_a_restart(tmp_path: Path) -> None:
    held: list[str] = []

    async def before(world: World) -> None:
        await opened(world, pace=1.0)
        held.extend([token_of(await ask(world, address=f"192.0.2.{one}")) for one in range(50)])
        world.now[0] = OPENS + 10.0
        await ask(world, held[0])

    async def after(world: World) -> None:
        world.now[0] = OPENS + 11.0
        view = await world.call("waiting", room="round-4")
        assert (view.issued, view.released) == (50, 11)
        waiting = [one for one in held if "data-waiting" in (await ask(world, one)).text]
        assert 50 - len(waiting) in range(1, 30)

    run(tmp_path, before)
    run(tmp_path, after)


def test_only_officers_open_rooms_and_only_sensible_ones(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        for wrong in (
            {"opens": int(world.now[0]) - 1}, {"until": OPENS}, {"until": OPENS + 90_000}, {"paths": ["/"]},
            {"paths": ["/rationing/waiting"]}, {"paths": ["/rationing"]}, {"paths": ["/x/"]}, {"pace": 0.0},
            {"paths": ["/api"]}, {"paths": ["/en/x"]}, {"paths": ["/assets"]},
        ):  # fmt: skip
            with pytest.raises(Invalid):
                await opened(world, **wrong)
        with pytest.raises(Denied):
            await world.node.gate.call(
                "rationing.waiting_pace", {"room": "round-4", "pace": 1.0}, caller=Caller("anonymous", "x")
            )
        made = await opened(world)
        assert await opened(world) == made
        with pytest.raises(Conflict):
            await opened(world, pace=3.0)
        with pytest.raises(Denied):
            await world.call("waiting_pace", OTHER, room="round-4", pace=1.0)
        assert (await world.call("waiting_pace", OFFICE, room="round-4", pace=99.0)).pace == 99.0
        await world.call("waiting_pace", OFFICE, room="round-4", pace=0.0)
        assert "data-waiting" not in (await ask(world)).text

    run(tmp_path, scene)


def test_who_asks_too_often_does_not_spoil_the_page_for_others(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await opened(world)
        strange = await world.client.get("/rationing/draws", headers=[HTML, ("host", "evil.example")])
        assert strange.status == 421
        for one in range(300):
            assert (await ask(world, address="192.0.2.99")).status == 200, one
        assert "data-waiting" in (await ask(world)).text

    run(tmp_path, scene)
