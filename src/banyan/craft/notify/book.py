"""The campaigns that have something to send or to hear of, in memory with their seals: read from the store at start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from banyan.craft.notify.model import Lane, Progress
from banyan.craft.notify.sealing import KEY_BYTES, Seals
from banyan.errors import NotFound
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Store, Tx

SQL: Final = load_statements("banyan.craft.notify", "outbox.sql")
SUBJECT: Final = b"campaign"
STATES: Final = 7


class Keys(Protocol):
    """The keys folder: `kernel.identity.scopes.Scopes`."""

    async def seal(self, scope: str, subject: bytes, plain: bytes, *, context: bytes = b"") -> bytes: ...

    async def open(self, scope: str, subject: bytes, sealed: bytes, *, context: bytes = b"") -> bytes: ...

    def destroy_scope(self, scope: str, *, at: float) -> Awaitable[object]: ...


class Campaign(msgspec.Struct, frozen=True):
    """A row of `campaign`."""

    id: int
    name: str
    lane: Lane
    sender: str
    at: float
    key: bytes
    stopped_at: float | None
    forgotten_at: float | None
    counts: tuple[int, ...]
    parts: int

    @property
    def is_over(self) -> bool:
        """Nothing may be accepted for it any more."""
        return self.stopped_at is not None or self.forgotten_at is not None

    def progress(self) -> Progress:
        waiting, sending, sent, delivered, failed, expired, stopped = self.counts
        return Progress(
            campaign=self.name,
            lane=self.lane,
            sender=self.sender,
            accepted_at=self.at,
            total=sum(self.counts),
            waiting=waiting,
            sending=sending,
            sent=sent,
            delivered=delivered,
            failed=failed,
            expired=expired,
            stopped=stopped,
            parts=self.parts,
            is_stopped=self.stopped_at is not None,
            is_forgotten=self.forgotten_at is not None,
        )


class Live(msgspec.Struct):
    """What the sender knows of a campaign without asking the store."""

    id: int
    lane: Lane
    sender: str
    waiting: int
    is_stopped: bool = False


def scope_of(name: str) -> str:
    """The scope of the keys folder for a campaign."""
    return f"notice:{name}"


def campaign_of(row: Row) -> Campaign:
    values = msgspec.convert(
        (*row[:8], row[8 : 8 + STATES], row[8 + STATES]),
        tuple[int, str, int, str, float, bytes, float | None, float | None, tuple[int, ...], int],
        strict=False,
    )
    id, name, lane, sender, at, key, stopped, forgotten, counts, parts = values
    return Campaign(id, name, Lane(lane), sender, at, key, stopped, forgotten, counts, parts)


def by_name(tx: Tx, name: str) -> Campaign | None:
    row = tx.row(SQL["campaign_by_name"], name=name)
    return None if row is None else campaign_of(row)


def move(tx: Tx, campaign: int, counts: dict[int, int], parts: int = 0) -> None:
    """Change the counts of a campaign: by state, how many more (or less)."""
    changes = {f"n_{state}": counts.get(state, 0) for state in range(STATES)}
    tx.run(SQL["count"], campaign=campaign, parts=parts, **changes)


class Book:
    """Live campaigns and opened keys. One process has one."""

    def __init__(self, store: Store, keys: Keys, *, random: Callable[[int], bytes]) -> None:
        self._store, self._keys, self._random = store, keys, random
        self._live: dict[int, Live] = {}
        self._seals: dict[int, Seals] = {}
        self._turn = asyncio.Lock()
        self.more = asyncio.Event()
        """Set when there is something to send."""

    async def load(self) -> None:
        """Read what was left to do when the process last ended."""
        rows = await self._store.read_long(lambda tx: tx.rows(SQL["campaigns_open"]))
        for row in rows:
            found = campaign_of(row)
            self.live(found).waiting = found.counts[0]
        self.more.set()

    def live(self, campaign: Campaign) -> Live:
        found = self._live.get(campaign.id)
        if found is None:
            found = Live(campaign.id, campaign.lane, campaign.sender, 0, campaign.is_over)
            self._live[campaign.id] = found
        return found

    def waiting(self) -> list[Live]:
        """Campaigns that may be sent of now."""
        return [one for one in self._live.values() if one.waiting > 0 and not one.is_stopped]

    def known(self, campaign: int) -> Live | None:
        return self._live.get(campaign)

    def is_stopped(self, campaign: int) -> bool:
        found = self._live.get(campaign)
        return found is not None and found.is_stopped

    def add(self, campaign: int, count: int) -> None:
        """So many more wait (or less). One that the book does not know is not live: it was forgotten."""
        found = self._live.get(campaign)
        if found is not None:
            found.waiting = max(0, found.waiting + count)
        if count > 0:
            self.more.set()

    async def make(self, name: str, lane: Lane, sender: str, at: float) -> Campaign:
        """The campaign of this name, made with a key of its own when there is none."""
        async with self._turn:
            found = await self._store.read(lambda tx: by_name(tx, name))
            if found is None:
                key = await self._keys.seal(scope_of(name), SUBJECT, self._random(KEY_BYTES))
                await self._store.write(
                    lambda tx: tx.run(SQL["new_campaign"], name=name, lane=int(lane), sender=sender, at=at, key=key)
                )
                found = await self._store.read(lambda tx: by_name(tx, name))
            assert found is not None, "a campaign was just made"
            return found

    async def seals(self, campaign: Campaign) -> Seals:
        """Raises NotFound (erased) when its key was destroyed."""
        found = self._seals.get(campaign.id)
        if found is None:
            key = await self._keys.open(scope_of(campaign.name), SUBJECT, campaign.key)
            found = self._seals[campaign.id] = Seals(key, random=self._random)
        return found

    async def seals_of(self, campaign: int) -> Seals | None:
        """By the campaign's id; None when its key was destroyed."""
        found = self._seals.get(campaign)
        if found is not None:
            return found
        row = await self._store.read(lambda tx: tx.row(SQL["campaign_by_id"], id=campaign))
        try:
            return None if row is None else await self.seals(campaign_of(row))
        except NotFound:
            return None

    async def destroy(self, campaign: Campaign, at: float) -> None:
        """Destroy its key for ever."""
        self._seals.pop(campaign.id, None)
        await self._keys.destroy_scope(scope_of(campaign.name), at=at)
        self._live.pop(campaign.id, None)
