"""Giving messages to the binds and writing down what became of them: each step durable before the next.

A message is claimed (SENDING, flushed) before its first octet leaves, and its answer is flushed before its place in the
window is given on. So after kill -9 at most the windows' messages are in doubt: SMPP cannot tell whether the SMSC took
them, for an id comes only with the answer. They wait a while for a receipt that names our reference, then go again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from banyan.craft.notify.lanes import Lanes
from banyan.craft.notify.model import Lane, State
from banyan.craft.notify.outbox import Outbox
from banyan.craft.notify.steps import REFERENCES, Claimed, Done, Heard, Row, claim, record, release
from banyan.kernel.storage.statements import load_statements
from banyan.limits_alerts import NOTIFY_CLAIM, NOTIFY_DOUBT_S

SQL: Final = load_statements("banyan.craft.notify", "sending.sql")
OUTBOX: Final = load_statements("banyan.craft.notify", "outbox.sql")
PRESSING: Final = (Lane.FENCE, Lane.ALERT)
"""Lanes whose doubtful messages go again at once: told twice is better than told late."""
TEXTS: Final = 1_000
"""Texts kept opened."""


class _InFlight(msgspec.Struct, frozen=True, array_like=True):
    id: int
    campaign: int
    number: bytes
    lane: Lane


class _Doubt(msgspec.Struct, frozen=True):
    campaign: int
    number: bytes
    until: float


class Dispatch:
    """One for all binds of a node."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self._store, self._book = outbox.store, outbox.book
        self._lanes = Lanes()
        self._texts: dict[int, str] = {}
        self._doubts: dict[int, _Doubt] = {}
        self._early = 0

    async def restore(self) -> int:
        """Look at what was in flight when the process last ended; how many are in doubt."""
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["sending"]))
        for one in msgspec.convert(rows, list[_InFlight], strict=False):
            self._doubts[one.id] = _Doubt(one.campaign, one.number, self._until(one.lane))
        counted = await self._store.read_long(lambda tx: tx.row(SQL["count_early"]))
        self._early = int(str(counted[0])) if counted else 0
        return len(rows)

    def is_stopped(self, campaign: int) -> bool:
        return self._book.is_stopped(campaign)

    def is_empty(self) -> bool:
        """Nothing may be sent now. Clears the event that says there is."""
        if self._book.waiting():
            return False
        self._book.more.clear()
        return True

    async def wait(self) -> None:
        """Until there may be something to send."""
        await self._book.more.wait()

    async def claim(self, most: int) -> list[Claimed]:
        """The next messages, durably claimed, those of pressing lanes first. Late ones are expired on the way."""
        plan = self._plan(min(most, NOTIFY_CLAIM))
        if not plan:
            return []
        now, changes = self.outbox.clock(), self.outbox.changes
        for campaign, count in plan:
            self._book.add(campaign, -count)
        rows = await self._store.write(lambda tx: claim(tx, plan, now, changes))
        found: list[Claimed] = []
        for campaign, some in rows.items():
            found += await self._opened(campaign, some)
        return sorted(found, key=lambda one: (one.lane, one.id))

    async def record(self, done: Sequence[Done], heard: Sequence[Heard] = ()) -> None:
        """Write down answers and receipts, durably. A receipt of an id that is not known yet waits for it."""
        if not done and not heard:
            return
        now, changes = self.outbox.clock(), self.outbox.changes
        has_early = self._early > 0
        noted = await self._store.write(lambda tx: record(tx, done, heard, now, changes, has_early=has_early))
        self._early = max(0, self._early + noted.early)
        for id in noted.settled:
            self._doubts.pop(id, None)
        for one in done:
            if one.state == State.WAITING:
                self._book.add(one.message.campaign, 1)
            elif one.state == State.SENDING:
                await self._doubt(one.message)

    async def release(self) -> int:
        """Let messages whose doubt is over go again; how many."""
        now, changes = self.outbox.clock(), self.outbox.changes
        over = [id for id, doubt in self._doubts.items() if doubt.until <= now]
        if not over:
            return 0
        found = await self._store.write(lambda tx: release(tx, over, now, changes))
        for id in over:
            doubt = self._doubts.pop(id, None)
            if id in found and doubt is not None:  # else a receipt ended the doubt while this was written
                self._book.add(doubt.campaign, 1)
        return len(found)

    def doubtful(self) -> int:
        """How many messages are in doubt."""
        return len(self._doubts)

    async def of_reference(self, reference: int | None, number: str) -> int:
        """The doubtful message that a receipt's reference and number tell of; 0 for none."""
        if reference is None or not number:
            return 0
        for id, doubt in self._doubts.items():
            if id % REFERENCES == reference:
                seals = await self._book.seals_of(doubt.campaign)
                if seals is not None and seals.numbers([number]) == [doubt.number]:
                    return id
        return 0

    async def overdue(self, before: float, most: int) -> list[tuple[str, str, str]]:
        """(SMSC, its id, our sender) of pressing messages that were taken before a moment and not heard of since: the
        SMSC can be asked."""
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["overdue"], before=before, most=most))
        return [(str(smsc), str(id), str(sender)) for smsc, id, sender in rows]

    async def _doubt(self, message: Claimed) -> None:
        seals = await self._book.seals_of(message.campaign)
        if seals is not None:
            number = seals.numbers([message.to])[0]
            self._doubts[message.id] = _Doubt(message.campaign, number, self._until(message.lane))

    def _until(self, lane: Lane) -> float:
        return self.outbox.clock() + (0.0 if lane in PRESSING else NOTIFY_DOUBT_S)

    def _plan(self, most: int) -> list[tuple[int, int]]:
        """(campaign, how many), each campaign of a lane alike."""
        live = self._book.waiting()
        waiting: dict[Lane, int] = {}
        for one in live:
            waiting[one.lane] = waiting.get(one.lane, 0) + one.waiting
        plan: list[tuple[int, int]] = []
        for lane, share in self._lanes.share(waiting, most).items():
            mine, left = sorted((one for one in live if one.lane == lane), key=lambda one: one.waiting), share
            for at, one in enumerate(mine):
                part = min(one.waiting, -(-left // (len(mine) - at)))
                left -= part
                if part:
                    plan.append((one.id, part))
        return plan

    async def _opened(self, campaign: int, rows: Sequence[Row]) -> list[Claimed]:
        live, seals = self._book.known(campaign), await self._book.seals_of(campaign)
        if live is None or seals is None:
            return []  # forgotten meanwhile: nobody can be told any more
        for id in {row.wording for row in rows} - self._texts.keys():
            if len(self._texts) >= TEXTS:
                self._texts.clear()
            self._texts[id] = seals.open(await self._wording(id))
        numbers = seals.opened([row.number for row in rows])
        lane, sender, texts = live.lane, live.sender, self._texts
        return [
            Claimed(row.id, campaign, lane, sender, to, texts[row.wording], row.expires, row.tries + 1)
            for to, row in zip(numbers, rows, strict=True)
        ]

    async def _wording(self, id: int) -> bytes:
        row = await self._store.read(lambda tx: tx.row(OUTBOX["wording"], id=id))
        assert row is not None, "a message has its text"
        assert isinstance(row[0], bytes | memoryview), "a text is sealed"
        return bytes(row[0])
