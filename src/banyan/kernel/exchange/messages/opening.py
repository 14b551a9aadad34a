"""Opening a gateway's message log: its drawer, journal, keys and tiles, brought up to what is durable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.messages.archive import Messages
from banyan.kernel.exchange.messages.bodies import BodyFiles
from banyan.kernel.exchange.messages.daykeys import DayKeys, Random
from banyan.kernel.exchange.messages.index import Index
from banyan.kernel.exchange.messages.log import Log
from banyan.kernel.exchange.messages.published import Published
from banyan.kernel.ledger.keys import LedgerKeys, load_keys
from banyan.kernel.storage import Store, close_drawer, open_drawer
from banyan.kernel.storage.journal import Journal
from banyan.limits_road import MESSAGES_RETENTION_S, MESSAGES_SEGMENT_BYTES
from banyan.wire.xroad.identifiers import ClientId

PACKAGE: Final = "banyan.kernel.exchange.messages"


class Opened(msgspec.Struct, frozen=True):
    """A log, the store beside it (witness and monitoring keep theirs there), and the log's own keys."""

    messages: Messages
    store: Store
    keys: LedgerKeys


@asynccontextmanager
async def open_messages(
    folder: Path,
    *,
    origin: str,
    members: Sequence[ClientId],
    clock: Clock,
    random: Random,
    engine: str = "sqlite",
    day_keys: Path | None = None,
    retention_s: float = MESSAGES_RETENTION_S,
    segment_bytes: int = MESSAGES_SEGMENT_BYTES,
) -> AsyncIterator[Opened]:
    """The log in `folder`, of the gateway that logs as `origin` for `members`. `day_keys`: where the keys stand that
    are destroyed when due; a backup of `folder` must not hold them, so by default they stand beside it."""
    async with AsyncExitStack() as stack:
        drawer = open_drawer(
            folder, service="messages", package=PACKAGE, clock=clock, store=engine, also=("banyan.kernel.ledger",)
        )
        stack.push_async_callback(close_drawer, drawer)
        keys = load_keys(folder / "keys", origin, random=random)
        sealing = DayKeys(day_keys or folder.with_name(f"{folder.name}-keys"), random=random)
        files = BodyFiles(folder / "bodies", random=random)
        journal = Journal(folder / "exchanges", segment_bytes=segment_bytes)
        log = Log(journal, sealing, files, clock=clock, random=random, retention_s=retention_s)
        stack.push_async_callback(log.close)
        index, published = Index(drawer.sql), Published(folder / "log", keys)
        await log.recover(index, published.tree.size, published.grow)
        messages = Messages(log, index, published, clock=clock)
        await messages.keep_for(members)
        yield Opened(messages, drawer.sql, keys)


def origin_of(server: Sequence[str]) -> str:
    """The origin of a gateway's log: `tw.gov.nhi.gw1/road` of TW/GOV/NHI/gw1. A name in a note has no space and no
    plus, and no slash in a part here, so other characters are percent-encoded."""
    return ".".join(map(_part, server)) + "/road"


def _part(text: str) -> str:
    kept = "abcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(one if one in kept else "".join(f"%{octet:02x}" for octet in one.encode()) for one in text.lower())
