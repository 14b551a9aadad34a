"""The field's 88 pairs of a real CKAN 2.12.0, and a node loaded with the same content through our write actions."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from tests.make import TOKEN, Node, Reply, shared_data

HOST = "http://127.0.0.1:55000"
RID = "334e56a0-6424-4099-8667-f8fca41f57a1"
BIG = "50ce6c2f-4748-4fe1-abd1-ba5e5454d503"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")


def pairs() -> list[dict[str, Any]]:
    return json.loads(shared_data("opendata/ckan-2.12.0-golden.json").read_text(encoding="utf-8"))


def result(note: str) -> Any:
    """The golden result of the pair with this note."""
    return next(pair["response"]["body"]["result"] for pair in pairs() if pair["note"] == note)


async def act(node: Node, name: str, /, **params: Any) -> Any:
    """An action as the administrator; its result, or the failure as an assertion."""
    reply = await node.client.post(f"/api/3/action/{name}", json=params, headers={"Authorization": TOKEN})
    assert reply.status == 200, f"{name}: {reply.status} {reply.text}"
    return reply.json["result"]


async def load(node: Node, *, with_tables: bool = True) -> None:
    """3 organizations, 2 groups, 7 datasets (one private) and the DataStore tables, with the ids they had."""
    for body in result("organization_list all_fields"):
        await act(node, "organization_create", **{key: body[key] for key in ("name", "title", "description")})
    for body in result("group_list all_fields"):
        await act(node, "group_create", **{key: body[key] for key in ("name", "title", "description")})
    for package in result("current_package_list_with_resources anonymous"):
        given = {key: package[key] for key in ("id", "name", "title", "notes", "license_id", "extras", "tags")}
        resources = [
            {key: one[key] for key in ("id", "name", "format", "url", "description") if one[key] is not None}
            for one in package["resources"]
        ]
        for one in resources:
            if one["url"].startswith(HOST):
                one["url"] = ""
        groups = [{"name": group["name"]} for group in package["groups"]]
        owner = package["organization"]["name"]
        await act(node, "package_create", **given, resources=resources, groups=groups, owner_org=owner)
    await act(node, "package_create", name="ds-private", title="未公開", owner_org="moi", private=True)
    if with_tables:
        await load_tables(node)


async def load_tables(node: Node) -> None:
    await act(
        node,
        "datastore_create",
        resource_id=RID,
        force=True,
        primary_key=["id"],
        fields=[
            {"id": "id", "type": "text"},
            {"id": "name", "type": "text"},
            {"id": "adult", "type": "int"},
            {"id": "at", "type": "timestamp"},
        ],
        records=[
            {"id": "1", "name": "藥局甲", "adult": 10, "at": "2020-03-01"},
            {"id": "2", "name": "藥局乙", "adult": 20, "at": "2020-03-01"},
            {"id": "3", "name": "藥局丙"},
        ],
    )
    await act(node, "datastore_create", resource_id=BIG, force=True, records=[{"n": 1}])


async def replay(node: Node, pair: dict[str, Any]) -> Reply:
    """Send the pair's request to our node."""
    asked = pair["request"]
    path = asked["path"] + ("?" + urlencode(asked["params"], doseq=True) if asked["params"] else "")
    headers = dict(asked["headers"])
    if asked["authenticated"]:
        headers["Authorization"] = TOKEN
    body = (asked["raw"] or "").encode()
    return await node.client.request(asked["method"], path, json=asked["json"], body=body, headers=headers)


def plain(value: Any) -> Any:
    """Ids, times, sizes and hosts as placeholders: what the pairs' own notes say to ignore."""
    if isinstance(value, dict):
        return {key: _placeholder(key) or plain(value[key]) for key in value}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        text = value.replace(HOST, "HOST").replace("http://localhost", "HOST")
        return _TIME.sub("TIME", _ID.sub("ID", text))
    return value


def _placeholder(key: str) -> str:
    return "SIZE" if key.endswith("size") else "ID" if key == "creator_user_id" else ""
