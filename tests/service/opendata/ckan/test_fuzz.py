"""No parameters of any shape make an action answer 500: random objects for every action, from anybody and the owner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.make import TOKEN, Node, a_node
from tests.service.opendata.ckan.golden import RID, act

from banyan.service.opendata.ckan.action import ACTIONS
from banyan.service.opendata.parts import SERVICE

WRITES_FILES = frozenset({"datastore_create", "datastore_upsert", "datastore_delete"})
"""Each may publish a version in another process: fuzzed with fewer examples."""
WORDS = st.sampled_from(
    ["", "one", "moi", RID, "name:one", "*:*", "true", "-1", "1e9", "[1]", '{"a":1}', "{", "台", "\x00", "a" * 300]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), WORDS, st.text(max_size=8)
)
KEYS = st.sampled_from(["id", "name", "key", "value", "title", "$or", "gt", "package_id", "type", "one"]) | st.text(
    max_size=4
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


class Site:
    """A node that lives as long as the module's tests, with its own event loop."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._made = a_node(folder, [SERVICE])
        self.node: Node = self.runner.run(self._made.__aenter__())
        self.runner.run(self._fill())

    async def _fill(self) -> None:
        await act(self.node, "organization_create", name="moi", title="內政部")
        await act(self.node, "group_create", name="life", title="生活")
        link = {"id": RID, "name": "表", "url": "https://data.example.gov.tw/a.csv"}
        await act(self.node, "package_create", name="one", title="一", owner_org="moi", resources=[link])
        await act(self.node, "datastore_create", resource_id=RID, force=True, records=[{"a": 1, "b": "二"}])

    def close(self) -> None:
        self.runner.run(self._made.__aexit__(None, None, None))
        self.runner.close()

    def send(self, name: str, params: dict[str, Any], *, token: str = "", method: str = "POST") -> tuple[int, Any]:
        headers = {"Authorization": token} if token else {}
        if method == "GET":
            reply = self.runner.run(self.node.client.get(f"/api/3/action/{name}?{query(params)}", headers=headers))
        else:
            reply = self.runner.run(self.node.client.post(f"/api/3/action/{name}", json=params, headers=headers))
        return reply.status, json.loads(reply.body)


def query(params: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return urlencode({key: value if isinstance(value, str) else json.dumps(value) for key, value in params.items()})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


def params_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    known = ACTIONS[name].params.split() or ["id"]
    return st.dictionaries(st.sampled_from(known) | st.text(max_size=4), VALUES, max_size=5)


def check(name: str, status: int, body: Any, params: dict[str, Any]) -> None:
    assert status < 500, f"{name} {params}: {status} {body}"
    if isinstance(body, dict) and "type" in body:  # the door itself refuses a NUL in an address
        assert body["type"] == "/problems/unreadable"
    elif isinstance(body, dict):
        assert body["success"] is (status == 200)
        assert ("error" in body) != body["success"]
    else:
        assert body.startswith("Bad request: ")


@pytest.mark.parametrize("name", sorted(ACTIONS.keys() - WRITES_FILES))
def test_any_parameters(site: Site, name: str) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(params_of(name))
    def run(params: dict[str, Any]) -> None:
        check(name, *site.send(name, params, token=TOKEN), params)
        if ACTIONS[name].is_read:
            check(name, *site.send(name, params, method="GET"), params)
        else:
            status, body = site.send(name, params)
            assert (status, body["error"]["__type"]) == (403, "Authorization Error")

    run()


@pytest.mark.parametrize("name", sorted(WRITES_FILES))
def test_any_parameters_of_table_writes(site: Site, name: str) -> None:
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(params_of(name))
    def run(params: dict[str, Any]) -> None:
        check(name, *site.send(name, params, token=TOKEN), params)

    run()
