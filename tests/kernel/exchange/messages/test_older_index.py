"""A log that an older version left, with a row for each exchange: its index is made again from the journal, once."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path

from tests.kernel.exchange.messages.house import HOSPITAL, NOW, Clock, Held, a_log, exchanged, keep_all

from banyan.kernel.exchange.messages.daykeys import day_of
from banyan.kernel.exchange.messages.index import Sought
from banyan.kernel.exchange.messages.opening import PACKAGE, Opened
from banyan.kernel.exchange.messages.record import named
from banyan.kernel.storage.sqlite import SqliteStore


def as_it_was(path: Path) -> None:
    """The tables before migration 3, with a frame and an exchange in them."""
    start = files(PACKAGE).joinpath("migrations/0001_start.sql").read_text(encoding="utf-8")
    store = SqliteStore(path)
    store.migrate(
        lambda tx: tx.script(
            "drop table stretch_names; drop table stretch; drop table id_run; " + start.partition("-- How many")[0]
        )
    )
    store.migrate(
        lambda tx: tx.script(
            "insert into frame values (1, 0, 1, 1.0, 20000);"
            "insert into exchange values (1, 1, 'x', 'm', 'client', 'c', 's', 1.0, 200, 20000, 0);"
            "delete from migration where service = 'messages' and n >= 3"
        )
    )
    store.shut()


def without_names(path: Path) -> None:
    """The tables before migration 4."""
    store = SqliteStore(path)
    undone = "drop table stretch_names; delete from migration where service = 'messages' and n = 4"
    store.migrate(lambda tx: tx.script(undone))
    store.shut()


async def publish_each(opened: Opened, numbers: range) -> None:
    for number in numbers:
        await keep_all(opened, range(number, number + 1))
        await opened.messages.publish()


def test_an_index_without_names_is_read_as_it_was_and_grows_on(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    sought = Sought(client=named(exchanged(1).client), most=100)

    async def story() -> None:
        async with a_log(folder) as opened:
            await publish_each(opened, range(30))
            kept = await opened.messages.search(sought)
            assert len(kept) == 30
        without_names(folder / "records.db")
        async with a_log(folder) as opened:
            assert await opened.messages.search(sought) == kept
            await publish_each(opened, range(30, 60))
            assert len(await opened.messages.search(sought)) == 60

    asyncio.run(story())


def test_what_was_kept_is_found_and_counted_once_and_what_was_destroyed_stays_so(tmp_path: Path) -> None:
    folder, clock, day = tmp_path / "log", Clock(), 86_400

    async def story() -> None:
        async with a_log(folder, clock=clock, retention_s=day * 2) as opened:
            await keep_all(opened, range(1, 30), keep_bodies_s=day * 1, request_body=Held(b"once"))
            await keep_all(opened, range(30, 50), at=NOW + day * 3)
            await opened.messages.publish()
            clock.now = NOW + day * 4
            assert len(await opened.messages.destroy_due()) == 2, "the bodies' day and the records'"
            kept = await opened.messages.search(Sought(most=100))
            due = day_of(NOW + day * 5)
            told, size = await opened.messages.index.due(due), await opened.messages.index.end()
            assert told == (20, 0)
            assert len(kept) == 20
        as_it_was(folder / "records.db")
        for _ in range(2):
            async with a_log(folder, clock=clock, retention_s=day * 2) as opened:
                assert await opened.messages.search(Sought(most=100)) == kept
                assert await opened.messages.index.due(due) == told
                assert await opened.messages.index.end() == size
                assert await opened.messages.find("TW-7", HOSPITAL, 5) == []
                (found,) = await opened.messages.find("TW-40", HOSPITAL, 5)
                assert (found.xid, found.at) == (exchanged(40).xid, NOW + day * 3)
                checkpoint = await opened.messages.publish()
                assert checkpoint is None, "the tree is the one that was signed"

    asyncio.run(story())
