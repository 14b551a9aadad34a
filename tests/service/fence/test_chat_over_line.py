"""The whole way over LINE: webhooks signed by LINE, a node, and a LINE server that is asked over HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.channel.line.desk import CHANNEL_SECRET, TOKEN, USER, an_event, message, webhook
from tests.make import NOW, Client
from tests.service.fence.world import ONLY, World, a_world

from banyan.settings import LINE_SECRETS, Line
from banyan.wire.line import signature

Asked = list[tuple[str, str, dict[str, Any]]]


@contextmanager
def a_line() -> Iterator[tuple[str, Asked]]:
    """A LINE that takes everything once, and keeps path, retry key and body of what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            key = self.headers.get("x-line-retry-key", "")
            known = bool(key) and key in {one[1] for one in asked}
            status = 401 if self.headers["authorization"] != f"Bearer {TOKEN}" else 409 if known else 200
            asked.append((self.path.rpartition("/")[2], key, body))
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def post(world: World, event: dict[str, Any], *, sign: str = "") -> int:
    body = webhook(event)
    headers = {"X-Line-Signature": sign or signature(CHANNEL_SECRET.encode(), body)}
    return (await Client(world.node.app).post("/line/webhook", body=body, headers=headers)).status


def test_linked_asked_and_answered_over_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LINE_SECRETS[0], CHANNEL_SECRET)
    monkeypatch.setenv(LINE_SECRETS[1], TOKEN)

    async def story(world: World, asked: Asked) -> None:
        case = await world.register()
        code = (await world.call("link_chat", world.citizen())).code
        assert await post(world, message({"type": "text", "id": "1", "text": f"連結 {code}"})) == 200
        (kind, _, reply) = asked.pop()
        assert (kind, "已連結" in reply["messages"][0]["text"]) == ("reply", True)
        await world.signal(case, "left", "strong")
        await world.later(130)
        (kind, key, push) = asked.pop()
        assert (kind, push["to"], len(key)) == ("push", USER, 36)
        (said,) = push["messages"]
        home = said["quickReply"]["items"][0]["action"]
        assert (home["type"], home["label"], home["displayText"]) == ("postback", "我在家", "我在家")
        press = an_event("postback", postback={"data": home["data"]})
        assert await post(world, press, sign="AAAA") == 400, "not LINE's own"
        other = {"type": "user", "userId": "U" + "9" * 32}
        await post(world, an_event("postback", postback={"data": home["data"]}, source=other))
        assert "不是問這個聊天" in asked.pop()[2]["messages"][0]["text"]
        assert (await world.work())[0].answer == ""
        assert [await post(world, press) for _ in range(2)] == [200, 200], "delivered twice"
        assert [one[2]["messages"][0]["text"] for one in asked] == ["收到，您在家。謝謝。"]
        assert (await world.work())[0].answer == "home"

    async def run(url: str, asked: Asked) -> None:
        settings = msgspec.structs.replace(ONLY, line=Line(enabled=True, api_url=url))
        async with a_world(tmp_path, [float(NOW)], settings=settings) as world:
            await world.order()
            await story(world, asked)

    with a_line() as (url, asked):
        asyncio.run(run(url, asked))
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert USER.encode() not in kept, "who she is in LINE is sealed"
