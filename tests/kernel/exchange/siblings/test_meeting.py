"""Gateways of a member meet over a network that a test cuts: they end with the same acts, and know who lacks what."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import Clock, a_certificate, a_directory, a_key, a_member, in_loop, member

from banyan.errors import Denied, Invalid, NotFound, Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory.document import Address, Gateway, Snapshot, key_name
from banyan.kernel.exchange.directory.keyfiles import public_der
from banyan.kernel.exchange.directory.standing import Standing
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.siblings.answering import answered
from banyan.kernel.exchange.siblings.meeting import Siblings
from banyan.kernel.exchange.siblings.model import Heard, Level, Question, Unheard
from banyan.kernel.exchange.siblings.sealed import Sealed, seal
from banyan.limits_road import SIBLINGS_PAGE_ACTS
from banyan.wire.httpsig.keys import signer_of
from banyan.wire.xroad.identifiers import ServerId, encoded

NHI = member("NHI")
GATEWAYS = tuple(ServerId("TW", "GOV", "NHI", name) for name in ("gw", "gw2", "gw3"))
KEY = a_key("NHI")
SIGNING = Signing(signer_of(key_name(NHI, public_der(KEY)), KEY))


class Listed:
    """Implements `model.Acts` in memory; `bad` acts are refused, an act that ends begins with `end`."""

    def __init__(self, clock: Clock) -> None:
        self.held: list[tuple[Sealed, EpochS]] = []
        self.told: dict[str, Heard] = {}
        self.bad: set[bytes] = set()
        self._clock = clock

    @property
    def contents(self) -> set[bytes]:
        return {sealed.content for sealed, _ in self.held}

    def do(self, *contents: bytes) -> None:
        self.held += [(seal(one, SIGNING), self._clock()) for one in contents]

    async def level(self, member: str) -> Level:
        names = sorted(sealed.name for sealed, _ in self.held)
        return Level(len(self.held), sha256("".join(names).encode()).hexdigest())

    async def after(self, member: str, place: int, most: int) -> Sequence[tuple[int, Sealed]]:
        return [(at, sealed) for at, (sealed, _) in enumerate(self.held, 1) if at > place][:most]

    async def known(self, names: Collection[str]) -> Collection[str]:
        return {sealed.name for sealed, _ in self.held} & set(names)

    async def take(self, member: str, acts: Sequence[Sealed]) -> Collection[str]:
        refused = {one.name for one in acts if one.content in self.bad}
        self.held += [(one, self._clock()) for one in acts if one.name not in refused]
        return refused

    async def heard(self, member: str, server: str) -> Heard:
        return self.told.get(server, Heard())

    async def hear(self, member: str, server: str, heard: Heard) -> None:
        self.told[server] = heard

    async def unheard(self, member: str, place: int) -> Unheard:
        rest = self.held[place:]
        ends = sum(sealed.content.startswith(b"end") for sealed, _ in rest)
        return Unheard(len(rest), ends, rest[0][1] if rest else EpochS(0))


class House:
    """The gateways of NHI, by number; `cut` pairs do not reach each other."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.authority = a_directory(folder, self.clock)
        self.authority.change(_with_gateways)
        self.lists = [Listed(self.clock) for _ in GATEWAYS]
        self.cut: set[frozenset[ServerId]] = set()
        self.asked = 0
        self.starts = 0
        self.gateways: list[Siblings] = []
        for at in range(len(GATEWAYS)):
            self.gateways.append(self.started(at))

    @property
    def standing(self) -> Standing:
        return self.authority.keeper.standing

    def started(self, at: int) -> Siblings:
        self.starts += 1
        return Siblings(
            self.lists[at],
            _Way(self, GATEWAYS[at]),
            self.standing,
            own=GATEWAYS[at],
            signing=lambda: {NHI: SIGNING},
            offered=lambda _: {"TW/GOV/NHI/data/card": "1" if at else "0"},
            epoch=str(self.starts),
            clock=self.clock,
            dice=random.Random(at),
        )

    async def meet(self, one: int, other: int) -> bool:
        return await self.gateways[one].meet(GATEWAYS[other], NHI)


def _with_gateways(snapshot: Snapshot) -> Snapshot:
    nhi = a_member("NHI")
    more = tuple(
        Gateway(one.server, (Address("nhi.example", 5501),), (a_certificate("NHI", at),))
        for at, one in enumerate(GATEWAYS[1:], 1)
    )
    whole = msgspec.structs.replace(nhi, gateways=(*nhi.gateways, *more))
    return msgspec.structs.replace(
        snapshot, members=tuple(whole if one.code == "NHI" else one for one in snapshot.members)
    )


