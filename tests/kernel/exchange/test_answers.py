"""Answers: ETag and 304, HEAD and OPTIONS, ranges of files, streams both ways, headers that are always there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.kernel.exchange.sample import faces, sample
from tests.make import TOKEN, Node, a_node, live_node

Story = Callable[[Node], Awaitable[None]]


def on_node(folder: Path, story: Story) -> None:
    async def run() -> None:
        (folder / "file.bin").write_bytes(bytes(range(256)) * 4000)
        async with a_node(folder, [faces(sample(), folder)]) as node:
            await story(node)

    asyncio.run(run())


def test_an_etag_answers_304(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        first = await node.client.get("/api/sample/item/7")
        tag = first.header("etag")
        assert tag
        for sent in (tag, f'"other", {tag}', "*"):
            again = await node.client.get("/api/sample/item/7", headers={"If-None-Match": sent})
            assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
        other = await node.client.get("/api/sample/item/8", headers={"If-None-Match": tag})
        assert other.status == 200

    on_node(tmp_path, story)


def test_head_sends_the_head_of_get(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for target in ("/api/sample/item/7", "/file", "/numbers", "/text/a.txt"):
            got = await node.client.get(target)
            head = await node.client.request("HEAD", target)
            assert (head.status, head.body) == (200, b"")
            assert head.headers == got.headers

    on_node(tmp_path, story)


@pytest.mark.parametrize(
    ("sent", "status", "content_range", "size"),
    [
        pytest.param(f"bytes={'9' * 5_000}-", 416, "bytes */1024000", 0, id="longer than int reads"),
        pytest.param(f"bytes=0-{'9' * 5_000}", 206, "bytes 0-1023999/1024000", 1_024_000, id="to a far end"),
        pytest.param(f"bytes=-{'9' * 5_000}", 206, "bytes 0-1023999/1024000", 1_024_000, id="a long tail"),
        ("bytes=0-99", 206, "bytes 0-99/1024000", 100),
        ("bytes=1023999-", 206, "bytes 1023999-1023999/1024000", 1),
        ("bytes=-256", 206, "bytes 1023744-1023999/1024000", 256),
        ("bytes=5-9999999", 206, "bytes 5-1023999/1024000", 1023995),
        ("bytes=1024000-", 416, "bytes */1024000", 0),
        ("bytes=-0", 416, "bytes */1024000", 0),
        ("bytes=9-5", 200, "", 1024000),
        ("bytes=0-1,5-6", 200, "", 1024000),
        ("bytes=a-b", 200, "", 1024000),
        ("lines=0-1", 200, "", 1024000),
    ],
)
def test_a_file_is_sent_by_range(tmp_path: Path, sent: str, status: int, content_range: str, size: int) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.get("/file", headers={"Range": sent})
        assert (reply.status, reply.header("content-range"), len(reply.body)) == (status, content_range, size)
        if status == 206:
            start = int(content_range.split()[1].split("-")[0])
            assert reply.body == (bytes(range(256)) * 4000)[start : start + size]

    on_node(tmp_path, story)


def test_a_range_of_an_older_file_is_not_mixed_in(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        tag = (await node.client.get("/file")).header("etag")
        same = await node.client.get("/file", headers={"Range": "bytes=0-9", "If-Range": tag})
        older = await node.client.get("/file", headers={"Range": "bytes=0-9", "If-Range": '"older"'})
        assert (same.status, older.status) == (206, 200)

    on_node(tmp_path, story)


def test_a_stream_comes_whole_and_text_says_its_charset(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.get("/numbers")
        assert reply.body == b"".join(b"%d\n" % number for number in range(1000))
        assert reply.header("content-type") == "text/csv; charset=utf-8"

    on_node(tmp_path, story)


def test_a_body_streams_up_in_chunks(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        reply = await node.client.post("/size", body=[b"x" * 1000] * 500)
        assert reply.body == b"500000"

    on_node(tmp_path, story)


def test_methods_are_answered_as_http_says(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        wrong = await node.client.request("DELETE", "/api/sample/item/7")
        assert (wrong.status, wrong.header("allow")) == (405, "GET, HEAD, OPTIONS")
        unknown = await node.client.request("BREW", "/api/sample/item/7")
        assert unknown.status == 405
        options = await node.client.request("OPTIONS", "/api/sample/item/7")
        assert (options.status, options.header("allow")) == (204, "GET, HEAD, OPTIONS")
        assert options.header("access-control-allow-methods") == "GET, HEAD, OPTIONS"
        private = await node.client.request("OPTIONS", "/api/sample/save")
        assert (private.header("allow"), private.header("access-control-allow-origin")) == ("OPTIONS, POST", "")
        override = await node.client.get("/api/sample/item/7", headers={"X-HTTP-Method-Override": "DELETE"})
        assert override.status == 200

    on_node(tmp_path, story)


def test_every_answer_is_guarded(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        for target in ("/api/sample/item/7", "/file", "/nothing", "/api/sample/item/no", "/health"):
            reply = await node.client.get(target)
            assert reply.header("x-content-type-options") == "nosniff"
            assert reply.header("referrer-policy")
            assert "frame-ancestors 'none'" in reply.header("content-security-policy")
            assert "unsafe-inline" not in reply.header("content-security-policy")
            assert not reply.header("strict-transport-security")
        secure = await node.client.get("/health", scheme="https")
        assert secure.header("strict-transport-security")

    on_node(tmp_path, story)


def test_only_public_reads_are_open_to_other_sites_and_shared_caches(tmp_path: Path) -> None:
    async def story(node: Node) -> None:
        public = await node.client.get("/api/sample/item/7")
        assert (public.header("access-control-allow-origin"), public.header("cache-control")) == ("*", "no-cache")
        named = await node.client.get("/api/sample/item/7", token=TOKEN)
        assert named.header("access-control-allow-origin") == ""
        assert named.header("cache-control") == "private, no-store"
        written = await node.client.post("/api/sample/save", json={"name": "a"}, token=TOKEN)
        assert written.header("access-control-allow-origin") == ""
        assert written.header("cache-control") == "private, no-store"

    on_node(tmp_path, story)


def test_a_large_file_goes_through_a_socket_unchanged(tmp_path: Path) -> None:
    import urllib.request

    (tmp_path / "file.bin").write_bytes(bytes(range(256)) * 40_000)
    with (
        live_node(tmp_path, [faces(sample(), tmp_path)]) as (url, _),
        urllib.request.urlopen(f"{url}/file", timeout=10) as reply,
    ):
        assert reply.read() == bytes(range(256)) * 40_000
