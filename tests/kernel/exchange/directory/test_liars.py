"""Peers that lie, stall or babble: nothing they say is believed, nothing they do stops the round."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kernel.exchange.directory.nation import (
    Clock,
    Network,
    a_directory,
    a_member,
    an_anchor,
    in_loop,
    member,
    server,
    with_member,
)

from banyan.kernel.exchange.directory import pages
from banyan.kernel.exchange.directory.gossip import Gossip
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.limits_road import DIRECTORY_LEARN_S, DIRECTORY_ROUND_S
from banyan.wire.tlog.tiles import encode_bundle
from banyan.wire.xroad.identifiers import ServerId

Lie = Callable[[str, bytes], bytes]


class Liar:
    """A way to peers whose answers a test twists."""

    def __init__(self, keeper: Keeper, lie: Lie) -> None:
        self._keeper, self._lie = keeper, lie
        self.asked = 0

    async def ask(
        self, server: ServerId, verb: str, target: str, body: bytes = b"", *, most: int, wait_s: float
    ) -> bytes:
        self.asked += 1
        page = target.removeprefix(pages.PREFIX)
        return self._lie(page, pages.answer(self._keeper, verb, target, body).body)


def a_pair(folder: Path, lie: Lie) -> tuple[Keeper, Gossip, Liar]:
    """A gateway at version 1 and a peer at version 3."""
    clock = Clock()
    authority = a_directory(folder / "c", clock)
    keeper = Keeper(folder / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    for name in ("X", "Y"):
        authority.change(lambda snapshot, n=name: with_member(snapshot, a_member(n)))
    authority.revoke("member", "TW/GOV/NIA")
    liar = Liar(authority.keeper, lie)
    return keeper, Gossip(keeper, liar, own=server("NHI"), centre=server("CENTRE"), dice=random.Random(1)), liar


def head_with(**fields: object) -> Lie:
    def lie(page: str, body: bytes) -> bytes:
        if page != "head":
            return body
        return msgspec.json.encode({**msgspec.json.decode(body), **fields})

    return lie


def crumbs(page: str, body: bytes) -> bytes:
    return encode_bundle([b"x"]) if page.startswith("log") else body


LIES: dict[str, Lie] = {
    "no head": lambda page, body: b"" if page == "head" else body,
    "another form": lambda page, body: b"[]" if page == "head" else body,
    "a size beyond all": head_with(size=2**62),
    "a size below zero": head_with(size=-5),
    "a longer log than there is": head_with(size=500),
    "a shorter log": head_with(size=1, checkpoint="x"),
    "no checkpoint": head_with(checkpoint=""),
    "a version that is none": head_with(version=2**60),
    "many handovers": head_with(handovers=["x"] * 65),
    "much evidence": head_with(evidence=["e"] * 17),
    "evidence of nothing": head_with(evidence=["../../etc/passwd", "0" * 32]),
    "crumbs": crumbs,
    "a cut log": lambda page, body: body[:-3] if page.startswith("log") else body,
    "another document": lambda page, body: b"{}" if page == "snapshot" else body,
    "no document": lambda page, body: b"" if page == "snapshot" else body,
}


@pytest.mark.parametrize("which", LIES)
@in_loop
async def test_a_lie_is_not_believed(tmp_path: Path, which: str) -> None:
    keeper, gossip, liar = a_pair(tmp_path, LIES[which])
    heard = await gossip.learn(server("CENTRE"))
    assert keeper.standing.version in ("1", "3"), heard
    if keeper.standing.version == "1":
        assert not keeper.standing.is_known(member("X"))
    assert liar.asked < 12
    assert keeper.evidence == ()


@in_loop
async def test_false_revocations_are_not_believed_and_the_rest_is(tmp_path: Path) -> None:
    keeper, gossip, _ = a_pair(tmp_path, lambda page, body: b'["x"]' if page == "revocations" else body)
    heard = await gossip.learn(server("CENTRE"))
    assert heard.why
    assert keeper.standing.version == "3"
    assert not keeper.standing.is_known(member("NIA")), "it stands in the log"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_twisted_answer_raises_or_is_believed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """One answer of the peer is cut, doubled or has bytes changed; what is taken is what the authority signed."""
    which = data.draw(st.sampled_from(["head", "log", "snapshot", "revocations"]))

    def lie(page: str, body: bytes) -> bytes:
        if not page.startswith(which) or not body:
            return body
        at = data.draw(st.integers(0, len(body) - 1))
        how = data.draw(st.sampled_from(["cut", "flip", "double", "insert"]))
        if how == "cut":
            return body[:at]
        if how == "flip":
            return body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
        return body[:at] + (body[at:] * 2 if how == "double" else data.draw(st.binary(max_size=40)) + body[at:])

    folder = tmp_path_factory.mktemp("liar")
    keeper, gossip, liar = a_pair(folder, lie)
    asyncio.run(gossip.learn(server("CENTRE")))
    true = liar._keeper
    assert keeper.entries(0) == true.entries(0, keeper.held.facts.size)
    assert keeper.standing.version in ("1", "3")
    assert set(keeper.revocations) <= set(true.revocations)


@in_loop
async def test_a_peer_that_never_ends_does_not_stop_the_round(tmp_path: Path) -> None:
    """It is asked once, beside later rounds, and left when its time is over; the loop's own clock is moved."""
    loop = asyncio.get_running_loop()
    start, ahead = loop.time(), 0.0
    loop.time = lambda: start + ahead  # type: ignore[method-assign]
    authority = a_directory(tmp_path / "c", Clock())
    network = Network()
    network.join("CENTRE", authority.keeper, centre=None)
    gossip = network.join("NHI", Keeper(tmp_path / "f", an_anchor(), clock=Clock()))
    asked = []

    class Stuck:
        async def ask(self, server: ServerId, verb: str, target: str, body: bytes = b"", **bounds: object) -> bytes:
            asked.append(server)
            await asyncio.Event().wait()
            return b""

    gossip._peers = Stuck()
    for _ in range(3):
        waiting = asyncio.ensure_future(gossip.round())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ahead += DIRECTORY_ROUND_S
        assert await waiting == []
    assert asked == [server("CENTRE")]
    ahead += DIRECTORY_LEARN_S
    heard = await gossip.round()
    assert "nothing whole" in heard[0].why
    await gossip.close()