class _Way:
    def __init__(self, house: House, own: ServerId) -> None:
        self._house, self._own = house, own

    async def ask(
        self, server: ServerId, verb: str, target: str, body: bytes = b"", *, most: int, wait_s: float
    ) -> bytes:
        self._house.asked += 1
        if frozenset((server, self._own)) in self._house.cut:
            raise Unavailable("It cannot be reached.")
        asked = self._house.gateways[GATEWAYS.index(server)]
        told = msgspec.json.encode(await answered(asked, self._own, body))
        assert len(told) <= most
        return told


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@in_loop
async def test_one_meeting_carries_both_ways_and_pages(house: House) -> None:
    many = [b"%d" % n for n in range(2 * SIBLINGS_PAGE_ACTS + 7)]
    house.lists[0].do(*many)
    house.lists[1].do(b"end x")
    assert await house.meet(0, 1)
    assert house.lists[0].contents == house.lists[1].contents == {*many, b"end x"}
    house.asked = 0
    assert await house.meet(1, 0)
    assert house.asked == 1, "who holds the same has nothing to say"


@in_loop
async def test_it_is_enough_that_a_third_reaches_both(house: House) -> None:
    house.cut.add(frozenset(GATEWAYS[:2]))
    house.lists[0].do(b"end x")
    assert not await house.meet(0, 1)
    assert await house.meet(2, 0)
    assert await house.meet(2, 1)
    assert house.lists[1].contents == {b"end x"}


@in_loop
async def test_officers_hear_who_was_not_told_after_a_while_and_why(house: House) -> None:
    house.cut.add(frozenset(GATEWAYS[:2]))
    house.lists[0].do(b"grant", b"end x")
    assert await house.meet(0, 2)
    assert not await house.meet(0, 1)
    assert [one for one in await house.gateways[0].behind() if one.unheard.acts] == []
    house.clock.at += 60
    (one,) = [one for one in await house.gateways[0].behind() if one.unheard.acts]
    assert (one.server, one.unheard.acts, one.unheard.ended) == (encoded(GATEWAYS[1]), 2, 1)
    assert "cannot be reached" in one.why
    house.gateways[0] = house.started(0)
    (one,) = [one for one in await house.gateways[0].behind() if one.unheard.acts]
    assert one.unheard.acts == 2, "known again after a restart"
    house.cut.clear()
    assert await house.meet(1, 0)
    assert [one for one in await house.gateways[0].behind() if one.unheard.acts] == [], "it asked, so it has heard"


@in_loop
async def test_one_that_came_back_from_a_backup_is_told_from_the_beginning(house: House) -> None:
    house.lists[0].do(b"a", b"end a", b"b")
    assert await house.meet(0, 1)
    del house.lists[1].held[1:]
    house.gateways[1] = house.started(1)
    house.lists[1].do(b"c")
    assert await house.meet(0, 1)
    assert house.lists[0].contents == house.lists[1].contents == {b"a", b"end a", b"b", b"c"}


@in_loop
async def test_an_act_that_is_not_taken_holds_up_no_other_and_is_told_again(house: House) -> None:
    house.lists[0].do(b"a", b"odd", b"end a")
    house.lists[1].bad = {b"odd"}
    assert not await house.meet(0, 1)
    assert house.lists[1].contents == {b"a", b"end a"}
    house.clock.at += 60
    found = {one.server: one.unheard.acts for one in await house.gateways[0].behind()}
    assert found[encoded(GATEWAYS[1])] == 2, "from the first that was not taken on"
    assert not await house.meet(1, 0)
    house.lists[1].bad = set()
    assert await house.meet(0, 1)
    assert house.lists[1].contents == {b"a", b"odd", b"end a"}


@in_loop
async def test_what_is_offered_otherwise_is_named(house: House) -> None:
    for one, other in ((0, 1), (1, 2)):
        assert await house.meet(one, other)
    assert {one.server: one.others for one in await house.gateways[1].behind()} == {
        encoded(GATEWAYS[0]): ("TW/GOV/NHI/data/card",)
    }


@in_loop
async def test_running_gateways_tell_each_other_at_once_and_follow_the_directory(house: House) -> None:
    tasks = [asyncio.create_task(one.run()) for one in house.gateways]
    for round, by in enumerate((0, 1, 2)):
        house.lists[by].do(b"end %d" % round)
        house.gateways[by].wake()
        async with asyncio.timeout(30):
            while any(len(one.held) <= round for one in house.lists):
                await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    house.authority.revoke("gateway", encoded(GATEWAYS[1]))
    assert house.gateways[0].pairs() == [(GATEWAYS[2], NHI)]


@in_loop
async def test_strangers_are_not_answered(house: House) -> None:
    asked = house.gateways[0]
    body = msgspec.json.encode(Question(encoded(NHI), "", 0, ""))
    for server in (None, ServerId("TW", "GOV", "NIA", "gw")):
        with pytest.raises(Denied):
            await answered(asked, server, body)
    for wrong in (b"", b"{}", b"\xff", msgspec.json.encode(Question("x", "", 0, ""))):
        with pytest.raises(Invalid):
            await answered(asked, GATEWAYS[1], wrong)
    with pytest.raises(NotFound):
        await answered(asked, ServerId("TW", "GOV", "NIA", "gw"), body.replace(b"GOV/NHI", b"GOV/NIA"))
