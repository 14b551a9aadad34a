"""Clients of the field against our address: ckanapi's classes and command, frictionless, a harvester's paging."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.make import TOKEN, Node, live_node
from tests.service.opendata.ckan.golden import load

from banyan.service.opendata.parts import SERVICE

HERE = Path(__file__).parent
PEERS = Path(__file__).parents[4] / ".venv-peers/bin"


def run(*command: str, stdin: str = "") -> str:
    if not PEERS.exists():
        pytest.skip("no .venv-peers")
    path = f"{PEERS}:{os.environ['PATH']}"  # ckanapi starts itself again by name
    done = subprocess.run(
        [PEERS / command[0], *command[1:]],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A portal with the golden pairs' content."""
    with live_node(tmp_path_factory.mktemp("site"), [SERVICE]) as (url, node):
        asyncio.run(_load(node, url))
        yield url


async def _load(node: Node, url: str) -> None:
    class Remote:
        """The node's client, but over the wire: its store lives in the server's own loop."""

        client: Any

    remote = Remote()
    remote.client = _Client(url)
    await load(remote)  # type: ignore[arg-type]  # only the client is used


class _Client:
    def __init__(self, url: str) -> None:
        self._url = url

    async def post(self, path: str, *, json: Any, headers: dict[str, str]) -> Any:
        return await asyncio.to_thread(self._post, path, json, headers)

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data=data, headers={**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return _Reply(answer.status, answer.read())


class _Reply:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.text = body.decode()
        self.json = json.loads(body)


@pytest.mark.peers
def test_ckanapi_reads_and_writes(tmp_path: Path) -> None:
    with live_node(tmp_path, [SERVICE]) as (url, _):
        seen = json.loads(run("python", str(HERE / "peer_ckanapi.py"), url, TOKEN))
    assert seen == {
        "version": "2.12.0",
        "shown": True,
        "list": ["peer-set"],
        "found": ["peer-set"],
        "uploaded": ["upload", True, "庫存", "CSV"],
        "rows": [1, [{"_id": 2, "代碼": "02", "名稱": "乙", "數量": 5}]],
        "file": False,
        "newer": 3,
        "by_sql": [{"n": 15}],
        "empty": 0,
        "batch": 110,
        "updated": 700,
        "left": 99,
        "fields": ["k", "n"],
        "patched": ["補上說明", 1, 4],
        "resource": "每日更新",
        "round_trip": ["改名的資料集", 4],
        "errors": ["NotAuthorized", "NotFound", *["ValidationError"] * 2, "NotAuthorized", *["ValidationError"] * 2],
        "dropped": "NotFound",
        "gone": ["NotFound", []],
    }


@pytest.mark.peers
def test_ckanapi_command_dumps_and_loads(site: str, tmp_path: Path) -> None:
    dumped = run("ckanapi", "dump", "datasets", "--all", "-r", site, "-q", "-p", "1")
    packages = [json.loads(line) for line in dumped.splitlines()]
    assert sorted(one["name"] for one in packages) == ["ds-1", "ds-2", "ds-3", "ds-4", "ds-5", "mask-stock"]
    linked = [one for one in packages if one["name"] != "mask-stock"]
    lines = "\n".join(json.dumps(one) for one in linked)
    with live_node(tmp_path, [SERVICE]) as (copy, _):
        access = ("-r", copy, "-a", TOKEN)
        for name in ("moi", "wra", "mohw"):
            run("ckanapi", "action", "organization_create", f"name={name}", f"title={name}", *access)
        ids = {
            one["name"]: one["id"] for one in get(f"{copy}/api/3/action/organization_list?all_fields=true")["result"]
        }
        run("ckanapi", "action", "group_create", "name=disaster", "title=防災", *access)
        for one in linked:
            one["owner_org"] = ids[one["organization"]["name"]]
        lines = "\n".join(json.dumps(one) for one in linked)
        run("ckanapi", "load", "datasets", "-q", "-p", "1", *access, stdin=lines)
        again = run("ckanapi", "dump", "datasets", "--all", "-r", copy, "-q", "-p", "1")
    loaded = [json.loads(line) for line in again.splitlines()]
    kept = ("id", "name", "title", "notes", "license_id", "extras", "num_resources", "num_tags")
    assert [{key: one[key] for key in kept} for one in loaded] == [{key: one[key] for key in kept} for one in linked]
    assert [one["id"] for pkg in loaded for one in pkg["resources"]] == [
        one["id"] for pkg in linked for one in pkg["resources"]
    ]


@pytest.mark.peers
def test_frictionless_reads_the_catalogue(site: str) -> None:
    seen = json.loads(run("python", str(HERE / "peer_frictionless.py"), site, TOKEN))
    assert seen == {
        "datasets": ["ds-1", "ds-2", "ds-3", "ds-4", "ds-5", "mask-stock"],
        "agency": ["ds-1", "ds-2"],
        "group": ["ds-1", "ds-2"],
        "title": "健保特約機構口罩剩餘數量明細清單",
        "table": "1,1,藥局甲,10,2020-03-01T00:00:00.000",
    }


def test_a_harvester_reads_until_an_empty_page(site: str) -> None:
    """ckanext-harvest's contract: pages by `id asc`, no page twice, an empty one at the end."""
    pages: list[list[str]] = []
    while True:
        start = sum(map(len, pages))
        address = f"{site}/api/action/package_search?rows=2&start={start}&sort=id+asc&fq=-organization:nobody"
        results = get(address)["result"]["results"]
        pages.append([one["id"] for one in results])
        if not results:
            break
    assert [len(page) for page in pages] == [2, 2, 2, 0]
    ids = [id for page in pages for id in page]
    assert ids == sorted(set(ids))
    owner = get(f"{site}/api/action/package_show?id={ids[0]}")["result"]["owner_org"]
    assert get(f"{site}/api/action/organization_show?id={owner}")["result"]["id"] == owner
    assert get(f"{site}/api/action/group_show?id=disaster")["result"]["package_count"] == 2
