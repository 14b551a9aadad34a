"""A node with the small board, and what a reader of its feeds holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from tests.make import Node, Reply, a_node
from tests.service.supplies.make import EVENTS

from banyan.kernel.events.clock import iso
from banyan.service.supplies.board import Board
from banyan.service.supplies.keeping import Kept, kept_of
from banyan.service.supplies.model import BoardEvent
from banyan.service.supplies.parts import SERVICE

Story = Callable[[Node], Awaitable[None]]
Rows = dict[str, dict[str, tuple[Any, ...]]]
"""By code and item: status, count, reserved, available, as-of."""


def on_board(folder: Path, story: Story, events: Sequence[BoardEvent] = EVENTS) -> None:
    """Run a story on a node whose board has taken `events`."""

    async def run() -> None:
        async with a_node(folder, [SERVICE]) as node:
            for event in events:
                await kept(node).commit(event)
            await story(node)

    asyncio.run(run())


def kept(node: Node) -> Kept:
    return kept_of(node.drawers["supplies"])


async def got(node: Node, path: str, **headers: str) -> Reply:
    return await node.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def read(node: Node, path: str, shape: Any) -> Any:
    reply = await got(node, path)
    assert reply.status == 200, reply.text
    return msgspec.json.decode(reply.body, type=shape)


def truth(board: Board) -> Rows:
    """What a reader must show, asked of the board row by row."""
    return {
        place.code: {
            stock.item: (
                stock.status,
                stock.count,
                stock.reserved,
                stock.available,
                iso(board.row_as_of(board.item_of[stock.item], row)),
            )
            for stock in board.shown(row).stocks
        }
        for row, place in enumerate(board.places)
        if not board.is_gone()[row]
    }
