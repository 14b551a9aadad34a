"""What a gateway's message log is to the other parts: it keeps, publishes, finds, proves, and destroys what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.messages import frame as frames
from banyan.kernel.exchange.messages.bodies import KeptBody
from banyan.kernel.exchange.messages.daykeys import day_of, day_text, opened
from banyan.kernel.exchange.messages.frame import Frame
from banyan.kernel.exchange.messages.index import Index, Line, Sought
from banyan.kernel.exchange.messages.log import Log
from banyan.kernel.exchange.messages.nonces import Seen, seen_in
from banyan.kernel.exchange.messages.published import Published
from banyan.kernel.exchange.messages.record import (
    KIND,
    Record,
    client_of,
    deletion_entry,
    gateway_entry,
    named,
    read_entry,
    read_record,
    service_of,
    signed_of,
)
from banyan.kernel.exchange.road.edges.seams import Archived
from banyan.kernel.ledger.log import Cosign
from banyan.kernel.ledger.receipts import Kept as Proof
from banyan.kernel.storage.worker import to_the_end
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.xroad.identifiers import ClientId


class Messages:
    """One gateway's log: `MessageLog` of the road, `Archive` of its edges."""

    def __init__(self, log: Log, index: Index, published: Published, *, clock: Clock) -> None:
        self.log, self.index, self.published = log, index, published
        self.keep, self.put = log.keep, log.put
        self._clock = clock
        self._turn = asyncio.Lock()
        self._ungrown: list[bytes] = []
        self._is_torn = False

    async def keep_for(self, members: Sequence[ClientId]) -> None:
        """Say in the log whose exchanges it holds from here on, unless that was said last."""
        entry = gateway_entry(tuple(sorted(members)), self._clock())
        said = await asyncio.to_thread(self.published.members)
        if not said or read_entry(said).members != read_entry(entry).members:
            await self.log.say(entry)
            await asyncio.to_thread(self.published.note_members, entry)

    async def publish(self, cosign: Cosign | None = None) -> Checkpoint | None:
        """Index and tile what is durable and sign it; None when nothing is new. Repeatable, may be cut off anywhere."""
        async with self._turn:
            await self._grow()
            return await self.published.sign(int(self._clock()), cosign)

    async def cosign_again(self, cosign: Cosign) -> bool:
        """Ask for the cosignatures that the newest checkpoint lacks."""
        async with self._turn:
            return await self.published.cosign_again(cosign)

    async def find(self, message_id: str, client: ClientId, most: int) -> Sequence[Archived]:
        """`Archive.find`: the exchanges under this X-Road-Id in which `client` asked or answered, oldest first."""
        await self._settle()
        lines = await self.index.find(Sought(message_id=message_id, most=most))
        name = named(client)
        mine = [one for one in lines if name in (one.client, one.service.rpartition("/")[0])]
        return [found for line in mine if (found := await self.archived(line)) is not None]

    async def prove(self, xid: str, role: str) -> Archived | None:
        """`Archive.prove`: one of them once more, under a checkpoint made for it."""
        await self.publish()
        lines = await self.index.find(Sought(xid=xid))
        mine = next((line for line in lines if line.role == role), None)
        return None if mine is None else await self.archived(mine)

    async def search(self, sought: Sought) -> Sequence[Line]:
        """What the index knows."""
        await self._settle()
        return await self.index.find(sought)

    async def archived(self, line: Line) -> Archived | None:
        """An exchange with all that was kept of it; None when its record is due and gone."""
        frame = await asyncio.to_thread(self.log.frame_at, line.seq)
        place = line.idx - frame.first
        openings = frames.openings_of(frame, self.log.keys)
        if openings is None:
            return None
        entry, opening = frame.entries[place], openings[place]
        record = read_record(opening.record)
        receipt = await self._receipt(line.idx, Proof(entry, opening.salt, opening.record))
        return Archived(
            xid=record.xid,
            role=record.role,
            client=client_of(record),
            service=service_of(record),
            message_id=record.message_id,
            at=record.at,
            request=None if record.request is None else signed_of(record.request),
            answer=None if record.answer is None else signed_of(record.answer),
            request_body=self._body(frame, place, "request"),
            answer_body=self._body(frame, place, "answer"),
            entry=entry,
            salt=opening.salt,
            record=opening.record,
            receipt=receipt,
        )

    async def entry_receipt(self, index: int) -> bytes:
        """The receipt of a public entry; empty until a checkpoint covers it."""
        entry = await asyncio.to_thread(self.published.entry, index)
        return b"" if entry is None else await self._receipt(index, Proof(entry))

    async def recent(self, since: EpochS) -> Sequence[Seen]:
        """The nonces of requests that were answered since: what a gateway must know again at start."""
        await self._settle()
        seq = await self.index.frame_since(since)
        if seq is None:
            return []
        return await asyncio.to_thread(self._seen, seq, since)

    def figures(self) -> list[tuple[str, str, float]]:
        """For Prometheus: (name, help, value)."""
        published = self.published
        return [
            ("banyan_log_entries", "Entries of the message log that are durable.", float(self.log.size)),
            ("banyan_log_published", "Those under the newest checkpoint.", float(published.size)),
            ("banyan_log_waiting", "Exchanges that wait for the disk.", float(self.log.waiting)),
        ]

    async def destroy_due(self) -> list[str]:
        """Destroy the keys of the days that have passed and say so in the log; the days. Records and bodies sealed
        under them can be read nowhere from then on."""
        today = day_of(self._clock())
        days = self.log.keys.due(today)
        for day in days:
            await self._settle()
            records, bodies = await self.index.due(day)
            await asyncio.to_thread(self.log.keys.destroy, day)
            await asyncio.to_thread(self.log.files.drop_day, day)
            await self.log.say(deletion_entry(day_text(day), records, bodies))
            self.log.keys.told(day)
            await self._prune(day)
        return [day_text(day) for day in days]

    async def _prune(self, day: int) -> None:
        """Segments without a record that can still be read go, once their entries are in tiles."""
        async with self._turn:
            await self._grow()
            await self.published.sign(int(self._clock()))
            until = await self.index.forget(day)
            if until > 0:
                journal = self.log.journal
                await asyncio.to_thread(journal.snapshot, until, b"{}")
                await asyncio.to_thread(journal.prune)
                await self.index.drop_frames(journal.first_seq - 1)

    async def _settle(self) -> None:
        """Bring index and tree up to what is durable."""
        async with self._turn:
            await self._grow()

    async def _grow(self) -> None:
        """To the end, whoever is cancelled meanwhile: a thread that writes tiles cannot be stopped, and half of this
        done is a tree without some entries."""
        await to_the_end(self._grown())

    async def _grown(self) -> None:
        tail = self.log.take_tail()
        if tail:
            try:
                await self.index.add(tail)
            except BaseException:
                self.log.put_back(tail)
                raise
            self._ungrown += [entry for one in tail for entry in one.frame.entries]
        if self._is_torn:
            await asyncio.to_thread(self.published.reopen)
            self._ungrown = []
            await self.log.regrow(self.index, self.published.tree.size, self.published.grow)
            self._is_torn = False
        elif self._ungrown:
            entries, self._ungrown, self._is_torn = self._ungrown, [], True
            await asyncio.to_thread(self.published.grow, entries)
            self._is_torn = False

    async def _receipt(self, index: int, proof: Proof) -> bytes:
        receipt = await asyncio.to_thread(self.published.receipt, index, msgspec.json.encode(proof))
        return b"" if receipt is None else receipt.encode()

    def _body(self, frame: Frame, place: int, part: str) -> KeptBody | None:
        """None when it was not kept, or is due and gone."""
        kept = next((one for one in frame.bodies if one.place == place and one.part == part), None)
        key = None if kept is None else self.log.keys.key(kept.day)
        if kept is None or key is None:
            return None
        about = frames.about_body(frame.entries[place], part)
        if kept.file:
            return KeptBody(kept.size, partial(self.log.files.read, kept.file, key, about))
        return KeptBody(kept.size, lambda: iter((opened(key, kept.sealed, about),)))

    def _seen(self, seq: int, since: float) -> list[Seen]:
        found: list[Seen] = []
        for frame in self.log.frames_since(seq):
            for record in self._records(frame):
                if record.at >= since and record.role == "provider":
                    found += seen_in(record)
        return found

    def _records(self, frame: Frame) -> list[Record]:
        openings = frames.openings_of(frame, self.log.keys) or ()
        pairs = zip(frame.entries, openings, strict=False)
        return [read_record(opening.record) for entry, opening in pairs if read_entry(entry).kind == KIND]
