"""A node with the stock board and the LINE channel, and webhook bodies as LINE sends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.make import SECRET, Node, Reply, a_node, frozen_clock
from tests.service.supplies.make import AT, EVENTS

from banyan.channel.line import LineDesk, build_line
from banyan.channel.line.sending import Tried
from banyan.kernel.catalogue import Catalogue, Service
from banyan.service.supplies.asking import operation
from banyan.service.supplies.keeping import kept_of
from banyan.wire.line import signature

CHANNEL_SECRET = "only-for-tests-0123456789abcdef"
TOKEN = "token-only-for-tests"
USER = "U" + "0123456789abcdef" * 2
HERE = {"type": "location", "id": "1", "latitude": 23.977, "longitude": 121.604, "address": "花蓮縣花蓮市中正路1號"}
SETUP = LineDesk(api_url="http://127.0.0.1:9", channel_secret=CHANNEL_SECRET, token=TOKEN, secret=SECRET)


class Sent(msgspec.Struct):
    """What went to LINE, and what LINE answers: statuses in turn, then 200."""

    bodies: list[dict[str, Any]] = []
    statuses: list[int] = []
    waits: list[float] = []

    async def post(self, body: bytes) -> Tried:
        self.bodies.append(json.loads(body))
        return Tried(self.statuses.pop(0) if self.statuses else 200)

    async def pause(self, wait_s: float) -> None:
        self.waits.append(wait_s)

    @property
    def texts(self) -> list[str]:
        """Every text that was sent, cards as one line each."""
        return [said for body in self.bodies for message in body["messages"] for said in words(message)]


def words(message: Mapping[str, Any]) -> list[str]:
    if message["type"] == "text":
        return [message["text"]]
    return [" ".join(one["text"] for one in bubble["body"]["contents"]) for bubble in message["contents"]["contents"]]


class Desk(msgspec.Struct):
    node: Node
    sent: Sent

    async def post(self, *events: Mapping[str, Any], sign: str = "", body: bytes = b"") -> Reply:
        raw = body or webhook(*events)
        headers = {
            "X-Line-Signature": sign or signature(CHANNEL_SECRET.encode(), raw),
            "Content-Type": "application/json",
        }
        return await self.node.client.post("/line/webhook", body=raw, headers=headers)

    async def say(self, text: str, **event: Any) -> list[str]:
        """What is answered to a text."""
        before = len(self.sent.bodies)
        assert (await self.post(message({"type": "text", "id": "1", "text": text}, **event))).status == 200
        return Sent(self.sent.bodies[before:]).texts


Story = Callable[[Desk], Awaitable[None]]


def on_desk(
    folder: Path, story: Story, *, services: Sequence[Service] = (operation.SERVICE,), after_s: float = 180, **more: Any
) -> None:
    """Run a story at a desk whose LINE is `Sent`."""

    async def run() -> None:
        sent, clock = Sent(), frozen_clock(AT + after_s)
        operations = list(Catalogue(services).operations.values())
        logged: list[tuple[str, Any]] = []
        line = build_line(
            operations,
            SETUP,
            clock=clock,
            log=lambda name, fields: logged.append((name, fields)),
            post=more.pop("post", sent.post),
            pause=sent.pause,
        )
        async with a_node(folder, [*services, line], clock=clock, **more) as node:
            node.logged.clear()
            if "supplies" in node.drawers:
                kept = kept_of(node.drawers["supplies"])
                for event in EVENTS[kept.board.seq :]:
                    await kept.commit(event)
            await story(Desk(node, sent))
            node.logged.extend(logged)

    asyncio.run(run())


_number = iter(range(10**9))


def message(content: Mapping[str, Any], **event: Any) -> dict[str, Any]:
    """A message event; fields given as `event` replace its own, None leaves one out."""
    return an_event("message", message=content, **event)


def an_event(kind: str, **fields: Any) -> dict[str, Any]:
    number = next(_number)
    event = {
        "type": kind,
        "timestamp": int(AT * 1000),
        "mode": "active",
        "webhookEventId": f"01{number:024d}",
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": USER},
        "replyToken": f"{number:032x}",
    } | fields
    return {name: value for name, value in event.items() if value is not None}


def webhook(*events: Mapping[str, Any]) -> bytes:
    return json.dumps({"destination": "U" + "f" * 32, "events": events}, ensure_ascii=False).encode()
