"""Grave alerts on top of every page: composition reads them when something changed; a page costs nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

from banyan.channel.web import Notice, Portal
from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.events.follower import Follower
from banyan.kernel.storage import Drawer
from banyan.service.alerts.heralding import lines


async def herald(stack: AsyncExitStack, drawers: Mapping[str, Drawer], portal: Portal, clock: Clock) -> None:
    """Begin, until the stack is left. Nothing to do on a node without alerts."""
    db = drawers.get("alerts")
    if db is None:
        return
    await _show(db, portal, clock)
    follower = Follower(db.sql)
    stack.callback(follower.close)
    task = asyncio.create_task(_keep(db, follower, portal, clock))
    stack.push_async_callback(_ended, task)


async def _keep(db: Drawer, follower: Follower, portal: Portal, clock: Clock) -> None:
    """At each event, and at each heartbeat: by it one that waited for its onset or was read in vain is shown."""
    async for _ in follower.follow(0):
        with suppress(Problem, OSError):  # what stands there goes on standing until it is over
            await _show(db, portal, clock)


async def _show(db: Drawer, portal: Portal, clock: Clock) -> None:
    found = await lines(db, clock())
    portal.notices = tuple(Notice(one.degree, one.headline, one.instruction, one.path, one.until) for one in found)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
