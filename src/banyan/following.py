"""Follow other authorities' feeds of warnings while the node is open: each in a loop of its own, so that a slow one
holds neither another nor the dispatch of our own warnings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec

from banyan.cap_fetching import fetcher
from banyan.cap_registers import register_in
from banyan.craft.following.rounds import Fetch, Source, go_round
from banyan.errors import Invalid, Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.storage import Drawer
from banyan.service.alerts import others
from banyan.settings import FeedAt, Settings
from banyan.wire.cap.register import Register


class Followed(msgspec.Struct, frozen=True):
    """A feed with how it is fetched."""

    source: others.Source
    at: Source
    every_s: float
    fetch: Fetch


def feeds_of(settings: Settings) -> list[Followed]:
    """Those that node.toml names. Raises Invalid for a register that cannot be read: else all would be believed."""
    names = [one.name for one in settings.alerts.follow]
    found = [_followed(one, allow_private=settings.fetch.allow_private) for one in settings.alerts.follow]
    if len(set(names)) != len(names):
        raise Invalid.at("alerts.follow", "give each feed a name of its own")
    return found


async def follow(stack: AsyncExitStack, db: Drawer, feeds: Sequence[Followed], clock: Clock) -> None:
    """Begin, until the stack is left. What a feed gave that is followed no more is deleted."""
    await others.forget_but(db, [one.source.name for one in feeds])
    tasks = [asyncio.create_task(_rounds(db, one, clock)) for one in feeds]
    stack.push_async_callback(_ended, tasks)


async def go_once(db: Drawer, one: Followed, clock: Clock) -> None:
    """One round, and what is believed of it kept."""
    state = await others.state_of(db, one.source.name)
    found = await go_round(one.at, state, one.fetch, register=one.source.pinned)
    await others.keep(db, one.source, found, clock())


async def _rounds(db: Drawer, one: Followed, clock: Clock) -> None:
    while True:
        with suppress(Problem, OSError):  # a full disk passes; the page says when the feed was read last
            await go_once(db, one, clock)
        await asyncio.sleep(one.every_s)


def _followed(feed: FeedAt, *, allow_private: bool) -> Followed:
    pinned = register_in(Path(feed.register)) if feed.register else Register()
    title = {"zh-Hant": feed.title, "en": feed.title_en}
    source = others.Source(feed.name, title, pinned)
    return Followed(source, Source(feed.address, feed.hosts), feed.every_s, fetcher(allow_private=allow_private))


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
