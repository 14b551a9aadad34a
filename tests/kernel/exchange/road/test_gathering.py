"""A busy gateway waits a moment for company; one that has few calls, or enough messages, never does."""

from __future__ import annotations

import asyncio

import pytest

from banyan.kernel.exchange.road.gathering import Gathering
from banyan.limits_road import ROAD_GATHER_CALLS, ROAD_GATHER_ENOUGH, ROAD_GATHER_S


async def pauses(came: int, under_way: tuple[int, ...]) -> list[float]:
    told: list[float] = []
    gathering = Gathering(asyncio.get_running_loop(), told.append)
    gathering.under_way += [range(many) for many in under_way]
    for _ in range(came):
        gathering.stir()
    for _ in range(3):
        await asyncio.sleep(0)
    return told


@pytest.mark.parametrize(
    ("came", "under_way", "waits"),
    [
        (1, (ROAD_GATHER_CALLS,), 1),
        (ROAD_GATHER_ENOUGH - 1, (ROAD_GATHER_CALLS,), 1),
        (1, (ROAD_GATHER_CALLS - 1, 1), 1),
        (1, (ROAD_GATHER_CALLS - 1,), 0),
        (1, (), 0),
        (ROAD_GATHER_ENOUGH, (ROAD_GATHER_CALLS,), 0),
        (0, (ROAD_GATHER_CALLS,), 0),
    ],
)
def test_when_a_gateway_waits(came: int, under_way: tuple[int, ...], waits: int) -> None:
    assert asyncio.run(pauses(came, under_way)) == [ROAD_GATHER_S] * waits


def test_each_turn_counts_anew() -> None:
    told: list[float] = []

    async def turns() -> None:
        gathering = Gathering(asyncio.get_running_loop(), told.append)
        gathering.under_way.append(range(ROAD_GATHER_CALLS))
        for _ in range(3):
            gathering.stir()
            await asyncio.sleep(0)

    asyncio.run(turns())
    assert len(told) == 3, "a turn with few messages waits, whatever came before"
