"""A process to be killed: it writes as fast as it can and prints each acknowledgement as soon as it has it.

    python tests/faults/victim.py journal|store|board|rations FOLDER

An acknowledgement is one line, `SEQ NAME`, written to the pipe in one piece: what was written there was said.
"""

from __future__ import annotations

import asyncio
import os
import sys
import zlib
from pathlib import Path

WRITERS = 64
SEGMENT_BYTES = 40_000
SNAPSHOT_EVERY = 300


def acknowledge(seq: int, name: str) -> None:
    os.write(sys.stdout.fileno(), f"{seq} {name}\n".encode())


def payload(name: str) -> bytes:
    """Bytes of changing length that only this name has."""
    return name.encode() * (1 + zlib.crc32(name.encode()) % 40)


async def append_for_ever(folder: Path) -> None:
    from banyan.kernel.storage.journal import Journal

    journal = Journal(folder, segment_bytes=SEGMENT_BYTES)
    state = _State(journal.latest_snapshot())
    for seq, content in journal.replay(state.seq):
        state.add(seq, content)
    start = journal.last_seq

    async def writer(number: int) -> None:
        for n in range(1_000_000):
            name = f"{start}-{number}-{n}"
            seq = await journal.append(payload(name))
            acknowledge(seq, name)
            state.add(seq, payload(name))
            if state.seq % SNAPSHOT_EVERY == 0:
                journal.snapshot(state.seq, state.encoded())
                journal.prune()

    await asyncio.gather(*map(writer, range(WRITERS)))


class _State:
    """What a state machine would hold: here the running checksum of all events up to `seq`."""

    def __init__(self, snapshot: tuple[int, bytes] | None) -> None:
        self.seq, encoded = snapshot or (0, b"0")
        self.checksum = int(encoded)
        self._ahead: dict[int, bytes] = {}

    def add(self, seq: int, content: bytes) -> None:
        self._ahead[seq] = content
        while (content := self._ahead.pop(self.seq + 1, b"")) != b"":
            self.seq += 1
            self.checksum = zlib.crc32(content, self.checksum)

    def encoded(self) -> bytes:
        return str(self.checksum).encode()


async def store_for_ever(folder: Path) -> None:
    import msgspec
    from tests.faults.sales import SQL

    from banyan.kernel.events import EpochS, Event, feed
    from banyan.kernel.storage.sqlite import SqliteStore
    from banyan.kernel.storage.store import Tx

    store = SqliteStore(folder / "records.db")
    start = await store.read(feed.newest)

    async def writer(number: int) -> None:
        for n in range(1_000_000):
            name = f"{start}-{number}-{n}"

            def sell(tx: Tx, name: str = name, is_refused: bool = n % 10 == 9) -> int:
                tx.run(SQL["sell"], name=name)
                if is_refused:
                    raise ValueError("a refusal of the service, undone alone")
                return feed.append(tx, Event("sale", name, msgspec.Raw(b"{}"), EpochS(0)))

            try:
                acknowledge(await store.write(sell), name)
            except ValueError:
                continue

    await asyncio.gather(*map(writer, range(WRITERS)))


async def keep_board_for_ever(folder: Path) -> None:
    """Event n is the same in every run, so that whatever is found can be made again."""
    from tests.faults.looks import event_of

    from banyan.kernel.storage.journal import Journal
    from banyan.service.supplies.keeping import Kept

    kept = Kept(Journal(folder, segment_bytes=SEGMENT_BYTES), every=SNAPSHOT_EVERY // 6)
    kept.rebuild()
    for seq in range(kept.board.seq + 1, 1_000_000):
        change = await kept.commit(event_of(seq))
        acknowledge(change.seq, f"look-{seq}")


async def sell_for_ever(folder: Path) -> None:
    """From the command whose number stands in the folder's `start`; what is refused is not acknowledged."""
    from tests.faults.rations import BOOK, NOW, command

    from banyan.kernel.storage.journal import Journal
    from banyan.service.rationing.engine.journalled import JournalEngine
    from banyan.service.rationing.engine.model import Receipt

    journal = Journal(folder / "journal", segment_bytes=SEGMENT_BYTES)
    engine = JournalEngine(journal, lambda: NOW, book=BOOK, every=SNAPSHOT_EVERY)
    start = int((folder / "start").read_text())

    async def writer(number: int) -> None:
        for n in range(start + number, start + 10_000_000, WRITERS):
            answer = await engine.do(command(n))
            if isinstance(answer, Receipt):
                acknowledge(answer.seq, str(n))
            else:
                await asyncio.sleep(0)

    await asyncio.gather(*map(writer, range(WRITERS)))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    write = {
        "journal": append_for_ever,
        "store": store_for_ever,
        "board": keep_board_for_ever,
        "rations": sell_for_ever,
    }[sys.argv[1]]
    asyncio.run(write(Path(sys.argv[2])))
