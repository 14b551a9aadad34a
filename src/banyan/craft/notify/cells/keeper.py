"""The centre's memory: its journal and the state that is folded from it. What was kept survives kill -9."""

from __future__ import annotations

import asyncio
from pathlib import Path

from banyan.craft.notify.cells.state import DECODER, ENCODER, Air, Event
from banyan.kernel.storage.journal import Journal
from banyan.limits_alerts import CBC_EVENTS


class Keeper:
    """`air` is what the journal in `folder` says. Only one centre opens it."""

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder)
        snapshot = self._journal.latest_snapshot()
        self.air = Air.load(snapshot[1]) if snapshot is not None else Air()
        seq = snapshot[0] if snapshot is not None else 0
        self._snapshot_seq = seq
        for _, event in self._journal.replay(seq):
            self.air.apply(DECODER.decode(event))
        self._seq = self._journal.last_seq
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def keep(self, *events: Event, now: float) -> None:
        """Write events, then fold them. They are on disk when this returns. Raises Limit, Unavailable (the disk).

        A caller that is cancelled meanwhile leaves nothing half done: what is on disk is folded.
        """
        task = asyncio.create_task(self._keep(events, now))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Finish what is being written, then close the journal."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._journal.close()

    async def _keep(self, events: tuple[Event, ...], now: float) -> None:
        async with self._turn:
            for event in events:
                self._seq = await self._journal.append(ENCODER.encode(event))
                self.air.apply(event)
            if self._seq - self._snapshot_seq >= CBC_EVENTS:
                self.air.forget_oldest(now)
                state = self.air.dump()
                await asyncio.to_thread(self._journal.snapshot, self._seq, state)
                self._snapshot_seq = self._seq
                await asyncio.to_thread(self._journal.prune)
