"""The operation `change_rows`: versions, row numbers, refusals, and what a failure leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.make import Node, a_node
from tests.service.opendata.ckan.golden import RID, act

from banyan.errors import Conflict, Invalid, NotFound, Problem
from banyan.kernel.events import feed
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.opendata.ckan.changing import Changed, ChangeRows
from banyan.service.opendata.parts import SERVICE
from banyan.service.opendata.versions import ResourceAnswer, ResourceQuery


async def a_table(node: Node) -> None:
    await act(node, "organization_create", name="moi", title="內政部")
    await act(node, "package_create", name="one", owner_org="moi", resources=[{"id": RID, "name": "表"}])
    records = [{"k": key, "n": n, "at": "2020-03-01"} for n, key in enumerate("甲乙丙", start=1)]
    fields = [{"id": "k", "type": "text"}, {"id": "n", "type": "int"}, {"id": "at", "type": "date"}]
    await act(node, "datastore_create", resource_id=RID, force=True, primary_key=["k"], fields=fields, records=records)


async def change(node: Node, **wanted: object) -> Changed:
    changed: Changed = await node.gate.call("opendata.change_rows", ChangeRows(RID, **wanted), caller=SYSTEM)  # type: ignore[arg-type]  # test values
    return changed


async def rows(node: Node) -> list[list[object]]:
    reply = await node.client.get(f"/api/3/action/datastore_search?resource_id={RID}&records_format=lists")
    found: list[list[object]] = reply.json["result"]["records"]
    return found


def test_rows_keep_their_number_and_every_write_is_a_version(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_node(tmp_path, [SERVICE]) as node:
            await a_table(node)
            done = await change(node, records=[{"k": "乙", "n": 20}, {"k": "丁", "n": 2**40}])
            assert (done.version, done.rows, done.added, done.changed) == (2, 4, 1, 1)
            assert await rows(node) == [
                [1, "甲", 1, "2020-03-01"],
                [2, "乙", 20, "2020-03-01"],
                [3, "丙", 3, "2020-03-01"],
                [4, "丁", 2**40, None],
            ]
            done = await change(node, method="delete", filters={"n": {"lt": 3}})
            assert (done.version, done.gone) == (3, 1)
            assert [row[0] for row in await rows(node)] == [2, 3, 4], "the others keep their numbers"
            answer: ResourceAnswer = await node.gate.call("opendata.resource", ResourceQuery(RID), caller=SYSTEM)
            assert answer.version is not None
            assert answer.version.change is not None
            assert (answer.version.change.gone, answer.version.change.same) == (1, 3)
            events = await node.drawers["opendata"].sql.read(lambda tx: feed.page(tx, 0))
            assert [event.topic for event in events].count("version.published") == 3

    asyncio.run(run())


def test_a_refused_write_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with a_node(tmp_path, [SERVICE]) as node:
            await a_table(node)
            refusals: list[tuple[type[Problem], dict[str, object]]] = [
                (Invalid, {"records": [{"zz": 1}]}),
                (Invalid, {"records": [{"k": "甲", "n": "許多"}]}),
                (Invalid, {"method": "delete", "filters": {}}),
                (Invalid, {"method": "delete", "filters": {"n": {"gt": 0}}}),
                (Conflict, {"method": "insert", "records": [{"k": "甲"}]}),
                (NotFound, {"method": "update", "records": [{"k": "戊"}]}),
            ]
            for kind, wanted in refusals:
                with pytest.raises(kind):
                    await change(node, **wanted)
            drawer = node.drawers["opendata"]
            assert len(list(drawer.lake.keys())) == 1
            assert not list(drawer.work.glob("rows-*"))
            assert len(await rows(node)) == 3

    asyncio.run(run())


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Through the face writers wait for each other; straight at the operation the later one is told to come back."""

    async def run() -> None:
        async with a_node(tmp_path, [SERVICE]) as node:
            await a_table(node)
            many = [act(node, "datastore_upsert", resource_id=RID, records=[{"k": str(n), "n": n}]) for n in range(5)]
            await asyncio.gather(*many)
            assert len(await rows(node)) == 8
            both = [change(node, records=[{"k": key, "n": 0}]) for key in ("子", "丑")]
            done = await asyncio.gather(*both, return_exceptions=True)
            written = [one for one in done if isinstance(one, Changed)]
            assert all(isinstance(one, Changed | Conflict) for one in done)
            assert len(await rows(node)) == 8 + len(written)

    asyncio.run(run())
