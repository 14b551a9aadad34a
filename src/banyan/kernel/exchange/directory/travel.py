"""The directory over the road: its pages on the peers' listener, and gossip by `Peer.ask`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from banyan.errors import Limit, Unavailable
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.directory import counter, pages
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.pages import Told
from banyan.kernel.exchange.road.model import Request, Response
from banyan.kernel.exchange.road.pages import Pages, Placed
from banyan.kernel.exchange.road.peer import Peer
from banyan.kernel.storage.worker import to_the_end
from banyan.limits_road import DIRECTORY_PAGES_AT_ONCE, DIRECTORY_PAGES_WAITING
from banyan.wire.xroad.identifiers import ServerId


class RoadPeers:
    """`gossip.Peers` over pinned TLS: a peer is reached at its address in the directory held."""

    def __init__(self, peer: Peer, keeper: Keeper, *, clock: Clock) -> None:
        self._peer, self._keeper, self._clock = peer, keeper, clock

    async def ask(
        self, server: ServerId, verb: str, target: str, body: bytes = b"", *, most: int, wait_s: float
    ) -> bytes:
        route = self._keeper.standing.way(server)
        if route is None:
            raise Unavailable(f"The directory has no way to {server.member}'s gateway {server.server}.")
        until = EpochS(self._clock() + wait_s)
        answer = await self._peer.ask(route, verb, target.encode("ascii"), until=until, body=body, most=most)
        if isinstance(answer.body, bytes):
            found = answer.body
        else:
            try:
                found = answer.body.whole(most)
            finally:
                answer.body.close()
        if answer.status != 200:
            raise Unavailable(f"{server.member}'s gateway {server.server} answered {answer.status} for {target}.")
        return found


class Turns:
    """The threads that one kind of readers has of all that the node shares, so that nobody keeps them all at work."""

    def __init__(self, at_once: int) -> None:
        self._at_once = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def told(self, work: Callable[[], Told]) -> Told:
        """`work` in a thread, at its turn. A reader who goes away does not free a thread that still works. Raises
        Limit: too many wait."""
        if self._waiting >= DIRECTORY_PAGES_WAITING:
            raise Limit(
                f"{DIRECTORY_PAGES_WAITING} wait for a page of the directory already (DIRECTORY_PAGES_WAITING).",
                remedy="Try again in some seconds, or ask another gateway.",
                status=429,
                retry_after_s=5,
            )
        self._waiting += 1
        try:
            await self._at_once.acquire()
        finally:
            self._waiting -= 1
        try:
            return await to_the_end(asyncio.to_thread(work))
        finally:
            self._at_once.release()


def add_pages(
    on: Pages, keeper: Keeper, *, centre: Centre | None = None, heard: Callable[[], None] | None = None
) -> None:
    """`GET /directory/…` on the peers' listener, for whoever comes: all of it is public and signed. With `centre`, its
    counter too. `heard` is called in the loop when something new came in, so that gossip need not wait. Gateways that
    the directory has do not wait behind strangers."""
    of_members, of_strangers = Turns(DIRECTORY_PAGES_AT_ONCE), Turns(1)

    async def page(request: Request) -> Response:
        loop = asyncio.get_running_loop()

        def woken() -> None:
            if heard is not None:
                loop.call_soon_threadsafe(heard)

        target = request.target.decode("latin-1")
        body = request.body.whole(pages.REVOCATIONS_BYTES)
        name = target.partition("?")[0].removeprefix(pages.PREFIX)
        turns = of_strangers if request.server is None else of_members
        if centre is not None and name in counter.PATHS:
            told = await turns.told(partial(counter.answer, centre, request.verb, target, body, heard=woken))
        else:
            told = await turns.told(partial(pages.answer, keeper, request.verb, target, body, heard=woken))
        return response_of(told)

    on.add("peer", pages.PREFIX.encode(), Placed(page, most=pages.REVOCATIONS_BYTES, is_open=True))


def counter_of(
    keeper: Keeper, centre: Centre | None, *, heard: Callable[[], None] | None = None
) -> Callable[[str, str, bytes], Awaitable[tuple[int, str, bytes]]]:
    """The same pages for another way in: verb, target and body -> status, media type and body. Revocations do not come
    this way: who has some is a gateway."""
    turns = Turns(DIRECTORY_PAGES_AT_ONCE)

    async def ask(verb: str, target: str, body: bytes) -> tuple[int, str, bytes]:
        name = target.partition("?")[0].removeprefix(pages.PREFIX)
        if centre is not None and name in counter.PATHS:
            told = await turns.told(partial(counter.answer, centre, verb, target, body, heard=heard))
        elif verb == "GET":
            told = await turns.told(partial(pages.answer, keeper, verb, target))
        else:
            told = Told(404, pages.TEXT, b"This is not the centre of a road; ask the centre.\n")
        return told.status, told.media_type, told.body

    return ask


def response_of(told: Told) -> Response:
    return Response(told.status, ((b"content-type", told.media_type.encode()),), told.body)
