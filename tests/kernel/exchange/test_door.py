"""The door end to end in one process: routes, binding, problems, methods, caching."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.kernel.exchange.sample import sample
from tests.make import TOKEN, Node, a_node


def on_node(folder: Path, story: Callable[[Node], Awaitable[None]], **options: object) -> None:
    async def run() -> None:
        async with a_node(folder, [sample()], **options) as node:  # type: ignore[arg-type]
            await story(node)

    asyncio.run(run())


def test_an_operation_answers_its_query(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.get("/api/sample/echo?word=%E8%87%BA&times=2&tags=a&tags=b")
        assert (reply.status, reply.json["words"]) == (200, ["臺", "臺", "a", "b"])
        assert reply.header("content-type") == "application/json"
        assert reply.header("access-control-allow-origin") == "*"

    on_node(tmp_path, story)


def test_a_wrong_query_names_the_field_and_the_fix_in_both_languages(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.get("/api/sample/echo?word=a&times=99")
        assert (reply.status, reply.header("content-type")) == (422, "application/problem+json")
        assert reply.json["errors"] == [{"field": "times", "fix": "不可大於 50。"}]
        english = await node.client.get("/api/sample/echo?word=a&times=99", headers={"Accept-Language": "en-GB"})
        assert english.json["errors"] == [{"field": "times", "fix": "It must be at most 50."}]

    on_node(tmp_path, story)


def test_a_write_needs_the_token(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        refused = await node.client.post("/api/sample/save", json={"name": "a"})
        assert (refused.status, refused.header("www-authenticate")) == (401, "Bearer")
        assert "管理者" in refused.json["detail"]
        done = await node.client.post("/api/sample/save", json={"name": "a"}, token=TOKEN)
        assert (done.status, done.json) == (200, {"name": "a", "by": "administrator"})

    on_node(tmp_path, story)
