"""A dataset that is not public leaks by no route, and stands in no count."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from tests.make import Client
from tests.strangers import Kind, Nation, Probe, Subject, ask, everything, mark_of

from banyan.node import open_node
from banyan.settings import Settings

KINDS: tuple[Kind, ...] = ("public", "private", "draft", "deleted", "withdrawn")
HIDDEN: tuple[Kind, ...] = KINDS[1:]


def table_of(kind: Kind) -> bytes:
    mark = mark_of(kind)
    rows = [f"{kind}-{number},{mark}格{number},{121.5 + number / 100},25.03,{number}" for number in range(1, 9)]
    return ("\n".join([f"代碼,{mark}欄,經度,緯度,數量", *rows]) + "\n").encode()


async def published(client: Client, token: str, kind: Kind) -> Subject:
    theme = {"name": "health", "title": "健康"}
    assert (await client.post("/api/opendata/save_theme", json=theme, token=token)).status == 200
    mark, name = mark_of(kind), f"walk-{kind}"
    asked = {
        "filename": f"{mark}檔.csv",
        "name": name,
        "title": f"{mark}標題",
        "notes": f"{mark}說明",
        "tag": f"{mark}標籤",
        "agency": "衛生局",
        "theme": "health",
        "key": "代碼",
        "private": "true" if kind == "private" else "false",
    }
    target = f"/api/opendata/upload?{urlencode(asked)}"
    reply = await client.post(target, body=table_of(kind), token=token, headers={"content-type": "text/csv"})
    assert reply.status in (201, 202), reply.text
    done = reply.json
    changed: dict[Kind, tuple[str, dict[str, object]]] = {
        "draft": ("save_dataset", {"name": name, "state": "draft"}),
        "deleted": ("delete_dataset", {"name": name}),
        "withdrawn": ("save_dataset", {"name": name, "private": True}),
    }
    shown = (await client.get(f"/api/opendata/dataset/{name}", token=token)).json
    resource = shown["resources"][0]
    await client.get(f"/api/opendata/quality/{name}", token=token)
    if kind in changed:
        operation, body = changed[kind]
        answer = await client.post(f"/api/opendata/{operation}", json=body, token=token)
        assert answer.status == 200, answer.text
    return Subject(kind, name, shown["id"], resource["id"], done["job"], resource["hash"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Nation]]:
    """One node for all walks, in an event loop that lives as long."""
    folder = tmp_path_factory.mktemp("hidden")
    with asyncio.Runner() as runner:
        opened = a_nation(folder)
        yield runner, runner.run(anext(opened))
        with pytest.raises(StopAsyncIteration):
            runner.run(anext(opened))


async def a_nation(folder: Path) -> AsyncIterator[Nation]:
    async with open_node(folder, Settings()) as node:
        client = Client(node.app)
        subjects = {kind: await published(client, node.token, kind) for kind in KINDS}
        yield Nation(node, client, subjects)


async def leaks(nation: Nation, subject: Subject) -> tuple[list[str], int]:
    """What came back that was not sent, and how many requests were made."""
    found, count = [], 0
    for probe in everything(nation, subject):
        reply = await ask(nation.client, probe)
        count += 1
        said = reply.body.decode("utf-8", "replace") + json.dumps(reply.headers)
        said += unescaped(said)
        told = _told_to_followers(subject, probe)
        came = [mark for mark in subject.marks if mark in said and mark not in probe.sent and mark not in told]
        if came or reply.status >= 500:
            found.append(
                f"{reply.status} {probe.method} {unquote_plus(probe.target)} {probe.body} {probe.form}: {came}"
            )
    return found, count


def _told_to_followers(subject: Subject, probe: Probe) -> tuple[str, ...]:
    """The feed says which dataset was deleted, so that copies of it elsewhere can go too; nothing else of it."""
    is_feed = probe.target.startswith("/api/feed")
    return (subject.name, subject.id) if is_feed and subject.kind == "deleted" else ()


def unescaped(text: str) -> str:
    """The text with JSON's \\u escapes and percent-encoding taken back."""
    plain = unquote_plus(text)
    if "\\u" not in plain:
        return plain
    return plain + plain.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_hidden_dataset_leaks_by_no_route(running: tuple[asyncio.Runner, Nation], kind: Kind) -> None:
    runner, nation = running
    found, count = runner.run(leaks(nation, nation.subjects[kind]))
    assert count > 500
    assert not found, "\n".join(found)


def test_the_same_walk_finds_a_public_dataset(running: tuple[asyncio.Runner, Nation]) -> None:
    """So that silence about the hidden ones means something."""
    runner, nation = running
    found, _ = runner.run(leaks(nation, nation.subjects["public"]))
    ways = {line.split(" ")[2].partition("?")[0] for line in found if not line.startswith("5")}
    assert len(ways) > 100, sorted(ways)


def test_hidden_datasets_are_in_no_count(running: tuple[asyncio.Runner, Nation]) -> None:
    runner, nation = running

    async def counts() -> dict[str, object]:
        async def read(path: str) -> Any:
            return (await nation.client.get(path)).json

        found = await read("/api/opendata/datasets?rows=0")
        packages = (await read("/api/3/action/package_search?rows=0&include_private=true&facet.field=[%22groups%22]"))[
            "result"
        ]
        return {
            "found": found["count"],
            "agency": [one["datasets"] for one in await read("/api/opendata/agencies")],
            "theme": [one["datasets"] for one in await read("/api/opendata/themes")],
            "tags": len(await read("/api/opendata/tags")),
            "packages": packages["count"],
            "facet": [one["count"] for one in packages["search_facets"]["groups"]["items"]],
            "list": len((await read("/api/3/action/package_list"))["result"]),
            "organization": [
                one["package_count"] for one in (await read("/api/3/action/organization_list?all_fields=1"))["result"]
            ],
            "group": (await read("/api/3/action/group_show?id=health"))["result"]["package_count"],
            "entries": (await read("/api/opendata/entries"))["total"],
        }

    assert runner.run(counts()) == {
        "found": 1,
        "agency": [1],
        "theme": [1],
        "tags": 1,
        "packages": 1,
        "facet": [1],
        "list": 1,
        "organization": [1],
        "group": 1,
        "entries": 1,
    }


def test_a_name_taken_over_does_not_show_its_former_owners_events(tmp_path: Path) -> None:
    async def walk() -> str:
        async with open_node(tmp_path, Settings()) as node:
            client = Client(node.app)

            async def save(**body: object) -> str:
                reply = await client.post("/api/opendata/save_dataset", json=body, token=node.token)
                assert reply.status == 200, reply.text
                return str(reply.json["id"])

            hidden = await published(client, node.token, "private")
            await save(id=hidden.id, name="elsewhere")
            other = await save(name="other", title="公開", create=True)
            await save(id=other, name=hidden.name)
            return (await client.get("/api/feed")).text

    said = asyncio.run(walk())
    assert "公開" in said
    assert mark_of("private") not in said
    assert "private-1" not in said
