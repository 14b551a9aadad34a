"""schemathesis over the services that hold personal affairs, signed in as a person and as an officer.

What it sends changes with the schema alone, so it knows no record's id: the happy ways are in the services' own tests,
others' ids in tests/test_other_peoples_affairs.py. Here: every answer is described, no input makes a 500, no method or
header is forgotten, and nothing is let in without the credentials.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.exchange.test_openapi import SCHEMATHESIS
from tests.make import live_server
from tests.openapi_shapes import telling
from tests.thorough import examples

from banyan.demo.personas import seed_personas
from banyan.kernel.exchange.session import Sessions
from banyan.kernel.identity.openid import signing_in
from banyan.kernel.identity.openid.sent import Sent
from banyan.node import Node, open_node
from banyan.settings import STANDARD_SERVICES, Settings

NOT_HERE = ("positive_data_acceptance", "negative_data_rejection", "missing_required_header")
"""A well-formed id need not be a record's; and the other two leave out credentials that we send with every case."""
OPEN_ONLY = ("opendata", "supplies")
BROKEN_ELSEWHERE = """
[[operations]]
exclude-operation-id = {telling}
[operations.phases.coverage.generation]
mode = "positive"
"""
"""Every operation is sent all that its schema allows, and examples of what it does not; every way to break a field is
sent to those that together have every shape of field, by `./banyan test --all` to each."""


@contextmanager
def live(folder: Path) -> Iterator[tuple[str, Node, asyncio.AbstractEventLoop]]:
    """A demonstration node of the personal services behind a live server."""
    ready = threading.Event()
    made: list[tuple[Node, asyncio.AbstractEventLoop]] = []
    services = tuple(path for path in STANDARD_SERVICES if not any(f".{name}." in path for name in OPEN_ONLY))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await made[0][0].app(scope, receive, send)
            return
        await receive()
        async with open_node(folder, Settings(services=services), is_demo=True) as node:
            await seed_personas(node.persons)
            made.append((node, asyncio.get_running_loop()))
            ready.set()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    with live_server(app) as url:
        assert ready.wait(30), "the node did not start"
        yield url, *made[0]


@pytest.mark.peers
@pytest.mark.parametrize("persona", ["demo.lin", pytest.param("demo.epidemic", marks=pytest.mark.slow)])
def test_schemathesis_finds_nothing_signed_in(tmp_path: Path, persona: str) -> None:
    if not SCHEMATHESIS.exists():
        pytest.skip("no .venv-peers")
    with live(tmp_path / "node") as (url, node, loop):
        sent = Sent(issuer=url, method="POST", path="/openid/login")
        came = asyncio.run_coroutine_threadsafe(signing_in.as_persona(node.persons, sent, persona), loop)
        cookie = came.result(10)
        csrf = Sessions((tmp_path / "node" / "secret").read_bytes()).csrf_of(cookie)
        if examples(1, 0):
            with urllib.request.urlopen(f"{url}/openapi.json", timeout=30) as answer:
                chosen = telling(json.load(answer))
            assert len(chosen) > 10
            config = BROKEN_ELSEWHERE.format(telling=json.dumps(chosen))
            (tmp_path / "schemathesis.toml").write_text(config, encoding="utf-8")
        command = [str(SCHEMATHESIS), "run", f"{url}/openapi.json", "--checks", "all", "--no-color"]
        command += ["--phases", "examples,coverage,fuzzing", "--generation-deterministic", "--max-examples", "3"]
        command += ["--exclude-checks", ",".join(NOT_HERE)]
        command += ["-H", f"Cookie: openid={cookie}", "-H", f"X-CSRF-Token: {csrf}"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False, cwd=tmp_path)
    assert found.returncode == 0, found.stdout[-9000:] + found.stderr[-2000:]
