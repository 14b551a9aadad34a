"""The MCP server: lifecycle, tools with their schemas, answers through the gate, faults as JSON-RPC says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.exchange.sample import Echo, Echoed, sample
from tests.make import Client, Reply, a_node, live_node

from banyan.channel.mcp import build_mcp
from banyan.kernel.catalogue import Catalogue, Context, Service

Story = Callable[[Client], Awaitable[None]]


def tools() -> Service:
    service = sample()

    @service.operation(
        "say",
        title={"zh-Hant": "複誦", "en": "Say"},
        summary={"zh-Hant": "再說一次。", "en": "Say it again."},
        data=("open",),
        audience="public",
        channels=("mcp",),
    )
    async def say(ctx: Context, request: Echo) -> Echoed:
        return Echoed([request.word] * request.times, ctx.caller.kind, ctx.caller.channel)

    @service.operation(
        "flood",
        title={"zh-Hant": "很長", "en": "Long"},
        summary={"zh-Hant": "很長的答案。", "en": "A long answer."},
        data=("open",),
        audience="public",
        channels=("mcp",),
    )
    async def flood(ctx: Context, request: Echo) -> list[str]:
        return ["x" * 1000] * 1000

    return service


def on_node(folder: Path, story: Story) -> None:
    async def run() -> None:
        service = tools()
        mcp = build_mcp(list(Catalogue([service]).operations.values()))
        async with a_node(folder, [service], extra=[mcp]) as node:
            await story(node.client)

    asyncio.run(run())


async def ask(client: Client, method: str, params: object = None, **options: Any) -> Reply:
    message = {"jsonrpc": "2.0", "id": 1, "method": method} | ({"params": params} if params is not None else {})
    return await client.post("/mcp", json=message, **options)


def test_a_session_begins_lists_and_calls(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        begun = (await ask(client, "initialize", {"protocolVersion": "2025-03-26", "capabilities": {}})).json
        assert begun["result"]["protocolVersion"] == "2025-03-26"
        newer = (await ask(client, "initialize", {"protocolVersion": "2099-01-01"})).json
        assert newer["result"]["protocolVersion"] == "2025-06-18"
        noted = await client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (noted.status, noted.body) == (202, b"")
        assert (await ask(client, "ping")).json["result"] == {}
        listed = (await ask(client, "tools/list")).json["result"]["tools"]
        assert [tool["name"] for tool in listed] == ["sample_say", "sample_flood"]
        assert listed[0]["title"] == "複誦"
        assert listed[0]["inputSchema"]["type"] == "object"
        assert listed[0]["inputSchema"]["required"] == ["word"]
        called = (await ask(client, "tools/call", {"name": "sample_say", "arguments": {"word": "臺", "times": 2}})).json
        assert called["result"]["isError"] is False
        assert called["result"]["structuredContent"]["words"] == ["臺", "臺"]

    on_node(tmp_path, story)


def test_a_problem_is_a_result_the_model_can_read(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        wrong = (await ask(client, "tools/call", {"name": "sample_say", "arguments": {"word": "a", "times": 99}})).json
        assert wrong["result"]["isError"] is True
        assert wrong["result"]["structuredContent"]["errors"] == [{"field": "times", "fix": "不可大於 50。"}]
        long = (await ask(client, "tools/call", {"name": "sample_flood", "arguments": {"word": "a"}})).json
        assert long["result"]["isError"] is True

    on_node(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"[]", 400, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"resources/list"}', 200, -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sample_save"}}', 200, -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', 200, -32602),
    ],
)
def test_faults_are_json_rpcs_own(tmp_path: Path, body: bytes, status: int, code: int) -> None:
    async def story(client: Client) -> None:
        reply = await client.post("/mcp", body=body, headers={"Content-Type": "application/json"})
        assert (reply.status, reply.json["error"]["code"]) == (status, code)

    on_node(tmp_path, story)


def test_another_sites_page_cannot_drive_it_and_there_is_no_stream(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        assert (await ask(client, "ping", headers={"Origin": "https://evil.example"})).status == 403
        assert (await ask(client, "ping", headers={"Origin": "http://localhost"})).status == 200
        assert (await client.get("/mcp")).status == 405

    on_node(tmp_path, story)


def test_only_reads_are_offered() -> None:
    import banyan.service.opendata.parts  # noqa: F401 - registers every part
    from banyan.channel.mcp.service import Tools
    from banyan.service.opendata.service import SERVICE

    names = [tool["name"] for tool in Tools(list(SERVICE.operations.values())).listed("en")]
    assert {"opendata_answer", "opendata_find_datasets", "opendata_look_up", "opendata_nearest"} <= set(names)
    assert not any("publish" in str(name) or "delete" in str(name) for name in names)


@pytest.mark.peers
def test_the_official_client_lists_and_calls(tmp_path: Path) -> None:
    import json
    import subprocess

    python = Path(__file__).parents[3] / ".venv-peers/bin/python"
    script = Path(__file__).with_name("official_client.py")
    if not python.exists() or subprocess.run([python, "-c", "import mcp"], check=False, capture_output=True).returncode:
        pytest.skip("no .venv-peers with mcp")
    service = tools()
    mcp = build_mcp(list(Catalogue([service]).operations.values()))
    with live_node(tmp_path, [service], extra=[mcp]) as (url, _):
        done = subprocess.run([python, script, url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["tools"] == ["sample_say", "sample_flood"]
    assert seen["words"] == ["臺", "臺"]
    assert seen["is_error"] == [False, True]
