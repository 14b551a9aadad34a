"""The export faces through the door: DCAT in three syntaxes, paging, 304, feeds, packages, 38 fields in and out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.make import TOKEN, Node, a_node
from tests.service.opendata.export import seeds

import banyan.service.opendata.datasets  # noqa: F401 (the gate's operations that the import calls)
from banyan.service.opendata import agencies, export  # noqa: F401
from banyan.service.opendata.service import SERVICE
from banyan.wire import xmltext

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def with_node(folder: Path, run: Callable[[Node], Awaitable[None]], *more: Any) -> None:
    async def go() -> None:
        async with a_node(folder, [SERVICE]) as node:
            await node.drawers["opendata"].sql.write(lambda tx: seeds.seed(tx, *more))
            await run(node)

    asyncio.run(go())


@pytest.mark.parametrize("syntax", ["ttl", "jsonld", "rdf"])
def test_the_catalogue_and_a_dataset_in_each_syntax(tmp_path: Path, syntax: str) -> None:
    async def run(node: Node) -> None:
        for path in (f"/catalog.{syntax}", f"/dataset/mask.{syntax}"):
            reply = await node.client.get(path)
            assert reply.status == 200, (reply.text, node.logged[-3:])
            assert "口罩庫存" in reply.text
            assert "authority/frequency/10MIN" in reply.text
            again = await node.client.get(path, headers={"if-none-match": reply.header("etag")})
            assert (again.status, again.body) == (304, b"")
        missing = await node.client.get(f"/dataset/none.{syntax}")
        assert missing.status == 404

    with_node(tmp_path, run)


def test_hidden_datasets_are_in_no_export(tmp_path: Path) -> None:
    hidden = seeds.another(1, private=True, title="不公開")

    async def run(node: Node) -> None:
        for path in ("/catalog.jsonld", "/feed.atom", "/sitemap.xml?page=1", "/national.json"):
            reply = await node.client.get(path)
            assert reply.status == 200, (reply.text, node.logged[-3:])
            assert "plain-00001" not in reply.text
            assert "不公開" not in reply.text
        assert (await node.client.get("/dataset/plain-00001/datapackage.json")).status == 404

    with_node(tmp_path, run, hidden)


def test_pages_of_a_large_catalogue_hold_every_dataset_once(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        seen: list[str] = []
        for page in (1, 2, 3):
            reply = await node.client.get(f"/catalog.jsonld?page={page}")
            graph = json.loads(reply.body)["@graph"]
            seen += [one["@id"] for one in graph if "dcat:Dataset" in one["@type"]]
            assert ('rel="next"' in reply.header("link")) is (page < 3)
        assert len(seen) == len(set(seen)) == 1_201
        assert (await node.client.get("/catalog.jsonld?page=4")).status == 404
        assert (await node.client.get("/catalog.jsonld?page=x")).status == 400

    with_node(tmp_path, run, *(seeds.another(number) for number in range(1_200)))


def test_feed_and_site_map(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        reply = await node.client.get("/feed.atom")
        feed = xmltext.parse(reply.body)
        assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "資料集 149"
        assert len(feed.findall(ATOM + "entry")) == 100
        second = xmltext.parse((await node.client.get("/feed.atom?page=2")).body)
        assert len(second.findall(ATOM + "entry")) == 51
        index = xmltext.parse((await node.client.get("/sitemap.xml")).body)
        assert [one.text for one in index.iter(SITEMAP + "loc")] == ["http://localhost/sitemap.xml?page=1"]
        pages = xmltext.parse((await node.client.get("/sitemap.xml?page=1")).body)
        addresses = [one.text for one in pages.iter(SITEMAP + "loc")]
        assert "http://localhost/dataset/mask" in addresses
        assert len(addresses) == len(set(addresses))

    with_node(tmp_path, run, *(seeds.another(number) for number in range(150)))


def test_crawlers_are_led_to_the_site_map_and_away_from_searches_without_end(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        reply = await node.client.get("/robots.txt")
        assert reply.header("content-type").startswith("text/plain")
        lines = reply.text.splitlines()
        assert lines[0] == "User-agent: *"
        assert {"Disallow: /dataset?", "Disallow: /en/dataset?"} <= set(lines)
        assert "Disallow: /dataset" not in lines, "the data sets themselves may be found"
        assert lines[-1] == "Sitemap: http://localhost/sitemap.xml"

    with_node(tmp_path, run)


def test_packages_schema_and_descriptions(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        package = (await node.client.get("/dataset/mask/datapackage.json")).json
        table = package["resources"][0]
        assert table["schema"]["primaryKey"] == ["醫事機構代碼"]
        assert [field["type"] for field in table["schema"]["fields"]][:4] == ["string", "string", "integer", "datetime"]
        assert package["resources"][1]["path"] == "https://www.nhi.example.tw/manual.pdf"
        page = f"/dataset/mask/resource/{seeds.TABLE.id}"
        assert (await node.client.get(f"{page}/schema.json")).json["fields"][2]["unit"] == "片"
        assert (await node.client.get(f"{page}/csv-metadata.json")).json["tableSchema"]["columns"][0]["name"] == "c1"
        assert (await node.client.get("/dataset/mask/schema.org.jsonld")).json["@type"] == "Dataset"
        assert (await node.client.get("/dataset/mask/croissant.jsonld")).json["@type"] == "sc:Dataset"

    with_node(tmp_path, run)


def test_the_38_fields_come_back_as_they_went_out(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        first = (await node.client.get("/dataset/mask/national.json")).json
        assert first["identifier"] == "A21030000I-000001"
        assert first["categoryCode"] == "B00"
        assert first["accrualPeriodicity"] == "每 10 分鐘"
        assert first["distribution"][0]["resourceID"] == "A21030000I-000001-001"
        sent = json.loads(json.dumps(first).replace("A21030000I-000001", "A21030000I-000002"))
        sent["title"] = "匯入的口罩"
        for resource in sent["distribution"]:
            resource["downloadURL"] = "https://old.example.tw/mask.csv"
        reply = await node.client.post("/national.json", json=[sent], token=TOKEN)
        assert reply.status == 200, (reply.text, node.logged[-3:])
        assert (reply.status, reply.json["created"]) == (200, ["a21030000i-000002"]), reply.text
        back = (await node.client.get("/dataset/a21030000i-000002/national.json")).json
        expected = sent | {"modified": back["modified"]}
        assert back == expected
        again = await node.client.post("/national.json", json=[sent | {"title": "改名"}], token=TOKEN)
        assert again.json["changed"] == ["a21030000i-000002"], again.text
        assert (await node.client.get("/dataset/a21030000i-000002/national.json")).json["title"] == "改名"

    with_node(tmp_path, run)


def test_an_import_with_errors_writes_nothing_and_names_the_fields(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        good = (await node.client.get("/dataset/mask/national.json")).json
        bad = [good | {"identifier": "A21030000I-000009"}, good | {"accrualPeriodicity": "每15日或每2月", "title": ""}]
        reply = await node.client.post("/national.json", json=bad, token=TOKEN)
        assert reply.status == 422
        assert "1.accrualPeriodicity" in reply.text
        assert "1.title" in reply.text
        assert "每 15 日" in reply.text
        assert (await node.client.get("/dataset/a21030000i-000009/national.json")).status == 404
        assert (await node.client.post("/national.json", json=[good])).status in (401, 403)
        dry = await node.client.post(
            "/national.json?dry_run=1", json=[bad[0] | {"distribution": good["distribution"][:0]}], token=TOKEN
        )
        assert dry.status == 422

    with_node(tmp_path, run)


def test_a_dataset_is_told_what_the_standard_still_wants(tmp_path: Path) -> None:
    async def run(node: Node) -> None:
        good = (await node.client.get("/api/opendata/national_check/mask")).json
        assert good["conforms"] is True, good
        bare = (await node.client.get("/api/opendata/national_check/plain-00001")).json
        assert bare["conforms"] is False
        lacking = {fault["field"]: fault["message"]["zh-Hant"] for fault in bare["faults"]}
        assert lacking["categoryCode"] == "categoryCode：必填，請補上。"
        assert "distribution" in lacking

    with_node(tmp_path, run, seeds.another(1))
