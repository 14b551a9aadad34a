"""Publish real files into a node, then ask it: quality, board, exports that outside validators accept."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.make import NOW, TOKEN, Node, a_node, shared_data

from banyan.kernel.events import Event, feed
from banyan.kernel.identity.caller import SYSTEM
from banyan.service.opendata import parts, uploads
from banyan.service.opendata.agencies import SaveAgency, SaveTheme
from banyan.service.opendata.datasets import SaveDataset
from banyan.service.opendata.ingest import Options
from banyan.service.opendata.model import Contact
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.quality import BoardQuery, QualityQuery, QualityReport, schedule

ROOT = Path(__file__).parents[4]
PEERS = ROOT / ".venv-peers" / "bin"
SHELTERS = "opendata/dirty/taitung_shelters_2017.csv"
MASKS = "supplies/raw/maskdata_20200214T085535.csv.gz"


def with_node(folder: Path, run: Callable[[Node], Awaitable[None]]) -> None:
    async def go() -> None:
        async with a_node(folder, [parts.SERVICE]) as node:
            await run(node)

    asyncio.run(go())


async def publish(node: Node, path: Path, name: str, **asked: object) -> None:
    work = node.drawers["opendata"].work / f"in-{path.name}"
    await asyncio.to_thread(shutil.copyfile, path, work)
    request = Publish(file=uploads.offer(work), filename=path.name, name=name, **asked)  # type: ignore[arg-type]
    await node.gate.call("opendata.publish", request, caller=SYSTEM)


async def well_described(node: Node) -> None:
    """The mask list with everything an agency can say of it."""
    call = node.gate.call
    contact = Contact("王小姐", "02-27065866", "open@nhi.example.tw")
    await call(
        "opendata.save_agency",
        SaveAgency(name="nhi", title="健保署", code="A21030000I", contact=contact),
        caller=SYSTEM,
    )
    await call("opendata.save_theme", SaveTheme(name="medical", title="就醫", code="B00"), caller=SYSTEM)
    await publish(node, shared_data(MASKS), "mask", options=Options(key=("醫事機構代碼",)))
    described = SaveDataset(
        name="mask",
        title="口罩庫存",
        notes="健保特約機構口罩剩餘數量明細清單，每十分鐘更新一次。",
        agency="nhi",
        themes=("medical",),
        tags=("口罩", "藥局"),
        frequency="每日",
        spatial="臺灣",
        identifier="A21030000I-000001",
    )
    await call("opendata.save_dataset", described, caller=SYSTEM)


async def measured(node: Node, name: str) -> QualityReport:
    dataset = await node.client.get(f"/api/opendata/dataset/{name}")
    event = Event(topic="quality", subject=dataset.json["id"], data=b"null", at=NOW)  # type: ignore[arg-type]
    await schedule.measure_again(node.gate.context("opendata", SYSTEM), event)
    found: QualityReport = await node.gate.call("opendata.quality", QualityQuery(name), caller=SYSTEM)
    return found


def test_a_well_described_table_earns_gold_and_an_excellent_score(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await well_described(node)
        report = await measured(node, "mask")
        assert report.quality.mqa_score >= 351, [one.code for one in report.advice]
        assert report.quality.mqa_rating == "excellent"
        assert report.quality.medal in ("gold", "platinum")
        assert sum(one.of for one in report.dimensions) == 405
        found = await node.client.get("/api/opendata/datasets?medal=" + report.quality.medal)
        assert [hit["dataset"]["name"] for hit in found.json["hits"]] == ["mask"], found.text

    with_node(tmp_path, run)


def test_a_dirty_file_is_told_what_is_wrong_where_and_how_to_mend_it(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await publish(node, shared_data(SHELTERS), "shelters")
        report = await measured(node, "shelters")
        failed = {check.code: check for check in report.quality.content if check.passed is False}
        assert {"no-crs", "mixed-tai"} <= set(failed)
        assert any("台東" in line for line in failed["mixed-tai"].evidence)
        advice = {one.code: one for one in report.advice}
        assert "EPSG:3826" in advice["no-crs"].mend["zh-Hant"]
        reply = await node.client.get("/api/opendata/quality/shelters")
        assert reply.status == 200
        assert "獎章門檻為本平台自訂" in reply.json["medal_note"]["zh-Hant"]

    with_node(tmp_path, run)


def test_the_board_shows_each_agency_with_its_worst_problems(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await well_described(node)
        await publish(node, shared_data(SHELTERS), "shelters")
        for name in ("mask", "shelters"):
            await measured(node, name)
        ctx = node.gate.context("opendata", SYSTEM)
        await schedule.write_day(ctx, Event(topic="quality.board", subject="", data=b"null"))  # type: ignore[arg-type]
        board = await node.gate.call("opendata.quality_board", BoardQuery(), caller=SYSTEM)
        assert (board.datasets, board.measured) == (2, 2)
        assert [one.name for one in board.agencies] == ["nhi", ""]
        assert board.agencies[0].mqa_mean > board.agencies[1].mqa_mean
        assert [day.datasets for day in board.agencies[0].trend] == [1]
        assert "no-crs" in {problem.code for problem in board.agencies[1].problems}
        assert board.lowest[0].name == "shelters"
        assert (await node.client.get("/api/opendata/quality_board")).status == 200

    with_node(tmp_path, run)


def test_a_change_sets_a_measurement_and_deletion_ends_it(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await publish(node, shared_data(SHELTERS), "shelters")
        events = await feed.read(node.drawers["opendata"].sql, 0)
        ctx = node.gate.context("opendata", SYSTEM)
        for event in events:
            if event.topic == "version.published":
                await schedule.version_published(ctx, event)
        report = await measured(node, "shelters")
        assert len(report.history) == 1
        reply = await node.client.post("/api/opendata/delete_dataset", json={"name": "shelters"}, token=TOKEN)
        assert reply.status == 200, reply.text
        gone = Event(topic="quality", subject=reply.json["id"], data=b"null")  # type: ignore[arg-type]
        await schedule.measure_again(ctx, gone)
        assert (await node.client.get("/api/opendata/quality/shelters")).status == 404

    with_node(tmp_path, run)


@pytest.mark.peers
@pytest.mark.skipif(not PEERS.exists(), reason="needs .venv-peers")
def test_frictionless_validates_our_package_with_the_csv_we_serve(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await well_described(node)
        await publish(node, shared_data(SHELTERS), "shelters")
        for name in ("mask", "shelters"):
            package = (await node.client.get(f"/dataset/{name}/datapackage.json")).json
            for number, resource in enumerate(package["resources"]):
                body = await node.client.get(resource["path"].removeprefix("http://localhost"))
                assert body.status == 200
                resource["path"] = f"{name}-{number}.csv"
                (tmp_path / resource["path"]).write_bytes(body.body)
            (tmp_path / f"{name}.json").write_text(json.dumps(package))

    with_node(tmp_path / "node", run)
    for name in ("mask", "shelters"):
        done = subprocess.run(
            [PEERS / "frictionless", "validate", f"{name}.json", "--type", "package", "--json"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert json.loads(done.stdout)["valid"], done.stdout[:3_000]


@pytest.mark.peers
@pytest.mark.skipif(not PEERS.exists(), reason="needs .venv-peers")
def test_the_served_catalogue_has_no_violation(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        await well_described(node)
        await publish(node, shared_data(SHELTERS), "shelters")
        await measured(node, "mask")
        (tmp_path / "catalog.ttl").write_bytes((await node.client.get("/catalog.ttl")).body)

    with_node(tmp_path / "node", run)
    shapes = shared_data("opendata/dcat-ap-3.0.1")
    command = [PEERS / "python", ROOT / "tools" / "shacl.py", tmp_path / "catalog.ttl", "--shapes", shapes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["shapes"], counts["range"]) == (0, 0), done.stdout
