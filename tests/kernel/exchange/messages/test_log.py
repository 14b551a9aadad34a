"""Keeping, publishing, finding and proving; what a restart, a lost index and a lost checkpoint leave."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import threading
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.messages.house import (
    ASKER,
    BORDER,
    HOSPITAL,
    NOW,
    Clock,
    Held,
    a_log,
    exchanged,
    keep_all,
)

from banyan.errors import Limit, Problem
from banyan.kernel.exchange.messages.index import Sought
from banyan.kernel.exchange.messages.reading import Trust, read_log
from banyan.kernel.exchange.messages.reading import folder as read_folder
from banyan.kernel.exchange.messages.record import read_entry, read_record
from banyan.kernel.ledger.receipts import prove
from banyan.limits_road import MESSAGES_WAITING
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import Unproven
from banyan.wire.tlog.tiles import Tile


def test_what_is_kept_is_found_and_proven(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            messages, logs = opened.messages, [verifier_of(one) for one in opened.keys.vkeys]
            await keep_all(opened, range(1, 301))
            (early,) = await messages.find("TW-7", HOSPITAL, 10)
            assert early.receipt == b"", "no checkpoint covers it yet"
            checkpoint = await messages.publish()
            assert checkpoint is not None
            assert (checkpoint.origin, checkpoint.size) == (ASKER, 301)
            assert await messages.publish() is None
            assert [value for _, _, value in messages.figures()] == [301.0, 301.0, 0.0]
            (found,) = await messages.find("TW-7", HOSPITAL, 10)
            given = exchanged(7)
            assert (found.request, found.answer) == (given.request, given.answer)
            assert (found.client, found.service, found.xid) == (HOSPITAL, BORDER, given.xid)
            proven = prove(found.receipt, logs=logs)
            assert proven.record["purpose"] == "epidemic-control"
            assert proven.entry["xid"] == given.xid
            assert await messages.find("TW-7", msgspec.structs.replace(HOSPITAL, member="NIA"), 10) == []
            assert await messages.find("TW-7", BORDER.provider, 10) == [found]

    asyncio.run(story())


def test_a_receipt_with_any_byte_changed_proves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            logs = [verifier_of(one) for one in opened.keys.vkeys]
            await keep_all(opened, range(1, 6))
            found = await opened.messages.prove(exchanged(3).xid, "client")
            assert found is not None
            whole = found.receipt
            prove(whole, logs=logs)
            for place in range(0, len(whole), 7):
                torn = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
                with pytest.raises((BadNote, Unproven, ValueError)):
                    prove(torn, logs=logs)

    asyncio.run(story())


def test_an_entry_shows_no_service_path_purpose_user_or_status(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            await opened.messages.keep(exchanged(1))
            await opened.messages.publish()
            entry = opened.messages.published.entry(1)
            assert entry is not None
            said = read_entry(entry)
            assert (said.client, said.provider, said.role) == ("TW/GOV/NHI", "TW/GOV/NIA", "client")
            assert said.at == NOW // 60
            for hidden in (
                b"hospital",
                b"border",
                b"travel",
                b"epidemic",
                b"TW-1",
                b"officer",
                b"cdc/36",
                b"status",
                b"flag",
            ):
                assert hidden not in entry, hidden
            for path in (tmp_path / "log" / "log").rglob("*"):
                assert path.is_dir() or path.name == "members.json" or b"epidemic" not in path.read_bytes(), path
            everything = b"".join(path.read_bytes() for path in (tmp_path / "log/exchanges").iterdir())
            assert b"epidemic" not in everything, "records stand sealed in the journal"

    asyncio.run(story())


def test_two_entries_of_one_exchange_cannot_be_told_from_others_by_their_commitments(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            await asyncio.gather(*(opened.messages.keep(exchanged(1)) for _ in range(3)))
            await opened.messages.publish()
            entries = [opened.messages.published.entry(index) for index in (1, 2, 3)]
            assert len({read_entry(entry).commitment for entry in entries if entry}) == 3

    asyncio.run(story())


@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 131_072, 200_003])
def test_bodies_are_kept_sealed_as_long_as_said(tmp_path: Path, size: int) -> None:
    body = b"salt and pepper." * (size // 16) + b"." * (size % 16)

    async def story() -> None:
        clock = Clock()
        async with a_log(tmp_path / "log", clock=clock) as opened:
            await opened.messages.keep(exchanged(1, request_body=Held(body), keep_bodies_s=86_400 * 30))
            await opened.messages.keep(exchanged(2, request_body=Held(body)))
            (found,) = await opened.messages.find("TW-1", HOSPITAL, 1)
            assert found.request_body is not None
            assert found.request_body.size == size
            assert found.request_body.whole(size) == body
            assert b"".join([piece async for piece in found.request_body.chunks()]) == body
            assert found.answer_body is None
            (other,) = await opened.messages.find("TW-2", HOSPITAL, 1)
            assert other.request_body is None
            kept = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
            assert b"salt and pepper." not in kept

    asyncio.run(story())


def test_a_body_cut_or_swapped_is_noticed(tmp_path: Path) -> None:
    body = os.urandom(200_000)

    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            await opened.messages.keep(exchanged(1, request_body=Held(body), keep_bodies_s=86_400))
            (found,) = await opened.messages.find("TW-1", HOSPITAL, 1)
            assert found.request_body is not None
            (path,) = (path for path in (tmp_path / "log/bodies").rglob("*") if path.is_file())
            whole = path.read_bytes()
            step = 65_536 + 16
            for damaged in (
                whole[: 7 + step],
                whole[:7] + whole[7 + step :],
                whole[:-1],
                whole[:-1] + bytes([whole[-1] ^ 1]),
            ):
                path.write_bytes(damaged)
                with pytest.raises(ValueError, match="changed"):
                    found.request_body.whole(len(body))
            path.write_bytes(whole)
            assert found.request_body.whole(len(body)) == body

    asyncio.run(story())


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "log"

    async def some(numbers: range, publish: bool) -> None:
        async with a_log(folder) as opened:
            await keep_all(opened, numbers)
            if publish:
                await opened.messages.publish()

    async def story() -> None:
        await some(range(1, 301), publish=True)
        await some(range(301, 602), publish=False)  # neither indexed nor tiled
        async with a_log(folder) as opened:
            checkpoint = await opened.messages.publish()
            assert checkpoint is not None
            assert checkpoint.size == 602
            for number in (1, 300, 301, 601):
                assert len(await opened.messages.find(f"TW-{number}", HOSPITAL, 5)) == 1
            assert opened.messages.published.tree.root(301) != checkpoint.root

    asyncio.run(story())


def test_index_and_tiles_are_made_again_from_the_journal(tmp_path: Path) -> None:
    folder = tmp_path / "log"

    async def story() -> None:
        async with a_log(folder) as opened:
            await keep_all(opened, range(1, 700))
            first = await opened.messages.publish()
        for path in folder.glob("records.db*"):
            path.unlink()
        async with a_log(folder) as opened:
            assert len(await opened.messages.find("TW-500", HOSPITAL, 5)) == 1
            assert await opened.messages.publish() is None
        shutil.rmtree(folder / "log")
        async with a_log(folder) as opened:
            again = await opened.messages.publish()
            assert first is not None
            assert again is not None
            assert opened.messages.published.tree.root(first.size) == first.root
            assert again.size == first.size + 1, "who it is for was said again, for that note was lost too"

    asyncio.run(story())


def test_a_lost_journal_is_refused_not_forked(tmp_path: Path) -> None:
    folder = tmp_path / "log"

    async def story() -> None:
        async with a_log(folder) as opened:
            await keep_all(opened, range(1, 10))
            await opened.messages.publish()
        shutil.rmtree(folder / "exchanges")
        for path in folder.glob("records.db*"):
            path.unlink()
        with pytest.raises(Problem, match="the tree has 10 entries"):
            async with a_log(folder):
                pass

    asyncio.run(story())


def test_only_the_newest_partial_tiles_stay(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            for start in range(1, 600, 13):
                await keep_all(opened, range(start, start + 13))
                await opened.messages.publish()
            size = opened.messages.published.size
            assert size == 612
            partial = sorted(
                path.relative_to(tmp_path / "log/log").as_posix() for path in (tmp_path / "log/log").rglob("*.p/*")
            )
            assert partial == ["tile/0/002.p/100", "tile/1/000.p/2", "tile/entries/002.p/100"]
            for asked in ("tile/0/002.p/99", "tile/0/001.p/7", "tile/entries/000.p/200", "tile/0/001"):
                assert opened.messages.published.tile(asked) is not None, asked
            for not_there in ("tile/0/002.p/101", "tile/0/003.p/1", "tile/2/000.p/1", "checkpoint", "tile/0/2"):
                assert opened.messages.published.tile(not_there) is None

    asyncio.run(story())


def test_what_is_due_can_be_read_nowhere_afterwards_and_the_log_says_so(tmp_path: Path) -> None:
    """Keys of days that have passed are destroyed: records and bodies are unreadable in the log and in a copy of it
    made before; the leaves stay, and with them every proof that was given."""
    folder, clock = tmp_path / "log", Clock()

    async def story() -> None:
        async with a_log(folder, clock=clock, retention_s=86_400 * 2, segment_bytes=20_000) as opened:
            messages = opened.messages
            body = os.urandom(100_000)
            for number in range(1, 60):
                await messages.keep(exchanged(number, request_body=Held(body) if number < 3 else None, keep_bodies_s=1))
            await messages.keep(exchanged(60, request_body=Held(b"x" * 99), keep_bodies_s=86_400 * 9))
            await messages.publish()
            (found,) = await messages.find("TW-5", HOSPITAL, 1)
            root, size = messages.published.tree.root(), messages.published.size
            shutil.copytree(folder, tmp_path / "backup")
            assert await messages.destroy_due() == []
            clock.now = NOW + 86_400 * 1.5
            assert len(await messages.destroy_due()) == 1, "the bodies' day"
            (later,) = await messages.find("TW-1", HOSPITAL, 1)
            assert later.request_body is None
            assert later.request is not None
            assert not list((folder / "bodies").rglob("*/*"))
            clock.now = NOW + 86_400 * 4
            segments = len(list((folder / "exchanges").glob("*.segment")))
            assert len(await messages.destroy_due()) == 1
            assert await messages.find("TW-5", HOSPITAL, 1) == []
            (longer,) = await messages.find("TW-60", HOSPITAL, 1)
            assert longer.request_body is not None
            assert longer.request_body.whole(99) == b"x" * 99
            assert len(list((folder / "exchanges").glob("*.segment"))) <= segments
            await messages.publish()
            said = [read_entry_kind(messages.published.entry(index)) for index in range(size, messages.published.size)]
            assert said == ["deletion", "deletion"]
            assert messages.published.tree.root(size) == root
            prove(found.receipt, logs=[verifier_of(one) for one in opened.keys.vkeys])
            deletion = prove(
                await messages.entry_receipt(size + 1), logs=[verifier_of(one) for one in opened.keys.vkeys]
            )
            assert deletion.entry["records"] == 59
            assert await messages.destroy_due() == []
        async with a_log(tmp_path / "backup", clock=clock, day_keys=folder.with_name("log-keys")) as backup:
            assert await backup.messages.find("TW-5", HOSPITAL, 1) == []
        async with a_log(folder, clock=clock, retention_s=86_400 * 2) as opened:
            await opened.messages.keep(exchanged(61, at=clock.now))
            assert len(await opened.messages.find("TW-61", HOSPITAL, 1)) == 1

    asyncio.run(story())


def read_entry_kind(entry: bytes | None) -> str:
    assert entry is not None
    return str(msgspec.json.decode(entry)["kind"])


def test_search_by_client_service_and_day(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            await keep_all(opened, range(1, 50))
            other = msgspec.structs.replace(HOSPITAL, subsystem="pharmacy")
            await opened.messages.keep(exchanged(50, client=other, at=NOW + 86_400))
            search = opened.messages.search
            assert [one.xid for one in await search(Sought(client="TW/GOV/NHI/pharmacy"))] == [exchanged(50).xid]
            assert len(await search(Sought(service="TW/GOV/NIA/border/travel"))) == 50
            assert len(await search(Sought(since=NOW + 0.1, until=NOW + 0.2))) == 10
            newest = await search(Sought(most=3))
            assert [one.message_id for one in newest] == ["TW-50", "TW-49", "TW-48"]

    asyncio.run(story())


def test_the_nonces_of_the_last_window(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log", "provider") as opened:
            await opened.messages.keep(exchanged(0, "provider", at=NOW - 100))
            await opened.messages.keep(exchanged(0, "provider"))
            await opened.messages.keep(exchanged(0, "provider", request=None, answer=None, status=0))
            (seen,) = await opened.messages.recent(NOW - 60)
            assert (seen.keyid, seen.nonce, seen.created) == ("NHI/2026", "b3k2pp5k7z-50gnwp", NOW)
            assert len(await opened.messages.recent(NOW - 200)) == 2
            assert await opened.messages.recent(NOW + 60) == []

    asyncio.run(story())


def test_a_record_says_all_that_was_given(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            odd = exchanged(1, fault="Server.ServerProxy.AccessDenied", status=500, xid="a person's name?", answer=None)
            await opened.messages.keep(odd)
            await opened.messages.publish()
            (found,) = await opened.messages.find("TW-1", HOSPITAL, 1)
            logs = [verifier_of(one) for one in opened.keys.vkeys]
            proven = prove(found.receipt, logs=logs)
            record = read_record(msgspec.json.encode(proven.record))
            assert (record.fault, record.status, record.xid) == (odd.fault, 500, odd.xid)
            assert proven.entry["outcome"] == "faulted"
            assert str(proven.entry["xid"]).startswith("sha256:")
            assert "answer" not in proven.entry

    asyncio.run(story())


def test_a_publishing_that_is_cancelled_while_it_grows_leaves_a_whole_tree(tmp_path: Path) -> None:
    """Its thread went on beside the next publishing, and the tree had entries twice."""

    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            messages, inside, go = opened.messages, threading.Event(), threading.Event()
            await keep_all(opened, range(1, 700))
            write = messages.published.tree._write

            def slow(tile: Tile, data: bytes) -> None:
                inside.set()
                assert go.wait(30)
                write(tile, data)

            messages.published.tree._write = slow  # type: ignore[method-assign]
            first = asyncio.ensure_future(messages.publish())
            await asyncio.to_thread(inside.wait, 30)
            first.cancel()
            second = asyncio.ensure_future(messages.publish())
            await asyncio.sleep(0)
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await first
            checkpoint = await second
            assert checkpoint is not None
            assert checkpoint.size == 700
            assert_whole(tmp_path / "log", 700)

    asyncio.run(story())


@pytest.mark.parametrize("fails_at", range(6))
def test_a_disk_that_fills_up_while_the_tree_grows(tmp_path: Path, fails_at: int) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            messages = opened.messages
            await keep_all(opened, range(1, 300))
            await messages.publish()
            await keep_all(opened, range(300, 1_000))
            writes, write = itertools.count(), messages.published.tree._write

            def failing(tile: Tile, data: bytes) -> None:
                if next(writes) == fails_at:
                    raise OSError(28, "No space left on device")
                write(tile, data)

            messages.published.tree._write = failing  # type: ignore[method-assign]
            with pytest.raises(OSError, match="No space"):
                await messages.publish()
            await keep_all(opened, range(1_000, 1_010))
            checkpoint = await messages.publish()
            assert checkpoint is not None
            assert checkpoint.size == 1_010
            assert_whole(tmp_path / "log", 1_010)

    asyncio.run(story())


@pytest.mark.parametrize("is_here", [True, False])
def test_what_cannot_be_written_is_refused_and_leaves_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool
) -> None:
    """Whether the loop or a thread writes."""

    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            messages, journal = opened.messages, opened.messages.log.journal
            append, append_here = journal.append, journal.append_here
            full = iter((Limit("The disk is full.", status=507), OSError(5, "Input/output error")))

            def failing_here(payload: bytes) -> int:
                error = next(full, None)
                if error is not None:
                    raise error
                return append_here(payload)

            async def failing(payload: bytes) -> int:
                error = next(full, None)
                if error is not None:
                    raise error
                return await append(payload)

            monkeypatch.setattr(journal, "append", failing)
            monkeypatch.setattr(journal, "append_here", failing_here)
            monkeypatch.setattr(messages.log._flushing, "is_here", lambda: is_here)
            for number in (1, 2):
                told = await asyncio.gather(
                    *(messages.keep(exchanged(number * 10 + one)) for one in range(5)), return_exceptions=True
                )
                assert all(isinstance(one, Problem) for one in told), told
            assert next(full, None) is None
            await keep_all(opened, range(30, 35))
            await messages.publish()
            assert_whole(tmp_path / "log", 6)
            assert await messages.find("TW-11", HOSPITAL, 5) == []

    asyncio.run(story())


def test_more_than_may_wait_is_refused_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            told = await asyncio.gather(
                *(opened.messages.keep(exchanged(1)) for _ in range(MESSAGES_WAITING + 5)), return_exceptions=True
            )
            refused = [one for one in told if one is not None]
            assert len(refused) == 5
            assert all(isinstance(one, Limit) and one.status == 429 for one in refused)

    asyncio.run(story())


def test_one_who_gives_up_waiting_stops_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_log(tmp_path / "log") as opened:
            tasks = [asyncio.ensure_future(opened.messages.keep(exchanged(number))) for number in range(1, 9)]
            await asyncio.sleep(0)
            tasks[3].cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(one) for one in done if one is not None] == [asyncio.CancelledError]
            await opened.messages.publish()
            assert opened.messages.published.size == 9, "what was begun is kept"

    asyncio.run(story())


def assert_whole(folder: Path, size: int) -> None:
    """An outsider finds all exchanges once."""
    keys = [verifier_of(line) for line in (folder / "log/log.vkeys").read_text(encoding="ascii").splitlines()]
    log = read_log(read_folder(folder / "log"), keys, Trust(), now=NOW + 9)
    assert log.checkpoint.size == size
    xids = [entry.xid for entry in log.entries if entry.kind == "exchange"]
    assert len(set(xids)) == len(xids) == size - 1
