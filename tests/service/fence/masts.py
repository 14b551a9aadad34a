"""A small operator: thirty cells on ten masts two kilometres apart, and what phones are served by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from tests.make import NOW
from tests.service.fence.world import ONLY, SYSTEM, World, officer

from banyan.service.fence.intake import File, Taken
from banyan.settings import FenceSettings, Settings

TABLE = "radio,mcc,net,area,cell,lon,lat,range\n" + "".join(
    f"LTE,466,92,1,{cell},{121.5 + cell // 3 * 0.02:.2f},25.0,900\n" for cell in range(30)
)
FILE = "cells.csv"
TELECOM = "TW/COM/TEL"
OPERATOR = officer(TELECOM)
SLOT_S = 600
BEGIN = int(NOW) // SLOT_S * SLOT_S
HOME, FAR = 0, 27


def cell(place: int) -> str:
    return f"466-92-1-{place}"


def settings_of(folder: Path, table: str = TABLE) -> Settings:
    """A node over the table, which is put into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(table)
    return msgspec.structs.replace(ONLY, fence=FenceSettings(enabled=True, cells=(FILE,)))


async def with_operator(world: World) -> None:
    await world.call("assign", SYSTEM, agency=TELECOM, desk="operator", area="*")


def lines_of(at: int, served: Mapping[str, int]) -> bytes:
    """A slot's fixes as NDJSON, in the slot that begins at `at`."""
    rows = ({"phone": phone, "at": at + 60, "cell": cell(place)} for phone, place in served.items())
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def send(world: World, slot: int, served: Mapping[str, int], **more: Any) -> Taken:
    """The slot after BEGIN, as one batch that is complete; the clock stands at its end."""
    at = BEGIN + slot * SLOT_S
    world.now[0] = max(world.now[0], float(at + SLOT_S))
    file = File("application/x-ndjson", lines_of(at, served), **({"complete_until": at + SLOT_S} | more))
    sent: Taken = await world.node.gate.call("fence.send", file, caller=OPERATOR)
    return sent


async def train(world: World, served: Mapping[str, int], *, slots: int = 146) -> int:
    """A day and two slots at home; the next slot's number."""
    await world.later(1)  # the engine hears who is watched
    for slot in range(slots):
        assert (await send(world, slot, served)).taken == len(served)
    return slots
