"""The face's own rules: forms of a request, tokens, JSONP, uploads, dumps, and searches that CKAN cannot do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.make import TOKEN, Node, Reply, a_node
from tests.service.opendata.ckan.golden import RID, act, load

from banyan.service.opendata.parts import SERVICE

Story = Callable[[Node], Awaitable[None]]
ADMIN = {"Authorization": TOKEN}


def on_a_site(folder: Path, story: Story, *, with_content: bool = True, with_tables: bool = True) -> None:
    async def run() -> None:
        async with a_node(folder, [SERVICE]) as node:
            if with_content:
                await load(node, with_tables=with_tables)
            await story(node)

    asyncio.run(run())


async def ask(node: Node, name: str, **params: Any) -> Any:
    reply = await node.client.get(
        f"/api/3/action/{name}?" + "&".join(f"{k}={quote(str(v))}" for k, v in params.items())
    )
    assert reply.status == 200, reply.text
    return reply.json["result"]


def multipart(fields: dict[str, str], filename: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--b\r\nContent-Disposition: form-data; name="upload"; filename="{filename}"\r\n\r\n'.encode()
    return b"".join(parts) + head + content + b"\r\n--b--\r\n", {"Content-Type": "multipart/form-data; boundary=b"}


async def upload(node: Node, fields: dict[str, str], filename: str, content: bytes, **headers: str) -> Reply:
    body, kind = multipart(fields, filename, content)
    return await node.client.post("/api/3/action/resource_create", body=body, headers={**kind, **headers})


def test_searches_that_clients_send(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        async def names(**params: Any) -> list[str]:
            return sorted(one["name"] for one in (await ask(node, "package_search", **params))["results"])

        assert await names(q="雨") == ["ds-1"]
        assert await names(q="衛生") == ["ds-5", "mask-stock"]
        assert await names(fq="tags:(水位 OR 雨量)") == ["ds-1", "ds-2"]
        assert await names(fq="+organization:wra -tags:水位") == ["ds-1"]
        assert await names(q="title:口罩 OR title:村里") == ["ds-4", "mask-stock"]
        assert await names(q="name:ds-*", rows=3, sort="name desc") == ["ds-3", "ds-4", "ds-5"]
        assert await names(fq="metadata_modified:[NOW-1DAY TO *] AND res_format:geojson") == ["ds-4"]
        assert await names(fq="metadata_modified:[* TO 2001-01-01T00:00:00Z]") == []
        assert await names(fq='extras_更新頻率:"不定期"') == ["mask-stock"]
        assert await names(q='"水位站') == ["ds-2"], "an open quotation is read as words"
        assert await names(q="沒有這個欄位:水") == []
        reply = await node.client.get("/api/3/action/package_search?fq=nofield:x")
        assert (reply.status, reply.json["error"]["__type"]) == (409, "Search Error")
        private = await act(node, "package_search", include_private=True, fq="capacity:private")
        assert [one["name"] for one in private["results"]] == ["ds-private"]
        assert [one["name"] for one in await ask(node, "package_autocomplete", q="村里")] == ["ds-4"]

    on_a_site(tmp_path, story, with_tables=False)


def test_a_saved_dataset_is_found_at_once_and_a_deleted_one_is_not(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await act(node, "organization_create", name="moi", title="內政部")
        for n in range(3):
            await act(
                node, "package_create", name=f"set-{n}", title=f"臺北市里別{n}", owner_org="moi", tags=[{"name": "里"}]
            )
            assert (await ask(node, "package_search", q="台北市"))["count"] == n + 1
        await act(node, "organization_patch", id="moi", name="interior")
        assert (await ask(node, "package_search", fq="organization:interior"))["count"] == 3
        await act(node, "package_patch", id="set-1", private=True)
        await act(node, "package_delete", id="set-0")
        assert [one["name"] for one in (await ask(node, "package_search", fq="tags:里"))["results"]] == ["set-2"]
        await act(node, "dataset_purge", id="set-0")
        reply = await node.client.get("/api/3/action/package_show?id=set-0")
        assert reply.status == 404

    on_a_site(tmp_path, story, with_content=False)


def test_uploads(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        await act(node, "organization_create", name="moi", title="內政部")
        await act(node, "package_create", name="one", owner_org="moi")
        fields = {"package_id": "one", "name": "庫存", "description": "每日"}
        refused = await upload(node, fields, "a.csv", b"a,b\n1,2\n")
        assert (refused.status, refused.json["error"]["__type"]) == (403, "Authorization Error")
        reply = await upload(node, fields, "a.csv", "代碼,數\n01,2\n".encode("cp950"), **ADMIN)
        made = reply.json["result"]
        assert (made["format"], made["datastore_active"], made["description"]) == ("CSV", True, "每日")
        rows = await ask(node, "datastore_search", resource_id=made["id"], q="0")
        assert rows["records"][0] == {"_id": 1, "代碼": "01", "數": 2, "rank": 0.5}
        original = await node.client.get(made["url"].removeprefix("http://localhost"))
        assert original.body.decode("cp950") == "代碼,數\n01,2\n"
        reply = await upload(node, {"package_id": "one"}, "notes.pdf", b"%PDF-1.7 \x00\xff", **ADMIN)
        assert reply.json["result"]["datastore_active"] is False
        reply = await upload(node, {"package_id": "one"}, "broken.csv", b"\x00\x01\x02\xff\xfe", **ADMIN)
        assert reply.json["result"]["datastore_active"] is False, "what cannot be read as a table is kept as a file"
        assert (await ask(node, "package_show", id="one"))["num_resources"] == 3

    on_a_site(tmp_path, story, with_content=False)


def test_dumps(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        path = f"/datastore/dump/{RID}"
        part = await node.client.get(f"{path}?limit=1&offset=1&fields=name,adult")
        assert part.text == "name,adult\r\n藥局乙,20\n"
        xml = await node.client.get(f"{path}?format=xml&q={quote('丙')}")
        assert '<row _id="3"><value name="id">3</value><value name="name">藥局丙</value>' in xml.text
        with_mark = await node.client.get(f"{path}?bom=true")
        assert with_mark.body.startswith(b"\xef\xbb\xbf_id,")
        assert (await node.client.get(f"{path}?format=pdf")).status == 409
        assert (await node.client.get("/datastore/dump/nothing")).status == 404

    on_a_site(tmp_path, story)


def test_old_and_new_ways_to_page(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        seen = []
        target = f"/api/3/action/datastore_search?resource_id={RID}&limit=2"
        while True:
            result = (await node.client.get(target)).json["result"]
            if not result["records"]:
                break
            seen += [one["_id"] for one in result["records"]]
            target = result["_links"]["next"]
        assert seen == [1, 2, 3]
        first = await ask(node, "datastore_search", resource_id=RID, limit=2, include_next_page="true")
        rest = await ask(node, "datastore_search", resource_id=RID, filters=json.dumps(first["next_page"]))
        assert [one["_id"] for one in rest["records"]] == [3]
        by_column = await ask(node, "datastore_search", resource_id=RID, q=json.dumps({"name": "乙"}))
        assert [one["_id"] for one in by_column["records"]] == [2]

    on_a_site(tmp_path, story)


@pytest.mark.parametrize("header", ["Authorization", "X-CKAN-API-Key"])
def test_tokens_without_bearer(tmp_path: Path, header: str) -> None:
    async def story(node: Node) -> None:
        body = {"name": "moi", "title": "內政部"}
        for token, status in (("wrong", 403), (TOKEN, 200)):
            reply = await node.client.post("/api/action/organization_create", json=body, headers={header: token})
            assert reply.status == status

    on_a_site(tmp_path, story, with_content=False)


def test_forms_of_a_request(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        form = await node.client.post("/api/3/action/package_show", form={"id": "ds-1"})
        raw = {"Content-Type": "application/x-www-form-urlencoded"}
        curl = await node.client.post("/api/3/action/package_show", body=b'{"id": "ds-1"}', headers=raw)
        query = await node.client.post("/api/3/action/package_show?id=ds-1")
        assert form.json == curl.json == query.json
        assert b"\\u6c34" in form.body or form.body.isascii(), "envelopes are ASCII, as CKAN writes them"
        bad = await node.client.get("/api/3/action/package_list?callback=alert(1)")
        assert bad.status == 400
        known = await node.client.get("/api/3/action/package_list?callback=cb", headers=ADMIN)
        assert known.status == 400, "JSONP answers nobody in particular"
        head = await node.client.request("HEAD", "/api/3/action/package_list")
        assert (head.status, head.body) == (200, b"")

    on_a_site(tmp_path, story, with_tables=False)


def test_table_writes_say_what_is_wrong(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        async def wrong(name: str, **params: Any) -> dict[str, Any]:
            reply = await node.client.post(f"/api/3/action/{name}", json=params, headers=ADMIN)
            assert reply.status == 409, reply.text
            return reply.json["error"]

        row = {"id": "9", "adult": "許多"}
        error = await wrong("datastore_upsert", resource_id=RID, records=[row])
        assert error["records"] == ['invalid input syntax for type int8: "許多"']
        assert (
            "extra keys"
            in (await wrong("datastore_upsert", resource_id=RID, records=[{"id": "1", "x": 1}]))["records"][0]
        )
        assert "missing" in (await wrong("datastore_upsert", resource_id=RID, records=[{"adult": 1}]))["key"][0]
        same = {"resource_id": RID, "method": "insert", "records": [{"id": "1"}]}
        assert "duplicate" in (await wrong("datastore_upsert", **same))["records"][0]
        missing = {"resource_id": RID, "method": "update", "records": [{"id": "77"}]}
        assert "not found" in (await wrong("datastore_upsert", **missing))["key"][0]
        link = (await ask(node, "package_show", id="ds-1"))["resources"][0]["id"]
        assert "read-only" in await wrong("datastore_create", resource_id=link, records=[row])
        bad = await wrong("datastore_create", resource_id=RID, fields=[{"id": "x", "type": "nonsense"}])
        assert bad["fields"] == ['"nonsense" is not a valid field type']
        assert (await ask(node, "datastore_search", resource_id=RID, limit=0))["total"] == 3
        await act(node, "datastore_upsert", resource_id=RID, records=[{"id": "3", "adult": 30}])
        table = await ask(node, "datastore_search", resource_id=RID, filters='{"id":"3"}')
        assert table["records"][0] | {"_id": 0} == {"_id": 0, "id": "3", "name": "藥局丙", "adult": 30, "at": None}

    on_a_site(tmp_path, story)
