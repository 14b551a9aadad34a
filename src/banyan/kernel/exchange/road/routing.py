"""Which of several gateways a call goes to, by what was seen of each: outstanding calls, and connects that failed.

Of two drawn at random the one with fewer calls outstanding (Mitzenmacher 2001: nearly as even as asking all, and no
herd runs to the one that was idle a moment ago). An address whose connects fail rests, longer each time, and is tried
again by one call; when all rest they are tried all the same. Nothing is probed without a call that needs it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from hashlib import sha256
from random import Random
from typing import Final, TypeVar

from banyan.kernel.exchange.road.hedging import FAILURES, first_of
from banyan.kernel.exchange.road.link import Broken, Link, Pool
from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.road.reach import idle_link, pinned_link, unreachable
from banyan.limits_road import (
    ROUTE_FAILURES,
    ROUTE_REST_MOST_S,
    ROUTE_REST_S,
    ROUTE_STAGGER_S,
    ROUTES_REMEMBERED,
    ROUTES_TRIED,
)
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ServerId, encoded

L = TypeVar("L")


class _Past:
    """What is remembered of one address."""

    __slots__ = ("failures", "is_tried", "outstanding", "rests_until")

    def __init__(self) -> None:
        self.outstanding = 0
        self.failures = 0
        self.rests_until = 0.0
        self.is_tried = False
        """A call tries whether it is back; others keep away meanwhile."""


_UNKNOWN: Final = _Past()


class Choice:
    """`now` is the loop's clock. One for all calls of a gateway."""

    def __init__(self, now: Callable[[], float], chance: Random) -> None:
        self._now = now
        self._chance = chance
        self._past: dict[tuple[str, int], _Past] = {}

    def order(self, routes: Sequence[Route]) -> Sequence[Route]:
        """In which order to try them: one whose rest has ended, the less busy of two, the others, those that rest."""
        if len(routes) < 2:
            return routes
        now = self._now()
        well, ripe, resting = [], [], []
        for route in routes:
            past = self._of(route)
            if past.failures < ROUTE_FAILURES:
                well.append(route)
            elif now >= past.rests_until and not past.is_tried:
                ripe.append(route)
            else:
                resting.append(route)
        if len(well) > 1:
            one, other = self._chance.sample(range(len(well)), 2)
            best = min(one, other, key=lambda at: (self._of(well[at]).failures, self._of(well[at]).outstanding, at))
            well.insert(0, well.pop(best))
        resting.sort(key=lambda route: self._of(route).rests_until)
        return (*ripe[:1], *well, *ripe[1:], *resting)[:ROUTES_TRIED]

    async def connect(
        self,
        routes: Sequence[Route],
        idle: Callable[[Route], L | None],
        dial: Callable[[Route], Awaitable[L]],
        discard: Callable[[L], None],
    ) -> tuple[Route, L]:
        """A connection to one of `routes`, in their order: an idle one, or the first that comes about. Others are
        begun when one fails, or beside it when it is silent for ROUTE_STAGGER_S. `discard` takes one too many.

        Raises what `dial` raised, when all failed: of several the one that tells most."""
        link = idle(routes[0])
        if link is not None:
            return routes[0], link
        if len(routes) == 1:
            return routes[0], await self._only(routes[0], dial)

        async def attempt(route: Route) -> L:
            ready = idle(route)
            if ready is not None:
                return ready
            past = self._of(route)
            if past.failures >= ROUTE_FAILURES:
                past.is_tried = True
            try:
                return await dial(route)
            finally:
                past.is_tried = False

        def over(at: int, error: Exception | None) -> None:
            self._note(routes[at], error)

        at, made = await first_of([partial(attempt, route) for route in routes], ROUTE_STAGGER_S, over, discard)
        return routes[at], made

    def began(self, route: Route) -> None:
        """A call is sent to it."""
        self._known(route).outstanding += 1

    def ended(self, route: Route) -> None:
        past = self._past.get((route.host, route.port))
        assert past is not None, "a call began before it ended"
        past.outstanding -= 1
        self._forget(route, past)

    def failed(self, route: Route) -> None:
        """No connection came about, or one to somebody else. While it rests nothing is added: a hundred calls that
        break together are one failure."""
        past = self._known(route)
        if past.failures >= ROUTE_FAILURES and self._now() < past.rests_until:
            return
        past.failures += 1
        if past.failures >= ROUTE_FAILURES:
            rest_s = min(ROUTE_REST_MOST_S, ROUTE_REST_S * 2 ** min(past.failures - ROUTE_FAILURES, 16))
            past.rests_until = self._now() + rest_s * self._chance.uniform(0.75, 1.25)

    def worked(self, route: Route) -> None:
        past = self._past.get((route.host, route.port))
        if past is not None:
            past.failures = 0
            self._forget(route, past)

    def is_resting(self, route: Route) -> bool:
        past = self._of(route)
        return past.failures >= ROUTE_FAILURES and self._now() < past.rests_until

    async def _only(self, route: Route, dial: Callable[[Route], Awaitable[L]]) -> L:
        try:
            link = await dial(route)
        except FAILURES:
            self.failed(route)
            raise
        self.worked(route)
        return link

    def _note(self, route: Route, error: Exception | None) -> None:
        if error is None:
            self.worked(route)
        else:
            self.failed(route)

    def _of(self, route: Route) -> _Past:
        return self._past.get((route.host, route.port), _UNKNOWN)

    def _known(self, route: Route) -> _Past:
        address = (route.host, route.port)
        past = self._past.get(address)
        if past is None:
            if len(self._past) >= ROUTES_REMEMBERED:
                idle = [key for key, one in self._past.items() if not one.outstanding]
                for key in idle[: ROUTES_REMEMBERED // 2]:
                    del self._past[key]
            past = self._past[address] = _Past()
        return past

    def _forget(self, route: Route, past: _Past) -> None:
        if not past.outstanding and not past.failures:
            self._past.pop((route.host, route.port), None)


def steady(servers: Iterable[ServerId], about: str) -> ServerId:
    """The same of them for one text as long as it is there (rendezvous hashing; Thaler, Ravishankar 1998)."""
    return min(servers, key=lambda server: sha256(f"{about} {encoded(server)}".encode()).digest())


def kept_to(routes: Sequence[Route], sticky: str) -> tuple[Sequence[Route], Sequence[Route]]:
    """Those of one gateway, the steady one for `sticky`, and the rest."""
    chosen = steady({route.server for route in routes}, sticky)
    own = [route for route in routes if route.server == chosen]
    return own, [route for route in routes if route.server != chosen]


class HedgedReach:
    """`reach.Reach` by a Choice: the order is drawn for each call, idle links are taken where the choice fell."""

    def __init__(self, pool: Pool, choice: Choice) -> None:
        self._pool = pool
        self.choice = choice

    def ready(self, routes: Sequence[Route]) -> tuple[Route, Link] | None:
        """As `reach`, when the choice falls on a gateway to which a link is idle."""
        route = self.choice.order(routes)[0]
        link = idle_link(self._pool, route)
        if link is None:
            return None
        self.choice.began(route)
        return route, link

    def unused(self, route: Route, link: Link) -> None:
        """Nothing was asked of what was ready."""
        self.choice.ended(route)
        self._pool.give(link)

    async def reach(
        self, routes: Sequence[Route], deadline: float, *, fresh: bool, sticky: str = ""
    ) -> tuple[Route, Link]:
        """As `Reach` says. Raises Fault."""
        if sticky:
            own, others = kept_to(routes, sticky)
            if others and not all(map(self.choice.is_resting, own)):
                try:
                    return await self.reach(own, deadline, fresh=fresh)
                except Fault:
                    routes = others
        if len(routes) == 1 and not fresh:
            ready = idle_link(self._pool, routes[0])
            if ready is not None:
                self.choice.began(routes[0])
                return routes[0], ready
        order = self.choice.order(routes)
        idle = _none if fresh else partial(idle_link, self._pool)
        try:
            route, link = await self.choice.connect(
                order, idle, lambda one: pinned_link(self._pool, one, deadline), self._pool.give
            )
        except FAILURES as error:
            raise unreachable(routes, error) from error
        self.choice.began(route)
        return route, link

    def ended(self, route: Route, link: Link, error: Exception | None) -> None:
        """A gateway that takes connections and cuts them off is as good as gone; one that is late may have a slow
        service behind it."""
        self.choice.ended(route)
        if error is None:
            self.choice.worked(route)
            self._pool.give(link)
            return
        link.abort()
        if isinstance(error, OSError) and not (isinstance(error, Broken) and error.is_late):
            self.choice.failed(route)


def _none(_: Route) -> None:
    """No idle link will do."""
