"""An authority with two faces is found out by the gateways it shows them to, and the proof holds for strangers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import (
    INSTANCE,
    Clock,
    Network,
    a_directory,
    a_member,
    an_anchor,
    in_loop,
    member,
    server,
    signer,
    with_member,
)

from banyan.kernel.exchange.directory import evidence
from banyan.kernel.exchange.directory.authority import Authority
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.wire.tlog.note import BadNote

CODES = ("CENTRE", "A00", "A01", "A02", "A03")
CHAIN = (signer().keys,)


async def two_faced(folder: Path, clock: Clock, changes: tuple[int, int]) -> tuple[Network, Authority]:
    """The same founder in two places: A00 and A01 follow one, A02 and A03 the other; then all meet."""
    honest = a_directory(folder / "CENTRE", clock, CODES)
    other = a_directory(folder / "OTHER", clock, CODES)
    network = Network()
    network.join("CENTRE", honest.keeper, centre=None)
    for code in CODES[1:]:
        network.join(code, Keeper(folder / code, an_anchor(), clock=clock))
    for _ in range(changes[0]):
        honest.change(lambda snapshot: with_member(snapshot, a_member("GOOD")))
    for _ in range(changes[1]):
        other.change(lambda snapshot: with_member(snapshot, a_member("EVIL")))
    network.islands = {server(code): 1 for code in CODES[3:]}
    await network.rounds()
    network.keepers[server("CENTRE")], kept = other.keeper, network.keepers[server("CENTRE")]
    network.islands = {server(code): 1 for code in ("CENTRE", *CODES[3:])}
    await network.rounds()
    network.keepers[server("CENTRE")], network.islands = kept, {}
    return network, honest


@pytest.mark.parametrize("changes", [(1, 1), (1, 3), (3, 1), (2, 0), (0, 2), (0, 0)])
@in_loop
async def test_who_was_shown_another_log_has_the_proof_as_soon_as_they_meet(
    tmp_path: Path, changes: tuple[int, int]
) -> None:
    network, _ = await two_faced(tmp_path, Clock(), changes)
    before = {own: keeper.standing.version for own, keeper in network.keepers.items()}
    await network.rounds(2)
    is_split = min(changes) > 0
    for own, keeper in network.keepers.items():
        assert bool(keeper.evidence) == is_split, own
        for one in keeper.evidence:
            assert evidence.verify(evidence.read(one.encode()), INSTANCE, CHAIN)
        if is_split:
            assert keeper.standing.version == before[own], "nobody changes sides"
            assert "authority" in keeper.alerts[0]


@in_loop
async def test_evidence_holds_for_nobody_once_a_byte_is_changed(tmp_path: Path) -> None:
    network, _ = await two_faced(tmp_path, Clock(), (1, 3))
    await network.rounds(2)
    found = network.keepers[server("A00")].evidence[0]
    for field in ("first", "second"):
        text = getattr(found, field)
        lines = text.split("\n")
        lines[1] = str(int(lines[1]) + 1)
        with pytest.raises(BadNote):
            evidence.verify(msgspec.structs.replace(found, **{field: "\n".join(lines)}), INSTANCE, CHAIN)
    same = msgspec.structs.replace(found, second=found.first)
    with pytest.raises(BadNote):
        evidence.verify(same, INSTANCE, CHAIN)
    with pytest.raises(BadNote):
        evidence.verify(found, INSTANCE, (signer(1, 9).keys,))


def test_an_honest_log_gives_no_evidence_against_itself(tmp_path: Path) -> None:
    """Every pair of its checkpoints, offered as a suspect in every way."""
    clock = Clock()
    authority = a_directory(tmp_path / "c", clock)
    checkpoints, sizes = [], []
    for _ in range(6):
        authority.change(lambda snapshot: snapshot)
        clock.at += 700
        authority.beat()
        checkpoints.append(authority.keeper.held.checkpoint)
        sizes.append(authority.keeper.held.facts.size)
    whole = authority.keeper.entries(0)
    for one, size in zip(checkpoints, sizes, strict=True):
        assert not authority.keeper.suspect(one, whole[:size])
        for other, larger in zip(checkpoints, sizes, strict=True):
            for made in (evidence.roots(one, other), evidence.past(one, other, authority.keeper.root(size), ())):
                assert not authority.keeper.accuse(made), (size, larger)
    assert authority.keeper.evidence == ()


def test_two_snapshots_of_one_version_in_one_log_are_evidence(tmp_path: Path) -> None:
    """A gateway that follows a log sees all that was ever announced in it."""
    clock = Clock()
    one = a_directory(tmp_path / "one", clock)
    other = a_directory(tmp_path / "other", clock)
    follower = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    one.change(lambda snapshot: with_member(snapshot, a_member("GOOD")))
    other.change(lambda snapshot: with_member(snapshot, a_member("EVIL")))
    from banyan.kernel.exchange.directory.keeper import Offer

    follower.take(offered(one))
    twice = other.keeper.entries(2)
    with pytest.raises(Refused, match="not newer"):
        follower.take(Offer(3, twice, other.keeper.held.checkpoint, (), other.keeper.snapshot()))
    assert follower.alerts
    assert follower.standing.is_known(member("GOOD"))


def offered(authority: Authority):  # type: ignore[no-untyped-def]
    from banyan.kernel.exchange.directory.keeper import Offer

    keeper = authority.keeper
    return Offer(0, keeper.entries(0), keeper.held.checkpoint, keeper.held.handovers, keeper.snapshot())
