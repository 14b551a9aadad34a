"""Officers of other work, a pharmacist or a store's clerk, plan nothing: no round, no draw, no waiting room."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.service.rationing.draw.world import OFFICE, World, a_plan, a_world
from tests.service.rationing.preorder.world import a_round

from banyan.errors import Denied
from banyan.kernel.identity.caller import Caller

OTHERS = tuple(
    Caller("officer", f"o-{role}", agency=agency, roles=(role,), assurance="aal2")
    for role, agency in (("pharmacist", "TW/MED/P1"), ("", "TW/COM/STORE"), ("hospital", OFFICE.agency))
)


def asked(world: World) -> dict[str, dict[str, Any]]:
    now = int(world.now[0])
    return {
        "draw_commit": a_plan(),
        "draw_close": {"draw": "2023-w37-adult", "entries": [{"ticket": "00" * 32}]},
        "draw_reveal": {"draw": "2023-w37-adult"},
        "draw_publish": {"draw": "2023-w37-adult"},
        "draw_void": {"draw": "2023-w37-adult", "why": "x"},
        "waiting_open": {
            "room": "round-4", "title_zh": "室", "title_en": "Room", "paths": ["/rationing/draws"], "gathers": now,
            "opens": now + 60, "until": now + 600, "pace": 1.0,
        },
        "waiting_pace": {"room": "round-4", "pace": 0.0},
        "make_round": a_round(),
        "act_on_round": {"round": "w37-adult", "do": "cancel"},
        "drafts": {},
    }  # fmt: skip


@pytest.mark.parametrize("caller", OTHERS, ids=lambda one: one.id)
def test_who_plans_nothing_is_told_so(tmp_path: Path, caller: Caller) -> None:
    async def run() -> None:
        async with a_world(tmp_path) as world:
            for operation, request in asked(world).items():
                with pytest.raises(Denied) as refused:
                    await world.call(operation, caller, **request)
                assert refused.value.kind == "not-planner", operation
            assert (await world.call("waiting_open", OFFICE, **asked(world)["waiting_open"])).room == "round-4"

    asyncio.run(run())


def test_every_act_of_planning_is_on_the_list(tmp_path: Path) -> None:
    """A new one must say who may."""

    async def run() -> set[str]:
        async with a_world(tmp_path) as world:
            theirs = ("draw", "waiting", "preorder")
            return {
                one.id.removeprefix("rationing.")
                for one in world.node.catalogue.operations.values()
                if one.service == "rationing"
                and one.audience == "officer"
                and one.run.__module__.split(".")[3] in theirs
            } ^ set(asked(world))

    assert asyncio.run(run()) == set()
