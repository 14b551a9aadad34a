"""How a directory spreads: each gateway asks the centre and a few peers, takes what is newer, hands revocations on.

Whoever answers is not trusted, only what the authority signed. A peer that holds another log signed by the authority is
the proof of a split view: both notes are kept, and ours stays in force.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

import msgspec

from banyan.errors import Problem
from banyan.kernel.exchange.directory import evidence, pages
from banyan.kernel.exchange.directory.keeper import Forked, Keeper, Offer, Refused
from banyan.kernel.exchange.directory.pages import HeadPage
from banyan.limits_road import (
    DIRECTORY_ASK_S,
    DIRECTORY_DOCUMENT_BYTES,
    DIRECTORY_DOCUMENT_S,
    DIRECTORY_ENTRIES,
    DIRECTORY_EVIDENCE,
    DIRECTORY_EVIDENCE_BYTES,
    DIRECTORY_HEAD_BYTES,
    DIRECTORY_JITTER,
    DIRECTORY_LEARN_S,
    DIRECTORY_PAGE_BYTES,
    DIRECTORY_PAGE_ENTRIES,
    DIRECTORY_PEERS_ASKED,
    DIRECTORY_REST_S,
    DIRECTORY_ROUND_S,
)
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.tiles import decode_bundle
from banyan.wire.xroad.identifiers import ServerId

Sleep = Callable[[float], Awaitable[None]]
PUSHED: Final = 3
"""Gateways that a new revocation is handed to at once by each who hears of it first: three reach ten thousand in nine
steps, and who is missed asks within a round."""


class Peers(Protocol):
    """The way to other gateways."""

    async def ask(
        self, server: ServerId, verb: str, target: str, body: bytes = b"", *, most: int, wait_s: float
    ) -> bytes:
        """The body of a 200, of at most `most` bytes. Raises Problem: no way, no answer in time, another answer."""


class Heard(msgspec.Struct, frozen=True):
    """What one peer told. `why`: nothing could be learned, in a sentence."""

    server: ServerId
    is_news: bool = False
    is_forked: bool = False
    why: str = ""


class Gossip:
    """Keeps one gateway's directory up to date. `own`: this gateway; `centre`: asked in each round, unless the snapshot
    names it. `news` is called when anything has changed."""

    def __init__(
        self,
        keeper: Keeper,
        peers: Peers,
        *,
        own: ServerId,
        centre: ServerId | None = None,
        dice: random.Random,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self._keeper, self._peers, self._own, self._centre, self._dice = keeper, peers, own, centre, dice
        self._news = news
        self._told = set(keeper.revocations)
        self._running: dict[ServerId, asyncio.Task[Heard]] = {}
        self._turn = asyncio.Lock()
        self._passed_over: set[str] = set()
        self._woken = asyncio.Event()
        self._hinted: ServerId | None = None

    async def run(self, sleep: Sleep | None = None) -> None:
        """Until cancelled: a round, then a pause with jitter, cut short by `wake` and `hint`."""
        try:
            while True:
                self._woken.clear()
                await self.round()
                spread = DIRECTORY_ROUND_S * DIRECTORY_JITTER
                pause = DIRECTORY_ROUND_S + self._dice.uniform(-spread, spread)
                await (sleep(pause) if sleep else self._pause(pause))
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave off what is being asked."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._running.clear()

    async def round(self) -> list[Heard]:
        """Ask the centre and some peers at random, at once. One that is slow goes on being asked beside later rounds,
        but not twice; those who cannot be reached cost nothing."""
        await self._pass_on()
        asked = [one for one in self._chosen() if one not in self._running]
        for one in asked:
            self._running[one] = asyncio.create_task(self.learn(one))
        if self._running:
            await asyncio.wait(self._running.values(), timeout=DIRECTORY_ROUND_S)
        ended = [one for one, task in self._running.items() if task.done()]
        heard = [self._running.pop(one).result() for one in ended]
        await self._pass_on()
        if any(one.is_news for one in heard):
            self._news()
        return heard

    def hint(self, version: str, server: ServerId) -> None:
        """A peer said `X-Directory-Version`; when it is newer, it is asked in the next round, and that at once."""
        own = self._keeper.standing.version
        if version.isascii() and version.isdigit() and len(version) < 16 and int(version) > int(own):
            self._hinted = server
            self._woken.set()

    def wake(self) -> None:
        """Do not wait for the next round."""
        self._woken.set()

    async def learn(self, server: ServerId) -> Heard:
        """Take from one peer what it has and we lack."""
        try:
            async with asyncio.timeout(DIRECTORY_LEARN_S):
                head = pages.read_head(await self._ask(server, "head", DIRECTORY_HEAD_BYTES))
                async with self._one_by_one():
                    return await self._compare(server, head)
        except TimeoutError:
            return Heard(server, why=f"It told nothing whole within {DIRECTORY_LEARN_S:.0f} s.")
        except (Problem, Refused, BadNote, OSError) as error:  # a full disk too: what was held stays in force
            return Heard(server, why=str(error))

    async def spread(self, revocations: Sequence[bytes], *, among: int = PUSHED) -> int:
        """Hand new revocations to some peers at random; how many took them."""
        body = msgspec.json.encode([one.decode() for one in revocations])
        chosen = self._drawn(among, {self._own})
        done = await asyncio.gather(*(self._push(one, body) for one in chosen))
        return sum(done)

    @asynccontextmanager
    async def _one_by_one(self) -> AsyncIterator[None]:
        """One peer after the other, for the second has seldom more to tell; but nobody waits long for a slow one."""
        try:
            async with asyncio.timeout(DIRECTORY_ASK_S):
                await self._turn.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._turn.release()

    async def _pass_on(self) -> None:
        """Hand on what came since; each gateway does so once for each revocation."""
        fresh = [one for one in self._keeper.revocations if one not in self._told]
        if fresh:
            self._told.update(fresh)
            await self.spread(fresh)

    async def _push(self, server: ServerId, body: bytes) -> bool:
        try:
            await self._peers.ask(
                server, "POST", pages.PREFIX + "revocations", body, most=1_024, wait_s=DIRECTORY_ASK_S
            )
        except (Problem, OSError):
            return False
        return True

    async def _compare(self, server: ServerId, head: HeadPage) -> Heard:
        keeper = self._keeper
        size, before = keeper.held.facts.size, (keeper.held.facts.size, keeper.held.at)
        is_forked = False
        if head.size >= size:
            is_forked = await self._follow(server, head)
        elif head.size:
            await asyncio.to_thread(keeper.suspect, head.checkpoint.encode(), ())
        fresh = 0
        if head.revocations != keeper.digest:
            data = await self._ask(server, "revocations", pages.REVOCATIONS_BYTES)
            fresh = await asyncio.to_thread(keeper.take_revocations, pages.read_revocations(data))
        fresh += await self._evidence(server, head)
        is_news = bool(fresh) or before != (keeper.held.facts.size, keeper.held.at)
        return Heard(server, is_news, is_forked)

    async def _follow(self, server: ServerId, head: HeadPage) -> bool:
        """Take the rest of a log that is at least as long as ours. True when it is another log."""
        keeper = self._keeper
        start = keeper.held.facts.size
        checkpoint = head.checkpoint.encode()
        if head.size == start and checkpoint == keeper.held.checkpoint:
            return False
        entries = await self._entries(server, start, head.size)
        announced = keeper.held.facts.announced
        snapshot = b""
        if head.version != (announced.version if announced else 0):
            snapshot = await self._ask(server, "snapshot", DIRECTORY_DOCUMENT_BYTES, DIRECTORY_DOCUMENT_S)
        handovers = [one.encode() for one in head.handovers]
        try:
            await asyncio.to_thread(keeper.take, Offer(start, entries, checkpoint, handovers, snapshot))
        except Forked:
            whole = await self._entries(server, 0, head.size) if head.size > start else ()
            await asyncio.to_thread(keeper.suspect, checkpoint, whole)
            return True
        return False

    async def _entries(self, server: ServerId, start: int, end: int) -> list[bytes]:
        if end > DIRECTORY_ENTRIES:
            raise Refused("the peer's log is beyond its bound")
        found: list[bytes] = []
        while start + len(found) < end:
            data = await self._ask(server, f"log?from={start + len(found)}", DIRECTORY_PAGE_BYTES)
            try:
                page = decode_bundle(data)
            except ValueError as error:
                raise Refused(f"the peer's log cannot be read: {error}") from error
            if len(page) < min(DIRECTORY_PAGE_ENTRIES, end - start - len(found)):
                raise Refused("the peer's log ends before it says, or comes in crumbs")
            found += page
        return found[: end - start]

    async def _evidence(self, server: ServerId, head: HeadPage) -> int:
        """Take proofs of a split view that others found."""
        known = {one.name for one in self._keeper.evidence} | self._passed_over
        fresh = 0
        for name in head.evidence[:DIRECTORY_EVIDENCE]:
            if name in known or not name.isalnum() or len(name) > 64:
                continue
            data = await self._ask(server, f"evidence?name={name}", DIRECTORY_EVIDENCE_BYTES)
            if await asyncio.to_thread(self._keeper.accuse, evidence.read(data)):
                fresh += 1
            elif len(self._passed_over) < 1_000:
                self._passed_over.add(name)
        return fresh

    async def _ask(self, server: ServerId, page: str, most: int, wait_s: float = DIRECTORY_ASK_S) -> bytes:
        return await self._peers.ask(server, "GET", pages.PREFIX + page, most=most, wait_s=wait_s)

    def _chosen(self) -> list[ServerId]:
        first = [one for one in (self._home(), self._hinted) if one is not None and one != self._own]
        self._hinted = None
        return [*dict.fromkeys(first), *self._drawn(DIRECTORY_PEERS_ASKED, {self._own, *first})]

    def _home(self) -> ServerId | None:
        snapshot = self._keeper.standing.snapshot
        if self._centre is None and snapshot is not None and snapshot.home is not None:
            return ServerId(snapshot.instance, *snapshot.home)
        return self._centre

    def _drawn(self, count: int, passed: set[ServerId]) -> list[ServerId]:
        """Some gateways at random; those revoked or in `passed` are passed over."""
        known = self._keeper.standing.servers()
        drawn = self._dice.sample(known, min(count + len(passed), len(known)))
        return [one for one in drawn if one not in passed and self._keeper.standing.way(one)][:count]

    async def _pause(self, pause: float) -> None:
        await asyncio.sleep(DIRECTORY_REST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._woken.wait()
