"""Choice among several gateways by a virtual clock: hedging, rests, probes, the power of two, and no second sending."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from random import Random

import pytest
from tests.kernel.exchange.road.virtual import run

from banyan.kernel.exchange.road.model import Route
from banyan.kernel.exchange.road.routing import Choice
from banyan.limits_road import ROUTE_REST_MOST_S, ROUTES_REMEMBERED, ROUTES_TRIED
from banyan.wire.xroad.identifiers import ServerId

JUNK, SILENT, DOWN, GOOD, OTHER = "no such host", "silent", "down", "good", "other"


def route(host: str, port: int = 5500) -> Route:
    return Route(ServerId("TW", "GOV", "moi", host), host, port, (b"",))


class Net:
    """Where each host leads: a time to connect, or an error after a time."""

    def __init__(self, **hosts: tuple[float, Exception | None]) -> None:
        self.hosts = hosts
        self.dialled: list[tuple[float, str]] = []
        self.open: list[str] = []
        self.discarded: list[str] = []
        self.cancelled: list[str] = []
        self.idle: list[str] = []

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def dial(self, to: Route) -> str:
        self.dialled.append((round(self.clock(), 3), to.host))
        takes_s, error = self.hosts.get(to.host, (0.0, OSError("no such host")))
        try:
            await asyncio.sleep(takes_s)
        except asyncio.CancelledError:
            self.cancelled.append(to.host)
            raise
        if error is not None:
            raise error
        self.open.append(to.host)
        return to.host

    def take_idle(self, to: Route) -> str | None:
        return self.idle.pop(self.idle.index(to.host)) if to.host in self.idle else None

    async def connect(self, choice: Choice, *hosts: str) -> str:
        routes = choice.order([route(host) for host in hosts])
        found, link = await choice.connect(routes, self.take_idle, self.dial, self.discarded.append)
        assert found.host == link
        return link


def a_net() -> tuple[Net, Choice]:
    net = Net(
        silent=(1e4, None),
        down=(0.01, ConnectionRefusedError()),
        good=(0.02, None),
        other=(0.02, None),
        slow=(0.5, None),
    )
    return net, Choice(net.clock, Random(1))


def test_the_one_address_that_can_be_reached_is_found_among_junk() -> None:
    async def story() -> None:
        net, choice = a_net()
        assert await net.connect(choice, JUNK, "", "\x7f", DOWN, GOOD) == GOOD
        assert net.clock() < 0.1, "what fails is followed at once"

    run(story())


def test_a_silent_address_costs_300_ms_once_and_then_rests() -> None:
    async def story() -> None:
        net, choice = a_net()
        routes = [route(SILENT), route(GOOD)]
        for _ in range(2):
            before = net.clock()
            assert await choice.connect(routes, net.take_idle, net.dial, net.discarded.append) == (route(GOOD), GOOD)
            assert net.clock() - before == pytest.approx(0.32)
        assert net.cancelled == [SILENT] * 2
        assert choice.is_resting(route(SILENT))
        before = net.clock()
        assert await net.connect(choice, SILENT, GOOD) == GOOD
        assert net.clock() - before == pytest.approx(0.02)

    run(story())


def test_who_was_only_slow_wins_when_the_other_is_slower() -> None:
    async def story() -> None:
        net, choice = a_net()
        routes = [route("slow"), route(SILENT)]
        assert (await choice.connect(routes, net.take_idle, net.dial, net.discarded.append))[1] == "slow"
        assert net.cancelled == [SILENT], "begun later, so it is not to blame"
        assert choice.order(routes)[0].host in ("slow", SILENT)
        assert not choice.is_resting(route(SILENT))

    run(story())


def test_a_resting_address_is_tried_by_one_call_after_its_rest_and_trusted_when_it_answers() -> None:
    async def story() -> None:
        net, choice = a_net()
        down = route(DOWN)
        rests = []
        for _ in range(12):
            choice.failed(down)
            choice.failed(down)
            rests.append(choice._of(down).rests_until - net.clock())
            assert choice.order([down, route(GOOD)])[0].host == GOOD
            await asyncio.sleep(ROUTE_REST_MOST_S * 2)
        assert 0.75 <= rests[0] <= 1.25
        assert rests[5] > 4 * rests[2]
        assert max(rests) <= ROUTE_REST_MOST_S * 1.25
        order = choice.order([down, route(GOOD)])
        assert order[0].host == DOWN, "its rest has ended"
        trying = asyncio.ensure_future(choice.connect(order, net.take_idle, net.dial, net.discarded.append))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert choice.order([down, route(GOOD)])[0].host == GOOD, "one call tries, the others keep away"
        assert (await trying)[1] == GOOD
        net.hosts[DOWN] = (0.01, None)
        await asyncio.sleep(ROUTE_REST_MOST_S * 2)
        assert await net.connect(choice, DOWN, GOOD) == DOWN
        assert choice._of(down).failures == 0

    run(story())


def test_a_call_that_is_given_up_while_it_tries_does_not_keep_the_address_for_itself() -> None:
    async def story() -> None:
        net, choice = a_net()
        silent = route(SILENT)
        for _ in range(2):
            choice.failed(silent)
        await asyncio.sleep(5)
        order = choice.order([silent, route(GOOD)])
        trying = asyncio.ensure_future(choice.connect(order, net.take_idle, net.dial, net.discarded.append))
        await asyncio.sleep(0.1)
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        assert choice.order([silent, route(GOOD)])[0].host == SILENT

    run(story())


def test_a_hundred_calls_that_break_together_are_one_failure() -> None:
    async def story() -> None:
        net, choice = a_net()
        for _ in range(100):
            choice.failed(route(GOOD))
        assert choice._of(route(GOOD)).rests_until - net.clock() <= 1.25

    run(story())


def test_when_all_rest_all_are_tried() -> None:
    async def story() -> None:
        net, choice = a_net()
        for host in (DOWN, GOOD):
            for _ in range(2):
                choice.failed(route(host))
        assert await net.connect(choice, DOWN, GOOD) == GOOD

    run(story())


def test_when_none_comes_about_the_most_telling_error_is_raised() -> None:
    async def story() -> None:
        net, choice = a_net()
        net.hosts["tls"] = (0.0, ssl.SSLError("bad certificate"))
        with pytest.raises(ConnectionRefusedError):
            await net.connect(choice, JUNK, DOWN)
        with pytest.raises(ssl.SSLError):
            await net.connect(choice, JUNK, "tls", DOWN)
        with pytest.raises(OSError, match="no such host"):
            await net.connect(choice, JUNK)

    run(story())


def test_an_idle_connection_is_taken_without_dialling() -> None:
    async def story() -> None:
        net, choice = a_net()
        net.idle = [GOOD]
        assert await net.connect(choice, GOOD) == GOOD
        assert net.dialled == []

    run(story())


def test_two_that_come_about_in_one_moment_leave_none_open_and_forgotten() -> None:
    async def story() -> None:
        net, choice = a_net()
        net.hosts |= {"one": (0.4, None), "two": (0.1, None)}
        routes = [route("one"), route("two")]
        _, link = await choice.connect(routes, net.take_idle, net.dial, net.discarded.append)
        assert sorted([link, *net.discarded, *net.cancelled]) == ["one", "two"]
        assert sorted([link, *net.discarded]) == sorted(net.open)

    run(story())


def test_the_less_busy_of_two_gets_the_call_and_nobody_is_left_out() -> None:
    async def story() -> None:
        _, choice = a_net()
        routes = [route(f"g{at}") for at in range(5)]
        busy: Counter[str] = Counter()
        for _ in range(2_000):
            chosen = choice.order(routes)[0]
            choice.began(chosen)
            busy[chosen.host] += 1
        assert max(busy.values()) - min(busy.values()) <= 10, busy
        for one in routes:
            for _ in range(busy[one.host]):
                choice.ended(one)
        assert not choice._past, "nothing is remembered of who is well and idle"

    run(story())


def test_what_is_remembered_has_a_bound_and_a_call_tries_only_so_many() -> None:
    async def story() -> None:
        _, choice = a_net()
        for port in range(ROUTES_REMEMBERED * 2):
            choice.failed(route("x", port))
        assert len(choice._past) <= ROUTES_REMEMBERED
        assert len(choice.order([route(str(at)) for at in range(50)])) == ROUTES_TRIED

    run(story())
