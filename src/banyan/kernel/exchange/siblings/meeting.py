"""A gateway meets the others of its members: each tells what the other lacks, until both hold the same acts.

Each sibling has a line of its own, so that one which does not answer holds up nobody: it is met at once when there is
news and every SIBLINGS_ROUND_S. One exchange carries both ways, so it is enough that one of two reaches the other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.directory.gossip import Peers
from banyan.kernel.exchange.directory.standing import Standing
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.siblings.model import (
    PATH,
    Acts,
    Answer,
    Behind,
    Heard,
    Level,
    Offers,
    Question,
)
from banyan.kernel.exchange.siblings.sealed import Sealed, proven, vouched
from banyan.limits_road import (
    SIBLINGS_ASK_S,
    SIBLINGS_MEET_S,
    SIBLINGS_PAGE_ACTS,
    SIBLINGS_PAGE_BYTES,
    SIBLINGS_QUIET_S,
    SIBLINGS_ROUND_S,
    SIBLINGS_TURNS,
)
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded, parse_client

Pair = tuple[ServerId, ClientId]
_DECODER: Final = msgspec.json.Decoder(Answer)


class Sibling(msgspec.Struct):
    """Another gateway of a member, as this one knows it. `heard`: what it has of ours; `cursor`: the place in its list
    up to which we have all."""

    server: ServerId
    member: ClientId
    heard: Heard
    cursor: int = 0
    is_met: bool = False
    why: str = ""
    offers: Offers | None = None


class Siblings:
    """Of one gateway. `signing`: the members whose keys are here; `offered`: what is offered here of a member."""

    def __init__(
        self,
        acts: Acts,
        peers: Peers,
        standing: Standing,
        *,
        own: ServerId,
        signing: Callable[[], Mapping[ClientId, Signing]],
        offered: Callable[[ClientId], Offers],
        epoch: str,
        clock: Clock,
        dice: random.Random,
    ) -> None:
        self.acts, self.standing, self.own, self.signing, self.offered = acts, standing, own, signing, offered
        self.epoch = epoch
        self._peers, self._clock, self._dice = peers, clock, dice
        self._known: dict[Pair, Sibling] = {}
        self._lines: dict[Pair, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._woken.clear()
                self._follow_directory()
                with suppress(TimeoutError):
                    async with asyncio.timeout(SIBLINGS_ROUND_S):
                        await self._woken.wait()
        finally:
            running = [task for task, _ in self._lines.values()]
            self._lines.clear()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def wake(self) -> None:
        """There is news: tell it now, also a gateway that entered the directory just before."""
        self._woken.set()
        for _, woken in self._lines.values():
            woken.set()

    def pairs(self) -> list[Pair]:
        """The other gateways of each member here, by the directory of now."""
        members = list(self.signing())
        return [
            (server, member)
            for server in self.standing.servers()
            for member in members
            if server != self.own and self.standing.serves(server, member) and self.standing.way(server) is not None
        ]

    async def meet(self, server: ServerId, member: ClientId) -> bool:
        """One meeting; whether both hold the same now."""
        sibling = await self.sibling(server, member)
        try:
            async with asyncio.timeout(SIBLINGS_MEET_S):
                is_level = await self._level(sibling)
                sibling.why = "" if is_level else "It does not take all that it is told, or tells what is not taken."
        except TimeoutError:
            is_level, sibling.why = False, f"It told nothing whole within {SIBLINGS_MEET_S:.0f} s."
        except (Problem, OSError) as error:
            is_level, sibling.why = False, str(error)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            is_level, sibling.why = False, "Its answer cannot be read."
        return is_level

    async def sibling(self, server: ServerId, member: ClientId) -> Sibling:
        found = self._known.get((server, member))
        if found is None:
            heard = await self.acts.heard(encoded(member), encoded(server))
            found = self._known.setdefault((server, member), Sibling(server, member, heard))
        return found

    async def behind(self) -> list[Behind]:
        """Siblings that have not heard of all for a while, or offer something otherwise."""
        found = []
        for server, member in self.pairs():
            sibling = await self.sibling(server, member)
            unheard = await self.acts.unheard(encoded(member), sibling.heard.place)
            is_late = unheard.acts > 0 and self._clock() - unheard.since > SIBLINGS_QUIET_S
            others = self._otherwise(sibling)
            if is_late or others:
                whole = unheard if is_late else msgspec.structs.replace(unheard, acts=0, ended=0)
                found.append(Behind(encoded(server), encoded(member), whole, sibling.why, others))
        return found

    async def take(self, member: ClientId, acts: Sequence[Sealed]) -> set[str]:
        """Keep what a sibling told; the names of acts that are not taken: signed by no key of the member that counts,
        or what its officers cannot have done."""
        known = set(await self.acts.known([one.name for one in acts]))
        fresh = [one for one in acts if one.name not in known]
        if not fresh:
            return set()
        checked = await asyncio.to_thread(lambda: [proven(one, member, self.standing) for one in fresh])
        good = [one for one in checked if one is not None]
        refused = {one.name for one, held in zip(fresh, checked, strict=True) if held is None}
        if good:
            refused |= set(await self.acts.take(encoded(member), good))
            self.wake()
        return refused

    async def page(self, member: ClientId, start: int) -> list[tuple[int, Sealed]]:
        """Acts behind a place as they are passed on."""
        signing, found = self.signing()[member], await self.acts.after(encoded(member), start, SIBLINGS_PAGE_ACTS)
        return await asyncio.to_thread(
            lambda: [(place, vouched(one, signing, member, self.standing)) for place, one in found]
        )

    async def hear(self, sibling: Sibling, heard: Heard) -> None:
        """It has all of ours up to a place."""
        if heard != sibling.heard:
            sibling.heard = heard
            await self.acts.hear(encoded(sibling.member), encoded(sibling.server), heard)

    def _follow_directory(self) -> None:
        """A line for each sibling that the directory has, and none for others."""
        wanted = set(self.pairs())
        for pair in [one for one in self._lines if one not in wanted]:
            self._lines.pop(pair)[0].cancel()
        for pair in wanted - self._lines.keys():
            woken = asyncio.Event()
            self._lines[pair] = (asyncio.create_task(self._keep_up(*pair, woken)), woken)

    async def _keep_up(self, server: ServerId, member: ClientId, woken: asyncio.Event) -> None:
        while True:
            woken.clear()
            await self.meet(server, member)
            with suppress(TimeoutError):
                async with asyncio.timeout(SIBLINGS_ROUND_S * self._dice.uniform(0.75, 1.25)):
                    await woken.wait()

    async def _level(self, one: Sibling) -> bool:
        """Exchange until both hold the same, or neither has more that the other takes."""
        member = encoded(one.member)
        sent, fetched = one.heard.place, one.cursor
        late_there: list[int] = []
        late_here: list[int] = []
        for _ in range(SIBLINGS_TURNS):
            own = await self.acts.level(member)
            page = await self.page(one.member, sent) if one.is_met else []
            answer = await self._ask(one, fetched, own, [sealed for _, sealed in page])
            one.offers, one.is_met = answer.offers, True
            if answer.epoch != one.heard.epoch:
                sent, late_there, late_here = 0, [], []
            elif page:
                sent = page[-1][0]
                late_there += [place - 1 for place, sealed in page if sealed.name in answer.refused]
            refused = await self.take(one.member, answer.acts)
            late_here += [
                place - 1 for place, act in zip(answer.places, answer.acts, strict=False) if act.name in refused
            ]
            fetched = answer.places[-1] if answer.places else answer.last
            is_level = answer.digest == own.digest
            one.cursor = answer.last if is_level else min((fetched, *late_here))
            await self.hear(one, Heard(answer.epoch, own.last if is_level else min((sent, *late_there))))
            if is_level:
                return True
            if sent >= own.last and fetched >= answer.last and not refused and not answer.acts:
                break
        return False

    async def _ask(self, one: Sibling, start: int, own: Level, acts: Sequence[Sealed]) -> Answer:
        question = Question(
            encoded(one.member),
            one.heard.epoch,
            start,
            own.digest,
            tuple(acts),
            dict(self.offered(one.member)),
            min(start, one.cursor),
        )
        body = msgspec.json.encode(question)
        data = await self._peers.ask(one.server, "POST", PATH, body, most=SIBLINGS_PAGE_BYTES, wait_s=SIBLINGS_ASK_S)
        return _DECODER.decode(data)

    def _otherwise(self, one: Sibling) -> tuple[str, ...]:
        """Services of subsystems that both serve, and that they do not offer alike."""
        if one.offers is None:
            return ()
        ours = self.offered(one.member)
        found = [id for id in sorted({*ours, *one.offers}) if ours.get(id) != one.offers.get(id)]
        return tuple(id for id in found if self._both_serve(one.server, id))

    def _both_serve(self, server: ServerId, service: str) -> bool:
        try:
            subsystem = parse_client(service.rpartition("/")[0])
        except Problem:
            return False
        served = {route.server for route in self.standing.routes(subsystem)}
        return {server, self.own} <= served
