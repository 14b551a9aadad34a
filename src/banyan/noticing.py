"""Composition of the SMS sender: its drawer and keys, node.toml's binds, in the demonstration a simulated SMSC.

One owner: `open_notices` opens the outbox, sends until it is left, and forgets campaigns whose term is over.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Final

import msgspec

from banyan.craft.notify.line import BindSettings, Figures
from banyan.craft.notify.outbox import Outbox
from banyan.craft.notify.sender import Sender
from banyan.craft.notify.session import Account
from banyan.craft.notify.simulator import Simulator
from banyan.craft.notify.wording import Rules
from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import close_drawer, open_drawer
from banyan.lawful import Lawful
from banyan.settings import Settings, SmsBind
from banyan.sms_control import listening
from banyan.wire.smpp.codes import Command
from banyan.wire.smpp.text import Coding

FOLDER: Final = "sms"
AGAIN_S: Final = 5.0
"""Before the sender is begun again after a fault of the store: a full disk is not full for ever."""
SWEEP_S: Final = 3600.0
KINDS: Final = {
    "transceiver": Command.BIND_TRANSCEIVER,
    "transmitter": Command.BIND_TRANSMITTER,
    "receiver": Command.BIND_RECEIVER,
}
DEMO_RATE: Final = 200.0
Log = Callable[[str, Mapping[str, str | int | float]], None]


class Notices(msgspec.Struct, frozen=True):
    """What the node sends by. `simulator` is there in the demonstration."""

    outbox: Outbox
    sender: Sender
    simulator: Simulator | None = None

    @property
    def figures(self) -> list[Figures]:
        return self.sender.figures


@asynccontextmanager
async def open_notices(
    data: Path, node: Settings, lawful: Lawful, scopes: Scopes, *, clock: Clock, log: Log, is_demo: bool
) -> AsyncIterator[Notices | None]:
    """Send while this is open; None on a node without SMS. Raises Invalid for a bind that is not complete."""
    settings = node.sms
    if not settings.enabled and not is_demo:
        yield None
        return
    binds, simulator = [bind_of(one) for one in settings.binds], None
    if not settings.enabled:
        password = token_hex(4)
        simulator = Simulator({"banyan": password}, clock=clock)
        account = Account("127.0.0.1", await simulator.start(), "banyan", password)
        binds = [BindSettings(name="simulator", account=account, rate=DEMO_RATE, window=100)]
    (data / FOLDER).mkdir(mode=0o700, exist_ok=True)
    drawer = open_drawer(
        data / FOLDER, service=FOLDER, package="banyan.craft.notify", clock=clock, store=node.storage.engine
    )
    try:
        rules = Rules(settings.senders, settings.link_domains, settings.most_parts)
        own = lawful.conscience.subject("sms/quiet")  # a key out of the one that names persons
        outbox = Outbox(drawer.sql, scopes, node_key=own, clock=clock, random=token_bytes, rules=rules)
        await outbox.open()
        sender = Sender(outbox, binds, jitter=random.random)
        tasks = [asyncio.create_task(one) for one in (_send(sender, log), _forget(outbox, log))]
        try:
            async with listening(data / FOLDER, outbox, lambda: sender.figures):
                yield Notices(outbox, sender, simulator)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await close_drawer(drawer)
        if simulator is not None:
            await simulator.stop()


async def start_notices(
    stack: AsyncExitStack,
    data: Path,
    node: Settings,
    lawful: Lawful,
    scopes: Scopes,
    *,
    clock: Clock,
    log: Log,
    is_demo: bool,
) -> Notices | None:
    """`open_notices`, ended with the stack."""
    return await stack.enter_async_context(
        open_notices(data, node, lawful, scopes, clock=clock, log=log, is_demo=is_demo)
    )


def bind_of(bind: SmsBind) -> BindSettings:
    """A bind with its password. Raises Invalid naming what is missing."""
    account = Account(bind.host, bind.port, bind.system_id, password_of(bind), bind.system_type, KINDS[bind.kind])
    return BindSettings(
        name=bind.name,
        account=account,
        smsc=bind.smsc,
        rate=bind.rate,
        window=bind.window,
        alphabet=Coding(bind.alphabet),
        can_query=bind.can_query,
        country=bind.country,
    )


def password_of(bind: SmsBind) -> str:
    """From BANYAN_SMS_<NAME>, or from a file that nobody else may read."""
    where = f"sms.binds {bind.name}"
    name = f"BANYAN_SMS_{bind.name.upper()}"
    found = os.environ.get(name, "")
    if found or not bind.password_file:
        if not found:
            raise Invalid(f"{where}: {name} is not set", remedy="Set it, or name a password_file.")
        return found
    path = Path(bind.password_file)
    try:
        if path.stat().st_mode & 0o077:
            raise Invalid(f"{where}: others may read {path}", remedy=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            f"{where}: {path} cannot be read", remedy="Put the bind's password there, in one line."
        ) from error


async def _send(sender: Sender, log: Log) -> None:
    """The worker loop: a fault is recorded and sending begins again."""
    while True:
        try:
            await sender.run()
        except Exception as error:  # the worker loop: what failed is told by its kind, never by what it held
            log("sms.sender_failed", {"kind": type(error).__name__})
        await asyncio.sleep(AGAIN_S)


async def _forget(outbox: Outbox, log: Log) -> None:
    """Destroy the keys of campaigns whose term is over, at the start and every hour."""
    while True:
        count = await outbox.forget_old()
        if count:
            log("sms.campaigns_forgotten", {"count": count})
        await asyncio.sleep(SWEEP_S)
