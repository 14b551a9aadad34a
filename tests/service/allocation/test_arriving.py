"""An approved plan is stock of the rationing engine on the morning of its day, once; and open data."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.service.allocation.world import DAY, EVENTS, ITEM, NOW, PROPOSER, SECOND, WEEK, a_day

from banyan.kernel.events import Event, feed, timers
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import SYSTEM
from banyan.kernel.ledger.entries import read_entry
from banyan.node import Node, open_node
from banyan.service.allocation import publishing
from banyan.service.rationing import arriving
from banyan.service.rationing.engine.keeping import engine_of
from banyan.service.supplies.keeping import kept_of
from banyan.settings import Settings

NAMES = ("opendata", "supplies", "allocation", "rationing")
ONLY = Settings(services=tuple(f"banyan.service.{name}.parts:SERVICE" for name in NAMES))


def in_a_node(folder: Path, story: Callable[[Node, str], Awaitable[None]]) -> None:
    """A whole node with an approved plan."""

    async def run() -> None:
        async with open_node(folder, ONLY, clock=lambda: NOW) as node:
            board = kept_of(node.drawers["supplies"])
            for event in EVENTS:
                await board.commit(event)
            for day in WEEK:
                await node.gate.call("allocation.save_day", a_day(day), caller=SYSTEM)
            asked = {"item": ITEM, "day": DAY, "supply": 30}
            made = await node.gate.call("allocation.propose", asked, caller=PROPOSER)
            await node.gate.call("allocation.approve", {"id": made.id}, caller=SECOND)
            await story(node, made.id)

    asyncio.run(run())


async def told(node: Node) -> Event:
    (event,) = await feed.read(node.drawers["allocation"].sql, 0, topic="plan.approved")
    return event


def test_shipments_become_stock_once(tmp_path: Path) -> None:
    async def story(node: Node, id: str) -> None:
        ctx = node.gate.context("rationing", SYSTEM)
        await arriving.planned(ctx, await told(node))
        store, six = node.drawers["rationing"].sql, EpochS(NOW + 6 * 3_600)
        early = await timers.claim(store, now=EpochS(six - 1), lease_s=0.0)
        assert id not in {one.key for one in early}
        (due,) = [one for one in await timers.claim(store, now=six, lease_s=60.0) if one.key == id]
        for _ in range(2):
            await arriving.arrived(ctx, Event(due.name, due.key, msgspec.Raw(b"{}"), six))
        engine = engine_of(node.drawers["rationing"])
        shipped = await node.gate.call("allocation.shipments", {"id": id}, caller=SYSTEM)
        assert sum(one.boxes for one in shipped) == 30
        for one in shipped:
            assert (await engine.stock(one.outlet, ITEM)).available == one.units

    in_a_node(tmp_path, story)


def test_an_approved_plan_is_open_data_with_its_description(tmp_path: Path) -> None:
    async def story(node: Node, id: str) -> None:
        ctx = node.gate.context("allocation", SYSTEM)
        for _ in range(2):
            await publishing.publish(ctx, await told(node))
        for name, columns in (("plan", publishing.PLAN_COLUMNS), ("inputs", publishing.INPUT_COLUMNS)):
            found = await node.gate.call("opendata.dataset", {"name": f"allocation-{ITEM}-{name}"}, caller=SYSTEM)
            dataset = found.dataset if hasattr(found, "dataset") else found
            assert id in dataset.notes
            assert all(f"- {column}：" in dataset.notes for column in columns)
            assert dataset.title_en.startswith("Allocation plan" if name == "plan" else "Inputs")
        rows = await node.gate.call(
            "opendata.rows", {"register": f"allocation-{ITEM}-plan", "limit": 50, "records": "objects"}, caller=SYSTEM
        )
        assert sum(int(row["箱數"]) for row in rows.records) == 30
        reasons = {row["理由（英文）"] for row in rows.records}
        assert "2 boxes: floor of the only outlet in 金門縣烏坵鄉" in reasons

    in_a_node(tmp_path, story)


def test_the_ledger_holds_the_plan_and_no_officer(tmp_path: Path) -> None:
    async def story(node: Node, id: str) -> None:
        ledger = node.lawful.ledger
        await ledger.publish(int(NOW))
        size = (await ledger.head()).entries
        acts = [read_entry(await ledger.entry(index)) for index in range(size)]
        (entry,) = [one for one in acts if one["kind"] == "allocation"]
        plan = await node.gate.call("allocation.plan", {"id": id}, caller=SYSTEM)
        assert entry == {
            "v": 1, "kind": "allocation", "id": id, "item": ITEM, "day": DAY, "plan": plan.document, "boxes": 30
        }  # fmt: skip

    in_a_node(tmp_path, story)


@pytest.mark.parametrize("name", ["plan.csv", "inputs.csv", "towns.csv", "moves.csv"])
def test_the_tables_can_be_taken(tmp_path: Path, name: str) -> None:
    from tests.make import Client

    async def story(node: Node, id: str) -> None:
        answer = await Client(node.app).get(f"/allocation/plans/{id}/{name}")
        assert answer.status == 200
        head, *rows = csv.reader(io.StringIO(answer.body.decode("utf-8-sig")))
        assert rows
        assert all(len(row) == len(head) for row in rows)

    in_a_node(tmp_path, story)
