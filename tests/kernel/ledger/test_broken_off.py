"""A growth of the tree that is broken off, by a cancellation or a full disk, leaves the log as if it had not begun."""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest
from tests.kernel.ledger.conftest import OpenLedger

from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.log import Ledger
from banyan.wire.tlog.merkle import leaf_hash, node_hash, root_of
from banyan.wire.tlog.tiles import Tile

NOW = 1_790_000_000


async def many(ledger: Ledger, first: int, end: int) -> None:
    await asyncio.gather(*(ledger.append(act_entry("act", number=number)) for number in range(first, end)))


async def assert_whole(ledger: Ledger, size: int) -> None:
    """The root is that of the entries, each once and in order."""
    entries = [await ledger.entry(index) for index in range(size)]
    assert len(set(entries)) == size
    levels = [[leaf_hash(one) for one in entries]]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([node_hash(a, b) for a, b in zip(row[::2], row[1::2], strict=False)])
    root = root_of(size, lambda level, index: levels[level][index])
    assert (await ledger.tree()).root() == root


def test_cancelled_while_its_thread_writes_tiles(open_ledger: OpenLedger) -> None:
    """As when a node stops: the last publishing began beside the thread of the one before."""

    async def run() -> None:
        ledger, inside, go = open_ledger(), threading.Event(), threading.Event()
        await many(ledger, 0, 700)
        tree = await ledger.tree()
        write = tree._write

        def slow(tile: Tile, data: bytes) -> None:
            inside.set()
            assert go.wait(30)
            write(tile, data)

        tree._write = slow  # type: ignore[method-assign]
        first = asyncio.ensure_future(ledger.publish(NOW))
        await asyncio.to_thread(inside.wait, 30)
        first.cancel()
        second = asyncio.ensure_future(ledger.publish(NOW))
        await asyncio.sleep(0)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        checkpoint = await second
        assert checkpoint is not None
        assert checkpoint.size == 700
        await assert_whole(ledger, 700)

    asyncio.run(run())


@pytest.mark.parametrize("fails_at", range(6))
def test_a_full_disk_in_the_middle(open_ledger: OpenLedger, fails_at: int) -> None:
    async def run() -> None:
        ledger = open_ledger()
        await many(ledger, 0, 300)
        await ledger.publish(NOW)
        await many(ledger, 300, 1_000)
        tree = await ledger.tree()
        writes, write = itertools.count(), tree._write

        def failing(tile: Tile, data: bytes) -> None:
            if next(writes) == fails_at:
                raise OSError(28, "No space left on device")
            write(tile, data)

        tree._write = failing  # type: ignore[method-assign]
        with pytest.raises(OSError, match="No space"):
            await ledger.publish(NOW)
        checkpoint = await ledger.publish(NOW)
        assert checkpoint is not None
        assert checkpoint.size == 1_000
        await assert_whole(ledger, 1_000)

    asyncio.run(run())
