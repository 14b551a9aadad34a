"""The durable Notifier: messages in the drawer's store, numbers and texts sealed, counts moved with what they count.

`accept` returns when its rows are flushed. Memory is bounded by one slice of messages, whatever a campaign's size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from banyan.craft.notify.book import SQL, Book, Campaign, Keys, by_name, campaign_of, move
from banyan.craft.notify.model import NUMBER, Accepted, Lane, Message, Progress, Receipt, Reply, State, checked
from banyan.craft.notify.sealing import Seals
from banyan.craft.notify.wording import Rules, checker, sender_of
from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.storage.store import SqlValue, Store, Tx
from banyan.limits_alerts import NOTIFY_CHANGES, NOTIFY_KEPT_DAYS, NOTIFY_QUIET, NOTIFY_SHOWN, NOTIFY_SLICE

T = TypeVar("T")
DAY_S: Final = 86_400.0
QUIETABLE: Final = (Lane.REMINDER, Lane.BULK)


class Outbox:
    """See `Notifier`. `node_key` (32 octets) seals the numbers that opted out, which no campaign's end forgets."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        *,
        node_key: bytes,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        rules: Rules | None = None,
    ) -> None:
        self.store, self.clock, self.rules = store, clock, rules or Rules()
        self.book = Book(store, keys, random=random)
        self.changes = Changes()
        self._node = Seals(node_key, random=random)
        self._quiet: set[tuple[bytes, Lane]] = set()
        self._check = checker(self.rules)

    async def open(self) -> None:
        """Read what the last process left. Once, before anything else."""
        newest = await self.store.read_long(lambda tx: tx.row(SQL["newest_change"]))
        self.changes.at = int(str(newest[0])) if newest else 0
        rows = await self.store.read_long(lambda tx: tx.rows(SQL["quiet"]))
        self._quiet = {(_octets(number), Lane(int(str(lane)))) for number, lane in rows}
        await self.book.load()

    async def accept(self, messages: Iterable[Message]) -> Accepted:
        total = Accepted(0)
        for some in _slices(messages, NOTIFY_SLICE):
            groups: dict[tuple[str, Lane, str], list[Message]] = {}
            for message in some:
                checked(message)
                self._check(message.text)
                key = (message.campaign, message.lane, sender_of(message.sender, self.rules))
                groups.setdefault(key, []).append(message)
            for (name, lane, sender), group in groups.items():
                found = await self._accept_group(name, lane, sender, group)
                total = Accepted(total.count + found.count, total.already + found.already, total.quiet + found.quiet)
        return total

    async def progress(self, campaign: str) -> Progress | None:
        found = await self.store.read(lambda tx: by_name(tx, campaign))
        return None if found is None else found.progress()

    async def campaigns(self) -> Sequence[Progress]:
        rows = await self.store.read_long(lambda tx: tx.rows(SQL["campaigns_shown"], most=NOTIFY_SHOWN))
        return [campaign_of(row).progress() for row in rows]

    async def stop(self, campaign: str) -> int:
        found = await self.store.read(lambda tx: by_name(tx, campaign))
        if found is None:
            return 0
        live, now = self.book.live(found), self.clock()
        live.is_stopped = True  # at once: what is claimed and not written yet is not sent either

        def job(tx: Tx) -> int:
            tx.run(SQL["stop_campaign"], campaign=found.id, at=now)
            newest = tx.row(SQL["newest_message"])
            base = self.changes.reserve(int(str(newest[0])) if newest else 0)
            count = tx.run(SQL["stop_messages"], campaign=found.id, changed=base, at=now)
            move(tx, found.id, {State.WAITING: -count, State.STOPPED: count})
            return count

        count = await self.store.write(job)
        live.waiting = 0
        return count

    async def receipts(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        found = await self._readable(campaign)
        if found is None:
            return ()
        row, seals = found
        most = min(limit, NOTIFY_CHANGES)
        rows = await self.store.read(lambda tx: tx.rows(SQL["changed"], campaign=row.id, after=after, most=most))
        numbers = seals.opened([_octets(one[1]) for one in rows])
        return [
            Receipt(int(str(seq)), to, State(int(str(state))), float(str(at)))
            for to, (seq, _, state, at) in zip(numbers, rows, strict=True)
        ]

    async def replies(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Reply]:
        found = await self._readable(campaign)
        if found is None:
            return ()
        row, seals = found
        most = min(limit, NOTIFY_CHANGES)
        rows = await self.store.read(lambda tx: tx.rows(SQL["replies"], campaign=row.id, after=after, most=most))
        numbers = seals.opened([_octets(one[1]) for one in rows])
        return [
            Reply(int(str(seq)), to, seals.open(_octets(sealed)), float(str(at)))
            for to, (seq, _, sealed, at) in zip(numbers, rows, strict=True)
        ]

    async def quieten(self, to: str, lanes: Iterable[Lane], *, is_quiet: bool = True) -> None:
        chosen = tuple(lanes)
        if any(lane not in QUIETABLE for lane in chosen):
            raise Invalid.at("lanes", "only reminders and bulk can be opted out of")
        if NUMBER.fullmatch(to) is None:
            raise Invalid.at("to", "give the number as E.164: a plus sign, the country code, at most 15 digits")
        if is_quiet and len(self._quiet) >= NOTIFY_QUIET:
            raise Conflict("as many numbers opted out as may", remedy="raise NOTIFY_QUIET")
        number, now = self._node.numbers([to])[0], self.clock()

        def job(tx: Tx) -> None:
            for lane in chosen:
                if is_quiet:
                    tx.run(SQL["quieten"], number=number, lane=int(lane), at=now)
                else:
                    tx.run(SQL["unquieten"], number=number, lane=int(lane))

        await self.store.write(job)
        marks = {(number, lane) for lane in chosen}
        self._quiet = self._quiet | marks if is_quiet else self._quiet - marks

    async def forget(self, campaign: str) -> bool:
        found = await self.store.read(lambda tx: by_name(tx, campaign))
        if found is None or found.forgotten_at is not None:
            return False
        await self.stop(campaign)
        now = self.clock()
        await self.book.destroy(found, now)

        def job(tx: Tx) -> None:
            tx.run(SQL["forget_campaign"], campaign=found.id, at=now)
            tx.run(SQL["forget_parts"], campaign=found.id)
            tx.run(SQL["forget_replies"], campaign=found.id)

        await self.store.write(job)
        return True

    async def forget_old(self) -> int:
        """Forget campaigns whose term is over (NOTIFY_KEPT_DAYS after they began); how many."""
        before = self.clock() - NOTIFY_KEPT_DAYS * DAY_S
        rows = await self.store.read_long(lambda tx: tx.rows(SQL["campaigns_past"], before=before))
        for row in rows:
            await self.forget(str(row[0]))
        return len(rows)

    async def replied(self, sender: str, number: str, text: str) -> bool:
        """A person wrote back to one of our senders. It is kept with the newest campaign that wrote to her; False when
        none did, and then nothing is kept."""
        rows = await self.store.read(lambda tx: tx.rows(SQL["campaigns_of_sender"], sender=sender, most=NOTIFY_SHOWN))
        for row in rows:
            campaign = campaign_of(row)
            seals = await self.book.seals(campaign)
            block = seals.numbers([number])[0]
            if await self.store.read(
                lambda tx, id=campaign.id, block=block: tx.row(SQL["message_of_number"], campaign=id, number=block)  # type: ignore[misc]  # bound now, for the loop goes on
            ):
                values: dict[str, SqlValue] = {
                    "campaign": campaign.id,
                    "number": block,
                    "sealed": seals.seal(text),
                    "at": self.clock(),
                }
                await self.store.write(lambda tx: tx.run(SQL["new_reply"], **values))  # noqa: B023 - awaited here
                return True
        return False

    async def _accept_group(self, name: str, lane: Lane, sender: str, messages: list[Message]) -> Accepted:
        campaign = await self.book.make(name, lane, sender, self.clock())
        if campaign.is_over:
            raise _over()
        if (campaign.lane, campaign.sender) != (lane, sender):
            raise Conflict("a campaign has one lane and one sender", remedy="begin another with an id of its own")
        seals = await self.book.seals(campaign)
        loud = self._loud(messages, lane)
        texts = {message.text: self._check(message.text).parts for message in loud}
        sealed = {text: (seals.mark(text), seals.seal(text), parts) for text, parts in texts.items()}
        numbers = seals.numbers([message.to for message in loud])
        values = sorted((number, one.text, one.expires) for number, one in zip(numbers, loud, strict=True))
        now = self.clock()

        def job(tx: Tx) -> int | None:
            current = by_name(tx, name)
            if current is None or current.is_over:
                return None
            ids = {text: _wording(tx, campaign.id, *of) for text, of in sealed.items()}
            rows: list[dict[str, SqlValue]] = [
                {"campaign": campaign.id, "number": number, "wording": ids[text], "expires": expires, "at": now}
                for number, text, expires in values
            ]
            count = tx.run_many(SQL["new_message"], rows)
            move(tx, campaign.id, {State.WAITING: count})
            return count

        self.book.live(campaign)
        count = await self.store.write(job)
        if count is None:
            raise _over()
        self.book.add(campaign.id, count)
        return Accepted(count, len(loud) - count, len(messages) - len(loud))

    def _loud(self, messages: list[Message], lane: Lane) -> list[Message]:
        """Without those who opted out of the lane."""
        if lane not in QUIETABLE or not self._quiet:
            return messages
        marks = self._node.numbers([message.to for message in messages])
        return [one for one, mark in zip(messages, marks, strict=True) if (mark, lane) not in self._quiet]

    async def _readable(self, name: str) -> tuple[Campaign, Seals] | None:
        """A campaign whose numbers can still be read."""
        found = await self.store.read(lambda tx: by_name(tx, name))
        if found is None or found.forgotten_at is not None:
            return None
        try:
            return found, await self.book.seals(found)
        except NotFound:
            return None


class Changes:
    """Where the order of changes stands. Only jobs of the store's one writer take from it, so what commits later has
    the higher number; a job that is done again leaves a gap."""

    def __init__(self) -> None:
        self.at = 0

    def next(self) -> int:
        self.at += 1
        return self.at

    def reserve(self, count: int) -> int:
        """The number before `count` that are taken at once."""
        before = self.at
        self.at += count
        return before


def _wording(tx: Tx, campaign: int, mark: bytes, sealed: bytes, parts: int) -> int:
    tx.run(SQL["new_wording"], campaign=campaign, mark=mark, sealed=sealed, parts=parts)
    row = tx.row(SQL["wording_by_mark"], campaign=campaign, mark=mark)
    assert row is not None, "a text was just written"
    return int(str(row[0]))


def _slices(items: Iterable[T], most: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some


def _octets(value: SqlValue) -> bytes:
    assert isinstance(value, bytes | memoryview), "a column of octets"
    return bytes(value)


def _over() -> Conflict:
    return Conflict("this campaign was stopped", remedy="begin another with an id of its own")
