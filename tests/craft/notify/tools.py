"""An outbox over a drawer in a folder, a sender to a simulator, and waiting for what must come to pass."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_bytes

from banyan.craft.notify.line import BindSettings
from banyan.craft.notify.model import Lane, Message
from banyan.craft.notify.outbox import Outbox
from banyan.craft.notify.sender import Sender
from banyan.craft.notify.session import Account
from banyan.craft.notify.simulator import Simulator
from banyan.craft.notify.wording import Rules
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import close_drawer, open_drawer


def run(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """A test written as a coroutine."""

    @functools.wraps(test)
    def wrapped(*args: object, **fields: object) -> None:
        asyncio.run(test(*args, **fields))

    return wrapped


NOW = 1_795_438_800.0
"""That of tests/make.py, which a process that is killed again and again has no time to import."""
NODE_KEY = bytes(range(32))
RULES = Rules(senders=("1922", "1955"))


@asynccontextmanager
async def an_outbox(
    folder: Path, *, clock: Callable[[], float] | None = None, store: str = "sqlite"
) -> AsyncIterator[Outbox]:
    """Its keys are in a store of their own, as a node's are."""
    clock = clock or (lambda: NOW)
    keys = open_drawer(folder / "identity", service="identity", package="banyan.kernel.identity", clock=lambda: NOW)
    drawer = open_drawer(folder / "sms", service="sms", package="banyan.craft.notify", clock=lambda: NOW, store=store)
    try:
        scopes = Scopes(keys.sql, folder / "keys", random=token_bytes)
        outbox = Outbox(drawer.sql, scopes, node_key=NODE_KEY, clock=clock, random=token_bytes, rules=RULES)
        await outbox.open()
        yield outbox
    finally:
        await close_drawer(drawer)
        await close_drawer(keys)


@asynccontextmanager
async def a_simulator() -> AsyncIterator[Simulator]:
    simulator = Simulator({"banyan": "secret"}, clock=lambda: NOW)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def a_bind(port: int, **fields: object) -> BindSettings:
    given = {"name": "one", "rate": 1e6, "window": 100} | fields
    return BindSettings(account=Account("127.0.0.1", port, "banyan", "secret"), **given)  # type: ignore[arg-type]


@asynccontextmanager
async def sending(outbox: Outbox, *binds: BindSettings) -> AsyncIterator[Sender]:
    sender = Sender(outbox, binds, jitter=lambda: 0.0)
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until something is so; a test that waits in vain fails."""
    async with asyncio.timeout(seconds):
        while True:
            found = is_so()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.002)


def number(at: int) -> str:
    return f"+8869{at:08}"


def some(
    campaign: str, numbers: Iterable[int], *, text: str = "您在家嗎？請回覆1", lane: Lane = Lane.BULK, **fields: object
) -> list[Message]:
    return [Message(campaign=campaign, to=number(one), text=text, lane=lane, **fields) for one in numbers]  # type: ignore[arg-type]
